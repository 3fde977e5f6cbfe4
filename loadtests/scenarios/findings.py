"""What one run finds out, within Locust: the ledger, the measurements, the judgement at the end.

Each process has one: a worker's ledger travels to the master with its reports, and the master, or
the only process, judges.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen
from weakref import WeakKeyDictionary

from locust.env import Environment
from locust.runners import WORKER_REPORT_INTERVAL, MasterRunner, WorkerRunner

from loadtests.scenarios import thresholds
from loadtests.scenarios.endcheck import Kept, contradictions
from loadtests.scenarios.ledger import Ledger
from loadtests.scenarios.roster import Roster
from loadtests.scenarios.schedule import Fields
from loadtests.scenarios.thresholds import Measured

_SETTLING_TRIES = 5
_SETTLING_S = 1.0
"""What was cut off at the end may still arrive: a contradiction counts when it stays."""
_ANSWER_TIMEOUT_S = 30.0
_PAGE = 100


class Run:
    """One test after the other in one process of Locust."""

    def __init__(self, environment: Environment) -> None:
        options = environment.parsed_options
        assert options is not None, "Locust parses them before it fires `init`"
        self._environment = environment
        self._options = options
        self._is_worker = isinstance(environment.runner, WorkerRunner)
        self.thresholds = thresholds.read(Path(options.thresholds).read_text("utf-8"))
        self.ledger = Ledger(travels=self._is_worker)
        self._roster: Roster | None = None

    @property
    def guests(self) -> int:
        """How many there are at most."""
        return int(self._options.guests)

    @property
    def rushing(self) -> bool:
        """All guests press for the same sale at the same instant."""
        return str(self._options.shape) == "rush"

    @property
    def host(self) -> str:
        """The server's address."""
        assert self._environment.host, "the caller names one"
        return str(self._environment.host).rstrip("/")

    @property
    def roster(self) -> Roster:
        """This process' people. Raises Unseeded."""
        if self._roster is None:  # only now is a worker's number known
            share, shares = 0, 1
            if isinstance(self._environment.runner, WorkerRunner):
                share = self._environment.runner.worker_index
                shares = max(share + 1, self._options.expect_workers)
            self._roster = Roster(Path(self._options.tokens).read_bytes(), share, shares)
        return self._roster

    def check(self) -> None:
        """See that there are enough people, where that can be known. Raises Unseeded, OSError."""
        if not self._is_worker and (self._options.headless or self._options.autostart):
            self.roster.must_have(self.guests)

    def start(self) -> None:
        """Forget the test before."""
        self.ledger = Ledger(travels=self._is_worker)
        self._environment.process_exit_code = 1  # until it is known to be good

    def allow(self, name: str, answer: str) -> bool:
        """Whether that answer is no failure."""
        return self.thresholds.allow(name, answer)

    def fire(
        self, kind: str, name: str, took_ms: float, wrong: str | None = None, size: int = 0
    ) -> None:
        """Have Locust count something that is no HTTP request."""
        self._environment.events.request.fire(
            request_type=kind,
            name=name,
            response_time=took_ms,
            response_length=size,
            exception=None if wrong is None else AssertionError(wrong),
            context={},
        )

    def conclude(self) -> None:
        """Judge, tell, and set the exit code; in a worker nothing."""
        if self._is_worker:
            return
        complaints = [*(self._unheard() or self._contradictions()), *self._failed()]
        for complaint in complaints:
            print(f"FAILED {complaint}.", file=sys.stderr)
        print(
            f"{len(self.ledger.wins)} seats won in {len(self.ledger.opened)} sales, "
            f"{len(self.ledger.open)} presses without an answer, {len(complaints)} complaints.",
            file=sys.stderr,
        )
        self._environment.process_exit_code = 1 if complaints else 0

    # --- the end check ---------------------------------------------------------------------------

    def _unheard(self) -> list[str]:
        """Wait for what workers have still to report."""
        runner = self._environment.runner
        if not isinstance(runner, MasterRunner):
            return []
        if runner.user_count:  # Ctrl-C: workers are told to quit, and not waited for
            return ["the run was broken off while guests were there, so nothing was checked"]
        time.sleep(WORKER_REPORT_INTERVAL + _SETTLING_S)
        return []

    def _contradictions(self) -> list[str]:
        found: list[str] = []
        try:
            for _ in range(_SETTLING_TRIES):
                found = list(contradictions(self.ledger, self._kept()))
                if not found:
                    break
                time.sleep(_SETTLING_S)
        except OSError as error:
            found = [f"the end check could not read the API: {error}"]
        return found

    def _kept(self) -> Iterator[Kept]:
        pressed = {press.auction_id for press in self.ledger.open.values()}
        won = {win.auction_id for win in self.ledger.wins}
        for auction_id in sorted(self.ledger.opened | pressed | won):
            yield Kept(self._read(f"/auctions/{auction_id}"), list(self._holders(auction_id)))

    def _holders(self, auction_id: int) -> Iterator[Fields]:
        asked = f"/studios/me/reservations?auction_id={auction_id}&limit={_PAGE}"
        path: str | None = asked
        while path is not None:
            page = self._read(path)
            yield from (row for row in page["items"] if row["status"] != "CANCELLED")
            cursor = page["next_cursor"]
            path = None if cursor is None else f"{asked}&cursor={cursor}"

    def _read(self, path: str) -> Fields:
        """By the studio's admin, and not counted. Raises OSError."""
        token = self.roster.admin.token
        request = Request(f"{self.host}/api/v1{path}", headers={"Authorization": f"Bearer {token}"})
        with urlopen(request, timeout=_ANSWER_TIMEOUT_S) as answer:
            fields: Fields = json.load(answer)
        return fields

    # --- the thresholds --------------------------------------------------------------------------

    def _failed(self) -> list[str]:
        runner = self._environment.runner
        assert runner is not None, "there was a test"
        measured = {}
        for entry in self._environment.stats.entries.values():
            name = f"{entry.method} {entry.name}"
            wanted = self.thresholds.of(name).quantiles_ms or {}
            took = {
                digits: float(entry.get_response_time_percentile(thresholds.share(digits)))
                for digits in wanted
            }
            measured[name] = Measured(entry.num_requests, entry.num_failures, took)
        failed = list(thresholds.failed(self.thresholds, measured, len(self.ledger.wins)))
        for error in runner.exceptions.values():
            failed.append(f"a guest broke down {error['count']} times: {error['msg']}")
        if isinstance(runner, MasterRunner) and runner.clients.missing:
            failed.append(f"{len(runner.clients.missing)} workers were lost")
        return failed


_RUNS: WeakKeyDictionary[Environment, Run] = WeakKeyDictionary()


def run_of(environment: Environment) -> Run:
    """This process' run."""
    if environment not in _RUNS:
        _RUNS[environment] = Run(environment)
    return _RUNS[environment]
