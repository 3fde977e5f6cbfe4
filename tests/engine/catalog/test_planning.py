"""A plan from amounts as they are sent."""

from decimal import Decimal
from typing import Any

import pytest

from engine.catalog.planning import PlanAsked, planned
from engine.domain.terms import Terms
from engine.errors import FieldError, Invalid, RuleBroken

NOW_MS = 1_800_000_000_000
HOUR_MS = 3_600_000


def plan(**changes: Any) -> Terms:
    plain: dict[str, Any] = {
        "start_price": Decimal("200.00"),
        "floor_price": Decimal("80.00"),
        "discount_percent": None,
        "starts_at_ms": NOW_MS,
        "ends_at_ms": NOW_MS + 6 * HOUR_MS,
        "turbo_enabled": False,
        "turbo_trigger_ms": None,
    }
    return planned(PlanAsked(**(plain | changes)), NOW_MS)


def refusal(**changes: Any) -> tuple[FieldError, ...]:
    try:
        plan(**changes)
    except (Invalid, RuleBroken) as refused:
        return refused.errors
    pytest.fail("it was planned")


def test_the_floor_is_reached_by_the_last_drop() -> None:
    points = list(plan().schedule().curve(1_000))
    assert points[-1].price == 8_000
    assert points[-2].price > 8_000


def test_the_floor_may_be_said_as_a_discount() -> None:
    assert plan(floor_price=None, discount_percent=Decimal(60)).floor_price == 8_000
    assert plan(floor_price=None, discount_percent=Decimal("12.5")).floor_price == 17_500


def test_exactly_one_of_the_two_is_needed() -> None:
    assert refusal(floor_price=None) == (FieldError("discount_percent", "REQUIRED"),)
    assert refusal(discount_percent=Decimal(5)) == (FieldError("discount_percent", "DUPLICATE"),)


@pytest.mark.parametrize(
    ("percent", "code"),
    [("0", "RANGE"), ("100", "RANGE"), ("-1", "RANGE"), ("12.345", "FORMAT")],
)
def test_a_discount_is_between_0_and_100_with_two_places(percent: str, code: str) -> None:
    errors = refusal(floor_price=None, discount_percent=Decimal(percent))
    assert errors == (FieldError("discount_percent", code),)


def test_turbo_takes_its_usual_length_or_the_one_it_is_given() -> None:
    usual = plan(turbo_enabled=True).turbo
    assert usual is not None
    assert usual.trigger_ms == 2 * HOUR_MS
    given = plan(turbo_enabled=True, turbo_trigger_ms=HOUR_MS).turbo
    assert given is not None
    assert given.trigger_ms == HOUR_MS
    assert refusal(turbo_trigger_ms=HOUR_MS) == (FieldError("turbo_trigger_secs", "UNKNOWN"),)


def test_what_cannot_be_planned_is_told_by_the_rules_of_a_sale() -> None:
    assert refusal(floor_price=Decimal(200)) == (
        FieldError("floor_price", "RULE_FLOOR_BELOW_START"),
    )
    assert refusal(start_price=Decimal("200.001")) == (
        FieldError("start_price", "RULE_PRICE_PRECISION"),
    )
    assert refusal(ends_at_ms=NOW_MS + 1_000)[0].field == "end_time"
