"""From a run that failed to a small one that fails the same way.

Acts are left out, first many at a time and then fewer, as long as the same promise is broken
(Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002). What is left is
seldom the least there is, and short enough to be read.
"""

from collections.abc import Callable, Sequence

from engine.simulation.plan import Plan
from engine.simulation.world import Outcome, run

TRIES_MAX = 300


def shrunk(failed: Outcome, tries_max: int = TRIES_MAX) -> Outcome:
    """The outcome of a plan with fewer acts that breaks the same promise."""
    assert failed.breach is not None, "only what failed can be shrunk"
    promise, best = failed.breach.promise, failed
    tries = 0

    def fails(numbers: Sequence[int]) -> bool:
        nonlocal best, tries
        tries += 1
        outcome = run(failed.plan.only(numbers))
        if outcome.breach is None or outcome.breach.promise != promise:
            return False
        best = outcome
        return True

    fewest(_numbers(failed.plan), fails, lambda: tries < tries_max)
    return best


def fewest(
    numbers: list[int], fails: Callable[[Sequence[int]], bool], go_on: Callable[[], bool]
) -> list[int]:
    """Leave out what is not needed for `fails` to hold, while `go_on` does."""
    parts = 2
    while len(numbers) > 1 and go_on():
        size = max(1, len(numbers) // parts)
        for start in range(0, len(numbers), size):
            rest = numbers[:start] + numbers[start + size :]
            if rest and go_on() and fails(rest):
                numbers, parts = rest, max(2, parts - 1)
                break
        else:
            if size == 1:
                break
            parts = min(len(numbers), parts * 2)
    return numbers


def _numbers(plan: Plan) -> list[int]:
    return [act.no for act in plan.acts]
