"""What Locust loads: `python -m locust -f loadtests/scenarios/locustfile.py --host URL`.

Options of its own take the place of --users and --run-time, since each worker has to know them.
"""

import sys
import time
from pathlib import Path
from typing import Any

from locust import LoadTestShape, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from loadtests.scenarios import shapes
from loadtests.scenarios.findings import run_of
from loadtests.scenarios.guest import Guest
from loadtests.scenarios.roster import Unseeded
from loadtests.scenarios.staff import Staff
from loadtests.scenarios.thresholds import Unreadable

__all__ = ["Guest", "Staff", "Visitors"]


class Visitors(LoadTestShape):
    """Guests by the chosen shape, and the studio beside them."""

    def tick(self) -> tuple[int, float] | None:
        assert self.runner is not None, "set before the first tick"
        options = self.runner.environment.parsed_options
        assert options is not None, "parsed before there is a runner"
        stage = shapes.stage(
            options.shape,
            time.perf_counter() - self.start_time,
            options.guests,
            options.length_s or None,
        )
        if stage is None:
            # As in the web interface. A headless master would else tell its workers to quit, and
            # judge before it has heard what they did last.
            self.runner.stop()
            return None
        return stage.guests + Staff.fixed_count, stage.per_s


def add_options(parser: LocustArgumentParser, **_: Any) -> None:
    """Ours, beside Locust's; those that are no files are fields of the web interface too."""
    beside = str(Path(__file__).with_name("thresholds.toml"))
    parser.add_argument("--guests", type=int, default=200, help="Guests at most")
    parser.add_argument("--length-s", type=float, default=60.0, help="Seconds; 0: until stopped")
    parser.add_argument("--shape", choices=list(shapes.SHAPES), default="rush", help="Who when")
    for name, default, meaning in (
        ("--tokens", "guests.json", "From `hothour seed`"),
        ("--thresholds", beside, "What is good enough"),
    ):
        parser.add_argument(name, default=default, help=meaning, include_in_web_ui=False)


def prepare(environment: Environment, **_: Any) -> None:
    """Read the files, so that a mistake is one sentence before anybody comes; have a worker's
    entries travel with its reports."""
    try:
        run = run_of(environment)
        run.check()
    except (Unreadable, Unseeded, OSError) as error:
        sys.exit(f"hothour: {error}")

    def report(data: dict[str, Any], **_: Any) -> None:
        data["ledger"] = run.ledger.fresh()

    def heard(data: dict[str, Any], **_: Any) -> None:
        run.ledger.add(data["ledger"])

    environment.events.report_to_master.add_listener(report)
    environment.events.worker_report.add_listener(heard)


def start(environment: Environment, **_: Any) -> None:
    """A test begins."""
    run_of(environment).start()


def conclude(environment: Environment, **_: Any) -> None:
    """A test is over, and everybody has gone."""
    run_of(environment).conclude()


events.init_command_line_parser.add_listener(add_options)
events.init.add_listener(prepare)
events.test_start.add_listener(start)
events.test_stop.add_listener(conclude)
