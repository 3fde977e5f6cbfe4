"""Plans obey the rules and reach the floor with the very last drop, never sooner."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain import rules
from engine.domain.money import MAX_MINOR
from engine.domain.planner import Ask, NoPlanError, floor_for, plan
from engine.domain.rules import Broken
from engine.domain.terms import Terms

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
START_MS = 1_767_268_800_000


def ask(
    start_price: int, floor_price: int, window_ms: int, turbo_trigger_ms: int | None = None
) -> Ask:
    return Ask(start_price, floor_price, START_MS, START_MS + window_ms, turbo_trigger_ms)


def planned(asked: Ask) -> Terms:
    return plan(asked, START_MS)


def last_drop_ms(terms: Terms) -> int:
    """When the last drop of either kind takes effect, found by counting."""
    schedule = terms.schedule()
    counts = schedule.counts_at(terms.ends_at_ms)
    drops = zip(schedule.drops, counts, strict=True)
    return max(drop.from_ms + count * drop.every_ms for drop, count in drops)


def check(asked: Ask) -> Terms:
    """Everything that is promised of a plan."""
    terms = planned(asked)
    assert rules.broken(terms, asked.starts_at_ms) == ()
    assert (terms.start_price, terms.floor_price) == (asked.start_price, asked.floor_price)
    assert (terms.starts_at_ms, terms.ends_at_ms) == (asked.starts_at_ms, asked.ends_at_ms)
    assert terms.class_at_ms == asked.ends_at_ms
    assert terms.seats == 1
    assert terms.drop_every_ms % 1_000 == 0
    shortest_ms = terms.drop_every_ms
    if asked.turbo_trigger_ms is None:
        assert terms.turbo is None
    else:
        assert terms.turbo is not None
        assert terms.turbo.trigger_ms == asked.turbo_trigger_ms
        assert terms.turbo.every_ms % 1_000 == 0
        shortest_ms = terms.turbo.every_ms
    schedule, last_ms = terms.schedule(), last_drop_ms(terms)
    assert all(count > 0 for count in schedule.counts_at(last_ms))
    assert schedule.price_at(terms.ends_at_ms - 1) == terms.floor_price
    assert schedule.price_at(last_ms - 1) > terms.floor_price
    assert last_ms >= terms.ends_at_ms - shortest_ms
    return terms


# What a reader can check by hand


def test_three_hours_become_quarters_of_an_hour() -> None:
    terms = check(ask(40_000, 10_000, 3 * HOUR_MS))
    assert (terms.drop_every_ms, terms.drop_amount) == (15 * MINUTE_MS, 2_750)
    assert terms.schedule().price_at(START_MS + 10 * 15 * MINUTE_MS) == 12_500


def test_a_day_with_two_hours_of_turbo() -> None:
    terms = check(ask(40_000, 10_000, 24 * HOUR_MS, 2 * HOUR_MS))
    assert (terms.drop_every_ms, terms.drop_amount) == (2 * HOUR_MS, 1_500)
    assert terms.turbo is not None
    assert (terms.turbo.every_ms, terms.turbo.amount) == (10 * MINUTE_MS, 1_250)


def test_a_window_of_no_round_length_ends_with_a_shorter_interval() -> None:
    terms = check(ask(25_000, 9_900, 97 * MINUTE_MS))
    assert (terms.drop_every_ms, terms.drop_amount) == (10 * MINUTE_MS, 1_750)
    assert last_drop_ms(terms) == START_MS + 90 * MINUTE_MS


def test_a_single_minor_unit_falls_once() -> None:
    terms = check(ask(10_000, 9_999, 24 * HOUR_MS))
    assert (terms.drop_every_ms, terms.drop_amount) == (12 * HOUR_MS, 1)


def test_the_smallest_window_with_a_drop_in_it() -> None:
    terms = check(ask(100, 50, 1_001))
    assert (terms.drop_every_ms, terms.drop_amount) == (1_000, 50)


def test_the_smallest_window_with_turbo_in_it() -> None:
    terms = check(ask(100, 98, 2_001, 2_000))
    assert terms.turbo is not None
    assert (terms.drop_every_ms, terms.turbo.every_ms) == (2_000, 1_000)


def test_both_clocks_may_reach_the_last_instant_together() -> None:
    terms = check(ask(100, 50, 3_000, 3_000))
    assert terms.schedule().counts_at(START_MS + 2_000) == (1, 2)


def test_the_smallest_spreads_that_two_clocks_can_share() -> None:
    assert check(ask(3, 1, 2_001, 2_000)).drop_amount == 1
    together = check(ask(3, 1, 3_000, 3_000))
    assert together.schedule().counts_at(START_MS + 2_000) == (1, 2)


@pytest.mark.parametrize(
    "every_s",
    [
        *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800),
        *(3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800),
    ],
)
def test_intervals_are_those_people_use(every_s: int) -> None:
    assert check(ask(40_000, 10_000, 12 * every_s * 1_000)).drop_every_ms == every_s * 1_000


def test_an_interval_that_fits_evenly_is_preferred_to_one_with_a_better_number_of_drops() -> None:
    assert check(ask(40_000, 10_000, 105 * MINUTE_MS)).drop_every_ms == 5 * MINUTE_MS
    assert check(ask(40_000, 10_000, 107 * MINUTE_MS)).drop_every_ms == 10 * MINUTE_MS


@pytest.mark.parametrize(
    ("spread", "drop_amount"),
    [
        *((33 * unit, 3 * unit) for unit in (10_000, 5_000, 2_500, 1_000, 500, 250)),
        *((33 * unit, 3 * unit) for unit in (100, 50, 25, 10, 5, 1)),
        *((30_001, 3_000), (715, 70), (154, 15)),
    ],
)
def test_amounts_are_as_round_as_eleven_drops_allow(spread: int, drop_amount: int) -> None:
    assert check(ask(1 + spread, 1, HOUR_MS)).drop_amount == drop_amount


def test_ten_years_for_the_largest_price() -> None:
    check(ask(MAX_MINOR, 1, 87_600 * HOUR_MS))
    check(ask(MAX_MINOR, 1, 87_600 * HOUR_MS, 2 * HOUR_MS))
    check(ask(2, 1, 87_600 * HOUR_MS))


# No plan


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        (ask(100, 50, 1_000), rules.RULE_INTERVAL_RANGE, "end_time"),
        (ask(100, 50, 1), rules.RULE_INTERVAL_RANGE, "end_time"),
        (ask(100, 50, 2_000, 2_000), rules.RULE_INTERVAL_RANGE, "end_time"),
        (ask(100, 50, 2_000, 1_000), rules.RULE_INTERVAL_RANGE, "end_time"),
        (ask(100, 50, HOUR_MS, 1_000), rules.RULE_TURBO_INTERVAL, "turbo_trigger_secs"),
        (ask(100, 99, 3_000, 3_000), rules.RULE_TURBO_DROP_RANGE, "floor_price"),
        (ask(100, 100, HOUR_MS), rules.RULE_FLOOR_BELOW_START, "floor_price"),
        (ask(100, 0, HOUR_MS), rules.RULE_PRICE_POSITIVE, "floor_price"),
        (ask(100, 50, HOUR_MS, HOUR_MS + 1), rules.RULE_TURBO_TRIGGER, "turbo_trigger_secs"),
        (ask(100, 50, HOUR_MS, 0), rules.RULE_TURBO_TRIGGER, "turbo_trigger_secs"),
    ],
)
def test_what_cannot_be_planned_is_refused_with_a_code(asked: Ask, code: str, field: str) -> None:
    with pytest.raises(NoPlanError) as refused:
        planned(asked)
    assert refused.value.broken == (Broken(code, field),)
    assert str(refused.value) == f"{code} ({field})"


def test_all_that_is_wrong_with_the_ask_is_told_in_order() -> None:
    with pytest.raises(NoPlanError) as refused:
        plan(ask(-1, 0, 0, 5), START_MS)
    assert refused.value.broken == (
        Broken(rules.RULE_PRICE_POSITIVE, "start_price"),
        Broken(rules.RULE_PRICE_POSITIVE, "floor_price"),
        Broken(rules.RULE_FLOOR_BELOW_START, "floor_price"),
        Broken(rules.RULE_WINDOW_ORDER, "end_time"),
        Broken(rules.RULE_END_IN_FUTURE, "end_time"),
        Broken(rules.RULE_TURBO_TRIGGER, "turbo_trigger_secs"),
    )


# What holds for every ask


def test_thousands_of_random_asks_end_on_the_floor() -> None:
    rng = Random("plans")
    for number in range(4_000):
        window_ms = rng.randint(
            2_001, rng.choice((10_000, HOUR_MS, 24 * HOUR_MS, 90 * 24 * HOUR_MS))
        )
        spread = rng.randint(2, rng.choice((10, 1_000, 100_000, 9_000_000_000)))
        floor_price = rng.randint(1, 900_000_000)
        trigger_ms = rng.randint(2, window_ms // 1_000) * 1_000 if number % 2 else None
        check(ask(floor_price + spread, floor_price, window_ms, trigger_ms))


@settings(deadline=None)
@given(st.integers(1, 100), st.integers(1_001, 100_000))
def test_there_is_a_plan_wherever_a_drop_fits(spread: int, window_ms: int) -> None:
    check(ask(1 + spread, 1, window_ms))


@settings(deadline=None)
@given(st.integers(2, 100), st.integers(2_001, 100_000), st.data())
def test_there_is_a_plan_with_turbo_wherever_both_drops_fit(
    spread: int, window_ms: int, data: st.DataObject
) -> None:
    trigger_s = data.draw(st.integers(2, window_ms // 1_000))
    check(ask(1 + spread, 1, window_ms, trigger_s * 1_000))


# Discounts


@pytest.mark.parametrize(
    ("start_price", "discount", "floor_price"),
    [
        (40_000, 5_000, 20_000),
        (40_000, 1_250, 35_000),
        (9_999, 5_000, 5_000),
        (10_001, 3_333, 6_668),
        (100, 10_000, 0),
        (100, 0, 100),
        (1, 1, 1),
        (MAX_MINOR, 1, 9_999_000_000),
    ],
)
def test_a_discount_names_a_floor_and_never_more_off_than_was_said(
    start_price: int, discount: int, floor_price: int
) -> None:
    assert floor_for(start_price, discount) == floor_price
