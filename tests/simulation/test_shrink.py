"""A run that failed becomes a small one that fails the same way."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from engine.simulation import shrink
from engine.simulation.plan import plan_of
from engine.simulation.shrink import fewest, shrunk
from engine.simulation.world import Outcome, run
from tests.simulation import mutations


def always() -> bool:
    return True


@pytest.mark.parametrize("needed", [{7}, {0, 99}, {3, 4, 5}, {10, 50, 90}, set(range(0, 100, 7))])
def test_only_what_is_needed_is_left(needed: set[int]) -> None:
    assert set(fewest(list(range(100)), needed.issubset, always)) == needed


def test_what_cannot_be_made_smaller_stays() -> None:
    everything = list(range(9))
    assert fewest(everything, lambda rest: len(rest) == 9, always) == everything
    assert fewest([1], lambda _: True, always) == [1]
    assert fewest([], lambda _: True, always) == []


def test_the_order_is_kept() -> None:
    def both(rest: Sequence[int]) -> bool:
        return {30, 2} <= set(rest)

    assert fewest([30, 5, 1, 2, 8], both, always) == [30, 2]


def test_tries_are_bounded() -> None:
    tries = 0

    def fails(_: Sequence[int]) -> bool:
        nonlocal tries
        tries += 1
        return False

    fewest(list(range(1_000)), fails, lambda: tries < 20)
    assert tries == 20


@pytest.fixture
def failed(monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """A run of an engine that does not know any more which seats came back."""
    mutations.forgets_seats_that_come_back(monkeypatch)
    for seed in range(60):
        outcome = run(plan_of("small", seed))
        if outcome.breach is not None:
            return outcome
    raise AssertionError("INCONCLUSIVE")


def test_a_failing_run_gets_smaller_and_fails_the_same_way(failed: Outcome) -> None:
    small = shrunk(failed)
    assert small.breach is not None
    assert failed.breach is not None
    assert small.breach.promise == failed.breach.promise
    assert len(small.plan.acts) < len(failed.plan.acts) / 3
    assert set(small.plan.acts) < set(failed.plan.acts)
    again = run(small.plan)
    assert (again.breach, again.digest) == (small.breach, small.digest)


def test_a_failing_run_is_tried_so_often_and_no_oftener(
    failed: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def counted(plan: object) -> Outcome:
        tried.append(1)
        return replace(failed, breach=None)

    monkeypatch.setattr(shrink, "run", counted)
    assert shrunk(failed, tries_max=7) is failed
    assert len(tried) == 7


def test_another_breach_is_not_the_same_failure(
    failed: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert failed.breach is not None
    other = replace(failed, breach=replace(failed.breach, promise="another"))
    monkeypatch.setattr(shrink, "run", lambda plan: other)
    assert shrunk(failed) is failed


def test_what_has_not_failed_cannot_be_shrunk(failed: Outcome) -> None:
    with pytest.raises(AssertionError, match="only what failed"):
        shrunk(replace(failed, breach=None))
