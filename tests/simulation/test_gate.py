"""The gate: so many worlds under every fault, and every promise kept in all of them.

In chunks, so that several processes share them. What has certainly happened in a chunk of that
size is counted in each; that everything happens is asked of a fixed range as a whole.
"""

from collections.abc import Iterable

import pytest

from engine.simulation.faults import BUS_FAULTS, COMMIT_FAULTS, Fault
from engine.simulation.runner import Report, run_range

SMALL, SMALL_CHUNK = 500, 100
STANDARD, STANDARD_CHUNK = 100, 10
HAPPENS_IN_EVERY_CHUNK = ("booked", "committed", "refusals", "personal", "mails", "shown")


def kept(kind: str, first: int, number: int) -> Report:
    report = run_range(kind, first, first + number - 1)
    assert report.worlds == number
    replay = f"hothour simulate --world {kind} --seeds {min(report.failed, default=first)}"
    assert not report.failures, f"{report.failed}; replay: {replay}"
    assert not [what for what in HAPPENS_IN_EVERY_CHUNK if report.seen[what] < number], (
        f"INCONCLUSIVE: {report.seen}"
    )
    for family in (COMMIT_FAULTS, BUS_FAULTS, (Fault.NODE_CRASH, Fault.NODE_PAUSE)):
        assert struck(report, family) >= 3, f"INCONCLUSIVE: {family} in {report.struck}"
    return report


def struck(report: Report, faults: Iterable[Fault]) -> int:
    return sum(report.struck[fault] for fault in faults)


@pytest.mark.parametrize("first", range(0, SMALL, SMALL_CHUNK))
def test_every_promise_is_kept_in_small_worlds(first: int) -> None:
    kept("small", first, SMALL_CHUNK)


@pytest.mark.parametrize("first", range(0, STANDARD, STANDARD_CHUNK))
def test_every_promise_is_kept_in_standard_worlds(first: int) -> None:
    kept("standard", first, STANDARD_CHUNK)


def test_in_so_many_worlds_everything_has_happened() -> None:
    report = run_range("small", 10_000, 10_000 + SMALL - 1)
    assert report.failed == {}
    assert report.never(tuple(Fault)) == [], "INCONCLUSIVE"
