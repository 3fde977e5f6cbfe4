"""Who presses when: what a guest wants of a sale, and at which moment that comes.

Pure. People like round prices, so several of them wait for the same drop: that is where the races
come from. Some watch the price and press when they see it, as fast as people do; the quick ones
know the schedule and are there at the very instant. Nobody pays more than they wanted to.
"""

from dataclasses import dataclass
from enum import Enum, auto
from random import Random
from typing import Final

from engine.domain.pricing import PriceSchedule

INTEREST: Final = 0.5
"""How likely a guest wants a given class at all."""
TURBO_WAITERS: Final = 0.25
GIVES_BACK: Final = 0.12
COMES_EARLY: Final = 0.3
"""How likely a booked guest shows up at the desk while somebody is still looking at the board."""

_DEPTH: Final = (0.1, 0.9)
_ROUND_TO: Final = ((60_000, 10_000), (30_000, 5_000), (0, 2_500))
"""From this start price on (minor units), people think in steps of this."""
_REACTION_MS_MIN: Final = 120.0
_REACTION_MS_MEAN: Final = 160.0
_REACTION_MS_MAX: Final = 1_200.0
_QUICK_MS_MAX: Final = 25.0
_CURVE_MAX: Final = 1_000


class Manner(Enum):
    """How somebody waits for a price."""

    WATCHING = auto()
    """Sees each drop and reacts."""
    QUICK = auto()
    """Knows the schedule and is there."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of one sale: a price (minor units), or turbo when `target` is None."""

    target: int | None
    reaction_ms: float

    def is_met(self, price: int, *, turbo: bool) -> bool:
        """Is this the moment?"""
        return turbo if self.target is None else price <= self.target

    def met_at_ms(self, schedule: PriceSchedule) -> int | None:
        """The instant at which it will be; None: never."""
        if self.target is None:
            return schedule.drops[1].from_ms if len(schedule.drops) > 1 else None
        return next(
            (each.at_ms for each in schedule.curve(_CURVE_MAX) if each.price <= self.target), None
        )


def wish(rng: Random, manner: Manner, schedule: PriceSchedule) -> Wish | None:
    """What a guest wants of this sale; None: nothing."""
    if rng.random() >= INTEREST:
        return None
    has_turbo = len(schedule.drops) > 1
    waits_for_turbo = has_turbo and rng.random() < TURBO_WAITERS
    target = None if waits_for_turbo else _target(rng, schedule)
    return Wish(target, _reaction_ms(rng, manner))


def _target(rng: Random, schedule: PriceSchedule) -> int:
    """A round price on the way down."""
    start, floor = schedule.start_price, schedule.floor_price
    depth = rng.uniform(*_DEPTH)
    step = next(step for least, step in _ROUND_TO if start >= least)
    rounded = int(start - depth * (start - floor)) // step * step
    return max(rounded, floor)


def _reaction_ms(rng: Random, manner: Manner) -> float:
    if manner is Manner.QUICK:
        return rng.uniform(0, _QUICK_MS_MAX)
    slow = _REACTION_MS_MIN + rng.expovariate(1 / _REACTION_MS_MEAN)
    return min(_REACTION_MS_MAX, slow)
