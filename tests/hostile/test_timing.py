"""The statistics of the timing run, on numbers whose answer is known.

That log-in and registration do the same work for everybody (hashes, statements, mails) is asserted
where they are made: tests/engine/catalog/test_sessions.py and test_accounts.py.
"""

import random

import pytest

from tests.hostile.timing import judged


def noise(rng: random.Random, shift_ms: float, spread_ms: float, pairs: int = 400) -> list[float]:
    """Differences of two that take alike long, but for the shift; now and then something hangs."""
    return [
        rng.gauss(shift_ms, spread_ms) + (rng.choice((-80, 80)) if rng.random() < 0.05 else 0)
        for _ in range(pairs)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_difference_is_found(seed: int) -> None:
    rng = random.Random(seed)
    verdict = judged("log-in", noise(rng, 1.0, 2.0), rng)
    assert verdict.word == "A DIFFERENCE"
    assert 0.5 < verdict.mean_ms < 1.5


@pytest.mark.parametrize("seed", range(3))
def test_none_is_not(seed: int) -> None:
    rng = random.Random(seed)
    verdict = judged("log-in", noise(rng, 0.0, 2.0), rng)
    assert verdict.word == "no difference"
    assert verdict.seen_ms < 1.0


def test_noise_in_which_it_could_hide_is_said_to_be_that() -> None:
    rng = random.Random(1)
    verdict = judged("log-in", noise(rng, 0.5, 60.0), rng)
    assert verdict.word == "INCONCLUSIVE"
    assert "INCONCLUSIVE" in verdict.told()
