"""What a guest wants: which sale, at which instant, for how much, by which way. Pure, from an rng.

Some press at once. Some wait for the drop they like and press as soon as their own clock says that
it is there; should the server's be a little behind, the most they will pay holds them back.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Final

from loadtests.scenarios.schedule import Schedule

AT_ONCE: Final = 0.3
"""The share of guests who do not wait for a drop."""
OVER_REST: Final = 0.5
TICKS: Final = 0.7
"""The share of guests who want a frame a drop, instead of the schedule alone."""
DROPS_MAX: Final = 3
"""Nobody waits for more drops than this."""
REACTION_MS: Final = (0.0, 250.0)


@dataclass(frozen=True, slots=True)
class Offer:
    """A sale as the lobby shows it."""

    id: int
    status: str
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Wish:
    """Press at `at_ms` of the server's clock, and pay no more than `most` (minor units)."""

    at_ms: float
    most: int
    over_rest: bool


def choose(
    rng: Random, offers: Sequence[Offer], done: Collection[int], now_ms: float, *, rushing: bool
) -> Offer | None:
    """The sale to try next; None: there is none that is not `done`. Who is rushing takes what is
    about to fall for the first time, if anything is: everybody the same."""
    open_ = [
        offer
        for offer in offers
        if offer.id not in done
        and offer.status in ("SCHEDULED", "ACTIVE")
        and offer.schedule.ends_ms > now_ms
    ]
    if not open_:
        return None
    if rushing:
        ahead = [offer for offer in open_ if first_drop_ms(offer.schedule) > now_ms]
        if ahead:
            return min(ahead, key=lambda offer: (offer.schedule.starts_ms, offer.id))
    return rng.choice(open_)


def first_drop_ms(schedule: Schedule) -> int:
    """When the price falls for the first time: the barrier of a rush."""
    return next(schedule.changes_after(schedule.starts_ms), schedule.ends_ms)


def wish(rng: Random, schedule: Schedule, now_ms: float, *, rushing: bool) -> Wish:
    """When to press for it, and for how much. The sale has not ended."""
    over_rest = rng.random() < OVER_REST
    barrier_ms = first_drop_ms(schedule)
    if rushing and now_ms < barrier_ms < schedule.ends_ms:
        return Wish(barrier_ms, schedule.price_at(barrier_ms), over_rest)
    from_ms = max(int(now_ms), schedule.starts_ms)
    drops = list(islice(schedule.changes_after(from_ms), DROPS_MAX))
    if not drops or rng.random() < AT_ONCE:
        return Wish(from_ms, schedule.price_at(from_ms), over_rest)
    at_ms = rng.choice(drops)
    return Wish(at_ms + rng.uniform(*REACTION_MS), schedule.price_at(at_ms), over_rest)
