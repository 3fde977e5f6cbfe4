"""Valid sales at random, for hypothesis and for seeded loops, and what the oracle calls them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from random import Random

from hypothesis import strategies as st

from engine.domain.terms import Terms, TurboTerms
from tests.domain.oracle import Sale, Turbo

NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
STEPS_MAX = 100
"""About how many drops of one kind a sale has at most: the oracle walks over each of them."""


@dataclass(frozen=True)
class Case:
    """Terms, and when turbo really started: None as scheduled, else forced that early."""

    terms: Terms
    turbo_started_at_ms: int | None = None

    def sale(self) -> Sale:
        """The same sale in the oracle's words."""
        terms, turbo = self.terms, None
        if terms.turbo is not None:
            scheduled_ms = max(terms.starts_at_ms, terms.ends_at_ms - terms.turbo.trigger_ms)
            forced_ms = self.turbo_started_at_ms
            turbo = Turbo(
                drop=Fraction(terms.turbo.amount, 100),
                interval_ms=terms.turbo.every_ms,
                started_at_ms=scheduled_ms if forced_ms is None else forced_ms,
            )
        return Sale(
            start_price=Fraction(terms.start_price, 100),
            floor_price=Fraction(terms.floor_price, 100),
            drop=Fraction(terms.drop_amount, 100),
            interval_ms=terms.drop_every_ms,
            start_ms=terms.starts_at_ms,
            end_ms=terms.ends_at_ms,
            turbo=turbo,
        )


@st.composite
def cases(draw: st.DrawFn, window_ms_max: int = 86_400_000) -> Case:
    """Any sale that obeys the rules, down to windows of a few milliseconds."""
    return _case(lambda low, high: draw(st.integers(low, high)), window_ms_max)


def random_case(rng: Random, window_ms_max: int = 86_400_000) -> Case:
    """The same from a seed, without hypothesis' price of a draw."""
    return _case(rng.randint, window_ms_max)


def _case(pick: Callable[[int, int], int], window_ms_max: int) -> Case:
    window_ms = pick(2, window_ms_max)
    starts_at_ms = NOON_MS + pick(-1_000, 1_000)
    count = pick(1, STEPS_MAX)
    every_ms = _clamp(window_ms // count + pick(-1, 1), 1, window_ms)
    floor_price, spread = pick(1, 1_000_000), pick(1, 50_000)
    terms = Terms(
        start_price=floor_price + spread,
        floor_price=floor_price,
        drop_amount=max(1, spread // pick(1, 2 * count)),
        drop_every_ms=every_ms,
        starts_at_ms=starts_at_ms,
        ends_at_ms=starts_at_ms + window_ms,
        class_at_ms=starts_at_ms + window_ms + pick(0, 7_200_000),
        seats=pick(1, 500),
        turbo=None,
    )
    if every_ms == 1 or pick(0, 1) == 0:
        return Case(terms)
    trigger_ms = window_ms if pick(0, 3) == 0 else pick(1, window_ms)
    due_ms = terms.ends_at_ms - trigger_ms
    forced_ms = pick(starts_at_ms, due_ms) if pick(0, 2) == 0 else None
    running_ms = terms.ends_at_ms - (due_ms if forced_ms is None else forced_ms)
    turbo_count = pick(1, STEPS_MAX)
    turbo = TurboTerms(
        amount=max(1, spread // pick(1, 2 * turbo_count)),
        trigger_ms=trigger_ms,
        every_ms=_clamp(running_ms // turbo_count + pick(-1, 1), 1, every_ms - 1),
    )
    return Case(replace(terms, turbo=turbo), forced_ms)


def _clamp(number: int, low: int, high: int) -> int:
    return max(low, min(number, high))
