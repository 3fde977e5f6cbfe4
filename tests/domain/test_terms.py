"""Terms turn into the schedule that everybody prices by."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from engine.domain.pricing import Drop, PriceSchedule
from engine.domain.terms import Terms, TurboTerms
from tests.domain.strategies import Case, cases

PLAIN = Terms(
    start_price=10_000,
    floor_price=4_000,
    drop_amount=500,
    drop_every_ms=60_000,
    starts_at_ms=1_000_000,
    ends_at_ms=1_600_000,
    class_at_ms=2_000_000,
    seats=3,
    turbo=None,
)
TURBO = replace(PLAIN, turbo=TurboTerms(amount=300, trigger_ms=200_000, every_ms=20_000))


def test_window_and_spread_are_what_lies_between() -> None:
    assert PLAIN.window_ms == 600_000
    assert PLAIN.spread == 6_000


def test_without_turbo_there_is_one_drop_counted_from_the_start() -> None:
    assert PLAIN.turbo_due_at_ms is None
    assert PLAIN.schedule() == PriceSchedule(
        starts_at_ms=1_000_000,
        ends_at_ms=1_600_000,
        start_price=10_000,
        floor_price=4_000,
        drops=(Drop(1_000_000, 60_000, 500),),
    )
    assert PLAIN.schedule(1_200_000) == PLAIN.schedule()


def test_turbo_is_the_second_drop_counted_from_its_scheduled_instant() -> None:
    assert TURBO.turbo_due_at_ms == 1_400_000
    assert TURBO.schedule().drops == (
        Drop(1_000_000, 60_000, 500),
        Drop(1_400_000, 20_000, 300),
    )


def test_turbo_that_was_forced_is_counted_from_when_it_started() -> None:
    assert TURBO.schedule(1_234_567).drops[1] == Drop(1_234_567, 20_000, 300)
    assert TURBO.schedule(1_234_567).drops[0] == TURBO.schedule().drops[0]


@pytest.mark.parametrize("trigger_ms", [600_000, 600_001, 10**9])
def test_turbo_is_never_due_before_the_sale_opens(trigger_ms: int) -> None:
    early = replace(PLAIN, turbo=TurboTerms(300, trigger_ms, 20_000))
    assert early.turbo_due_at_ms == PLAIN.starts_at_ms


def test_terms_that_break_the_rules_have_no_schedule() -> None:
    with pytest.raises(ValueError, match="interval"):
        replace(PLAIN, drop_every_ms=0).schedule()
    with pytest.raises(ValueError, match="falls"):
        replace(PLAIN, floor_price=10_001).schedule()


@settings(deadline=None)
@given(cases())
def test_turbo_stays_inside_the_window_of_every_sale(case: Case) -> None:
    due_ms = case.terms.turbo_due_at_ms
    if due_ms is not None:
        assert case.terms.starts_at_ms <= due_ms < case.terms.ends_at_ms
