"""From prices and a window to a plan: the planner, with amounts read as they are for a sale."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from engine.catalog.drafting import TURBO_TRIGGER_MS, Amounts
from engine.domain import planner
from engine.domain.planner import DISCOUNT_WHOLE, Ask, NoPlanError
from engine.domain.terms import Terms
from engine.errors import FieldError, Invalid, RuleBroken

_PERCENT: Final = DISCOUNT_WHOLE // 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAsked:
    """Amounts in major units; the floor itself or how far below the start it lies, in percent."""

    start_price: Decimal
    floor_price: Decimal | None
    discount_percent: Decimal | None
    starts_at_ms: int
    ends_at_ms: int
    turbo_enabled: bool
    turbo_trigger_ms: int | None


def planned(asked: PlanAsked, now_ms: int) -> Terms:
    """Terms whose last drop reaches the floor. Raises Invalid, RuleBroken."""
    amounts = Amounts()
    start_price = amounts.read("start_price", asked.start_price)
    floor_price = _floor(asked, start_price, amounts)
    if amounts.misread:
        raise RuleBroken(tuple(FieldError(each.field, each.code) for each in amounts.misread))
    ask = Ask(
        start_price, floor_price, asked.starts_at_ms, asked.ends_at_ms, _turbo_trigger_ms(asked)
    )
    try:
        return planner.plan(ask, now_ms)
    except NoPlanError as error:
        broken = tuple(FieldError(each.field, each.code) for each in error.broken)
        raise RuleBroken(broken) from error


def _floor(asked: PlanAsked, start_price: int, amounts: Amounts) -> int:
    if (asked.floor_price is None) == (asked.discount_percent is None):
        code = "REQUIRED" if asked.floor_price is None else "DUPLICATE"
        raise Invalid(
            "Either floor_price or discount_percent.", (FieldError("discount_percent", code),)
        )
    if asked.discount_percent is None:
        return amounts.read("floor_price", asked.floor_price)
    hundredths = asked.discount_percent * _PERCENT
    if not 0 < hundredths < DISCOUNT_WHOLE:
        raise Invalid(errors=(FieldError("discount_percent", "RANGE"),))
    if hundredths != int(hundredths):
        raise Invalid(errors=(FieldError("discount_percent", "FORMAT"),))
    return planner.floor_for(start_price, int(hundredths))


def _turbo_trigger_ms(asked: PlanAsked) -> int | None:
    if asked.turbo_enabled:
        whole_window_ms = (asked.ends_at_ms - asked.starts_at_ms) // 1_000 * 1_000
        given = asked.turbo_trigger_ms
        return min(TURBO_TRIGGER_MS, whole_window_ms) if given is None else given
    if asked.turbo_trigger_ms is not None:
        raise Invalid("Turbo is not enabled.", (FieldError("turbo_trigger_secs", "UNKNOWN"),))
    return None
