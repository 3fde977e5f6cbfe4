"""Plans the drops of a sale: from prices and window to amounts and intervals.

The studio names where the price starts, where it may end, and when; the plan makes the last drop
before the end the one that reaches the floor. A floor reached sooner gives the seat away while the
class fills up anyway; a floor never reached was promised for nothing.

How it is done
1. Intervals first. The humane ones (1, 2, 5, 10, 15, 30 s or min, some hours, days) are ranked:
   near a dozen drops in the window, and a whole number of intervals in it, come first. The longest
   interval that has a drop at all comes last, so that something is left to try for tiny spreads.
2. With N drops, an amount x reaches the floor with the last of them and not before it iff

       N * x >= spread   and   (N - 1) * x < spread

   Of the whole amounts in that range the roundest wins (whole tens before fives, ... before ones).
   The last drop may be smaller than the others: the price stops at the floor.
3. With turbo both clocks run, and the last drop is whichever comes latest, or both at one instant.
   Normal drops are given about three fifths of the spread; the range for turbo's amount follows
   from the same two conditions, summed over both clocks before and at that last instant.
4. The first intervals in the ranking that have such amounts are the plan. A range may be empty (7
   drops cannot share 10 minor units: 2 each is too soon, 1 each too little); then the next pair.

Must never bend what was asked: no plan is an answer, given in the codes of `engine.domain.rules`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from engine.domain import rules
from engine.domain.rules import Broken
from engine.domain.terms import Terms, TurboTerms

DISCOUNT_WHOLE: Final = 10_000
"""All of the price, in hundredths of a percent."""

_SECOND_MS: Final = 1_000
_HUMANE_S: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1_800),
    *(3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800),
)
_DROPS_WANTED: Final = 12
_UNEVEN_COST: Final = 500
_NORMAL_PERCENT: Final = 60
_ROUND: Final = (10_000, 5_000, 2_500, 1_000, 500, 250, 100, 50, 25, 10, 5)
_ASKED: Final = frozenset({"start_price", "floor_price", "end_time", "turbo_trigger_secs"})


@dataclass(frozen=True, slots=True)
class Ask:
    """What the studio names: minor units, ms since the epoch; `turbo_trigger_ms` None: no turbo."""

    start_price: int
    floor_price: int
    starts_at_ms: int
    ends_at_ms: int
    turbo_trigger_ms: int | None = None


class NoPlanError(Exception):
    """No drops do what was asked. `broken` says why, as for an auction that breaks its rules."""

    def __init__(self, *broken: Broken) -> None:
        super().__init__(", ".join(f"{each.code} ({each.field})" for each in broken))
        self.broken = broken


def plan(ask: Ask, now_ms: int) -> Terms:
    """Return terms (one seat, class at the end) that obey all rules and end on the floor.

    Intervals are whole seconds. Raises `NoPlanError`: for the rules that the asked-for numbers
    break by themselves, else for a window, trigger or spread too small to hold the drops.
    """
    frame = _frame(ask)
    wrong = tuple(each for each in rules.broken(frame, now_ms) if each.field in _ASKED)
    if wrong:
        raise NoPlanError(*wrong)
    plans = _plain(frame) if frame.turbo is None else _with_turbo(frame, frame.turbo.trigger_ms)
    best = next(plans, None)
    if best is None:
        raise NoPlanError(_refusal(frame))
    return best


def floor_for(start_price: int, discount: int) -> int:
    """Return the floor for a discount in hundredths of a percent; 12.5 % is 1250.

    Where it does not come out even the floor is the higher amount: never more off than was said.
    """
    return -(-start_price * (DISCOUNT_WHOLE - discount) // DISCOUNT_WHOLE)


def _frame(ask: Ask) -> Terms:
    """The ask as terms, with the smallest of drops until there is a plan."""
    trigger_ms = ask.turbo_trigger_ms
    return Terms(
        start_price=ask.start_price,
        floor_price=ask.floor_price,
        drop_amount=1,
        drop_every_ms=_SECOND_MS,
        starts_at_ms=ask.starts_at_ms,
        ends_at_ms=ask.ends_at_ms,
        class_at_ms=ask.ends_at_ms,
        seats=1,
        turbo=None if trigger_ms is None else TurboTerms(1, trigger_ms, _SECOND_MS),
    )


def _plain(frame: Terms) -> Iterator[Terms]:
    """Plans without turbo, best first."""
    for every_ms in _intervals(frame.window_ms, frame.window_ms):
        drops = _drops_in(frame.window_ms, every_ms)
        amount = _amount(frame.spread, _Fall(drops, 0), _Fall(drops - 1, 0))
        if amount is not None:
            yield replace(frame, drop_every_ms=every_ms, drop_amount=amount)


def _with_turbo(frame: Terms, trigger_ms: int) -> Iterator[Terms]:
    """Plans with turbo, best first."""
    for every_ms in _intervals(frame.window_ms, frame.window_ms):
        drops = _drops_in(frame.window_ms, every_ms)
        last_ms = frame.starts_at_ms + drops * every_ms
        normal = _normal_amount(frame.spread, drops)
        for turbo_every_ms in _intervals(trigger_ms, every_ms - _SECOND_MS):
            turbo_drops = _drops_in(trigger_ms, turbo_every_ms)
            turbo_last_ms = frame.ends_at_ms - trigger_ms + turbo_drops * turbo_every_ms
            before = _Fall(
                drops=turbo_drops - (turbo_last_ms >= last_ms),
                known=normal * (drops - (last_ms >= turbo_last_ms)),
            )
            amount = _amount(frame.spread, _Fall(turbo_drops, normal * drops), before)
            if amount is not None:
                turbo = TurboTerms(amount, trigger_ms, turbo_every_ms)
                yield replace(frame, drop_every_ms=every_ms, drop_amount=normal, turbo=turbo)


def _normal_amount(spread: int, drops: int) -> int:
    """About what `drops` normal drops need for their part of the spread, made round."""
    share = max(1, spread * _NORMAL_PERCENT // (100 * drops))
    return _roundest(share - share // 10, share + share // 10)


@dataclass(frozen=True, slots=True)
class _Fall:
    """How far the price has fallen: `drops` times the amount looked for, and `known` besides."""

    drops: int
    known: int


def _amount(spread: int, at_end: _Fall, before: _Fall) -> int | None:
    """Return the roundest amount that covers the spread at the end and not before the last drop.

    `before` counts the same drops as `at_end`, without those of the last instant.
    """
    if before.known >= spread:
        return None
    low = max(1, _up(spread - at_end.known, at_end.drops))
    high = _up(spread - before.known, before.drops) - 1 if before.drops > 0 else spread
    return _roundest(low, high) if low <= high else None


def _intervals(span_ms: int, longest_ms: int) -> list[int]:
    """Return the intervals with at least one drop in a span, the most humane first."""
    room_s = min(span_ms - 1, longest_ms) // _SECOND_MS
    humane = [seconds * _SECOND_MS for seconds in _HUMANE_S if seconds <= room_s]
    humane.sort(key=lambda every_ms: _cost(span_ms, every_ms))
    return [*humane, room_s * _SECOND_MS] if room_s > 0 else []


def _cost(span_ms: int, every_ms: int) -> int:
    """How far an interval is from a dozen drops, in thousandths, and whether it fits unevenly."""
    drops = _drops_in(span_ms, every_ms)
    off = max(drops, _DROPS_WANTED) * 1_000 // min(drops, _DROPS_WANTED)
    return off if span_ms % every_ms == 0 else off + _UNEVEN_COST


def _drops_in(span_ms: int, every_ms: int) -> int:
    """How many drops take effect in a span: one that falls on its end does not."""
    return (span_ms - 1) // every_ms


def _roundest(low: int, high: int) -> int:
    """Return the smallest multiple of the largest round number that has one in the range."""
    for unit in _ROUND:
        multiple = _up(low, unit) * unit
        if multiple <= high:
            return multiple
    return low


def _up(number: int, by: int) -> int:
    """Divide, rounding up."""
    return -(-number // by)


def _refusal(frame: Terms) -> Broken:
    """Say what is too small: the window for its drops, turbo's stretch, or else the spread."""
    turbo = frame.turbo
    if turbo is None or frame.window_ms <= 2 * _SECOND_MS:  # turbo's interval is the shorter one
        return Broken(rules.RULE_INTERVAL_RANGE, "end_time")
    if turbo.trigger_ms <= _SECOND_MS:
        return Broken(rules.RULE_TURBO_INTERVAL, "turbo_trigger_secs")
    return Broken(rules.RULE_TURBO_DROP_RANGE, "floor_price")
