"""Many seeds, over several processes: how many held, what happened in them, which one did not.

A range of seeds is cut into chunks, each chunk is one process's work, and the sums are the same
however the work was divided. A run in which too little happened proves nothing and says so.
"""

import gc
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field

from engine.simulation.faults import Fault
from engine.simulation.plan import plan_of
from engine.simulation.world import Outcome, run

CHUNK = 50
FAILURES_KEPT = 10
ENOUGH_TO_JUDGE = 500
"""From so many worlds on every kind of fault must have struck."""
MUST_HAPPEN = ("booked", "committed", "Superseded", "Offended", "refusals", "personal", "shown")


@dataclass(slots=True)
class Report:
    """The sums. `digest` stands for every trace of the range, in order."""

    kind: str
    first: int
    last: int
    worlds: int = 0
    failed: dict[int, str] = field(default_factory=dict)
    """Seeds and what they broke, the first few of them."""
    failures: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    virtual_s: float = 0.0
    seconds: float = 0.0
    digest: str = ""

    def never(self, faults: Collection[Fault]) -> list[str]:
        """What should have happened in so many worlds and did not."""
        if self.worlds < ENOUGH_TO_JUDGE:
            return []
        silent = [fault.value for fault in Fault if fault in faults and not self.struck[fault]]
        return silent + [what for what in MUST_HAPPEN if not self.seen[what]]


def run_range(
    kind: str,
    first: int,
    last: int,
    *,
    faults: Collection[Fault] = tuple(Fault),
    workers: int = 1,
    told: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Every seed from `first` to `last`, both included; `told` hears now and then how far it is."""
    began = time.perf_counter()
    report = Report(kind, first, last)
    digests: dict[int, str] = {}
    for start, part, digest in _parts(kind, first, last, tuple(faults), workers):
        digests[start] = digest
        report.worlds += part.worlds
        report.failures += part.failures
        report.failed.update(part.failed)
        report.struck.update(part.struck)
        report.seen.update(part.seen)
        report.virtual_s += part.virtual_s
        report.seconds = time.perf_counter() - began
        told(report)
    report.failed = dict(sorted(report.failed.items())[:FAILURES_KEPT])
    whole = "".join(digests[start] for start in sorted(digests))
    report.digest = hashlib.blake2b(whole.encode(), digest_size=12).hexdigest()
    return report


def _parts(
    kind: str, first: int, last: int, faults: tuple[Fault, ...], workers: int
) -> Iterator[tuple[int, Report, str]]:
    chunks = [(at, min(at + CHUNK - 1, last)) for at in range(first, last + 1, CHUNK)]
    if workers <= 1:
        for start, end in chunks:
            yield _chunk(kind, start, end, faults)
        return
    with ProcessPoolExecutor(workers) as pool:
        for done in as_completed(
            [pool.submit(_chunk, kind, start, end, faults) for start, end in chunks]
        ):
            yield done.result()


def _chunk(kind: str, first: int, last: int, faults: tuple[Fault, ...]) -> tuple[int, Report, str]:
    report, digest = Report(kind, first, last), hashlib.blake2b(digest_size=12)
    # A world is full of cycles and lives for milliseconds: collecting while it runs only costs.
    gc.disable()
    try:
        for seed in range(first, last + 1):
            _add(report, run(plan_of(kind, seed, faults)), seed, digest.update)
            if (seed - first) % 10 == 9:
                gc.collect()
    finally:
        gc.enable()
    return first, report, digest.hexdigest()


def _add(report: Report, outcome: Outcome, seed: int, digest: Callable[[bytes], None]) -> None:
    report.worlds += 1
    report.struck.update(outcome.struck)
    report.seen.update(outcome.seen)
    report.virtual_s += outcome.virtual_ms / 1000
    digest(outcome.digest.encode())
    if outcome.breach is not None:
        report.failures += 1
        report.failed[seed] = f"{outcome.breach.promise}: {outcome.breach.what}"
