"""Many seeds: sums that do not depend on how the work was divided, and what they prove."""

import gc

import pytest

from engine.simulation import runner
from engine.simulation.faults import Fault
from engine.simulation.plan import plan_of
from engine.simulation.runner import ENOUGH_TO_JUDGE, MUST_HAPPEN, Report, run_range
from engine.simulation.world import run
from tests.simulation import mutations


def sums(report: Report) -> dict[str, object]:
    return {
        "failed": (report.failures, report.failed),
        "struck": report.struck,
        "seen": report.seen,
        "worlds": report.worlds,
        "virtual_s": pytest.approx(report.virtual_s),
        "digest": report.digest,
    }


def test_the_sums_are_those_of_the_runs() -> None:
    report = run_range("small", 3, 12)
    outcomes = [run(plan_of("small", seed)) for seed in range(3, 13)]
    assert (report.first, report.last, report.worlds, report.failures) == (3, 12, 10, 0)
    assert report.seen["presses"] == sum(outcome.seen["presses"] for outcome in outcomes)
    assert report.struck.total() == sum(outcome.struck.total() for outcome in outcomes)
    assert report.virtual_s == pytest.approx(sum(each.virtual_ms for each in outcomes) / 1000)
    assert report.seconds > 0


def test_the_sums_are_the_same_however_the_work_was_divided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "CHUNK", 8)
    told: list[int] = []
    alone = run_range("small", 0, 29, told=lambda report: told.append(report.worlds))
    assert told == [8, 16, 24, 30]
    assert sums(alone) == sums(run_range("small", 0, 29, workers=2))
    assert alone.digest != run_range("small", 1, 30).digest


def test_only_the_faults_that_were_asked_for_strike() -> None:
    report = run_range("small", 0, 29, faults=[Fault.COMMIT_LATE])
    assert set(report.struck) <= {Fault.COMMIT_LATE, Fault.MAILBOX_FULL}
    assert report.struck[Fault.COMMIT_LATE] > 0, "INCONCLUSIVE"


def test_a_seed_that_fails_is_told_with_its_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    mutations.forgets_seats_that_come_back(monkeypatch)
    report = run_range("small", 0, 59)
    assert report.worlds == 60
    assert report.failures >= len(report.failed) >= 1
    seed, why = next(iter(report.failed.items()))
    breach = run(plan_of("small", seed)).breach
    assert breach is not None
    assert why == f"{breach.promise}: {breach.what}"
    assert list(report.failed) == sorted(report.failed)
    assert len(report.failed) <= runner.FAILURES_KEPT


def test_of_many_failures_the_first_few_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "FAILURES_KEPT", 2)
    mutations.forgets_seats_that_come_back(monkeypatch)
    report = run_range("small", 0, 29)
    assert report.failures > 2, "INCONCLUSIVE"
    first = [n for n in range(30) if run(plan_of("small", n)).breach is not None][:2]
    assert list(report.failed) == first


def test_it_collects_again_afterwards() -> None:
    run_range("small", 0, 2)
    assert gc.isenabled()


# --- what a run proves ---------------------------------------------------------------------------


def full_report(worlds: int = ENOUGH_TO_JUDGE) -> Report:
    report = Report("small", 0, worlds - 1, worlds=worlds)
    report.struck.update({fault: 1 for fault in Fault})
    report.seen.update({what: 1 for what in MUST_HAPPEN})
    return report


def test_where_everything_has_happened_nothing_is_missing() -> None:
    assert full_report().never(tuple(Fault)) == []


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_that_never_struck_proves_nothing(fault: Fault) -> None:
    report = full_report()
    report.struck[fault] = 0
    assert report.never(tuple(Fault)) == [fault.value]
    assert report.never([other for other in Fault if other is not fault]) == []


@pytest.mark.parametrize("what", MUST_HAPPEN)
def test_what_never_happened_proves_nothing(what: str) -> None:
    report = full_report()
    report.seen[what] = 0
    assert report.never(tuple(Fault)) == [what]


def test_a_few_worlds_are_too_few_to_judge_by() -> None:
    report = Report("small", 0, 9, worlds=ENOUGH_TO_JUDGE - 1)
    assert report.never(tuple(Fault)) == []
