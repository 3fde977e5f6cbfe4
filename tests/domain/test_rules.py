"""Each rule with its boundary, the order of the codes, and amounts that could not be read."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from engine.domain import rules
from engine.domain.money import MoneyError, parse_minor
from engine.domain.rules import Broken, broken, in_order, misread_amount, warnings
from engine.domain.terms import Terms, TurboTerms
from tests.domain.strategies import Case, cases

NOW_MS = 1_500_000
VALID = Terms(
    start_price=10_000,
    floor_price=4_000,
    drop_amount=6_000,
    drop_every_ms=600_000,
    starts_at_ms=1_000_000,
    ends_at_ms=1_600_000,
    class_at_ms=1_600_000,
    seats=1,
    turbo=TurboTerms(amount=6_000, trigger_ms=600_000, every_ms=599_999),
)
TURBO = TurboTerms(amount=300, trigger_ms=200_000, every_ms=20_000)


def with_turbo(amount: int = 300, trigger_ms: int = 200_000, every_ms: int = 20_000) -> Terms:
    return replace(VALID, turbo=TurboTerms(amount, trigger_ms, every_ms))


def test_terms_on_the_right_side_of_every_boundary_break_nothing() -> None:
    assert broken(VALID, NOW_MS) == ()
    assert broken(VALID, VALID.ends_at_ms - 1) == ()
    assert broken(replace(VALID, turbo=None), NOW_MS) == ()
    smallest = replace(VALID, start_price=2, floor_price=1, drop_amount=1, drop_every_ms=2)
    assert broken(replace(smallest, turbo=TurboTerms(1, 1, 1)), NOW_MS) == ()


def test_a_start_in_the_past_is_live_at_once() -> None:
    assert broken(replace(VALID, starts_at_ms=0), NOW_MS) == ()


@pytest.mark.parametrize(
    ("terms", "code", "field"),
    [
        (replace(VALID, floor_price=0), rules.RULE_PRICE_POSITIVE, "floor_price"),
        (replace(VALID, drop_amount=0), rules.RULE_PRICE_POSITIVE, "drop_amount"),
        (replace(VALID, drop_amount=6_001), rules.RULE_DROP_RANGE, "drop_amount"),
        (replace(VALID, drop_every_ms=600_001), rules.RULE_INTERVAL_RANGE, "drop_interval_secs"),
        (replace(VALID, class_at_ms=1_599_999), rules.RULE_CLASS_AFTER_END, "scheduled_at"),
        (with_turbo(amount=6_001), rules.RULE_TURBO_DROP_RANGE, "turbo_drop_amount"),
        (with_turbo(every_ms=0), rules.RULE_TURBO_INTERVAL, "turbo_interval_secs"),
        (with_turbo(every_ms=600_000), rules.RULE_TURBO_INTERVAL, "turbo_interval_secs"),
        (with_turbo(trigger_ms=0), rules.RULE_TURBO_TRIGGER, "turbo_trigger_secs"),
        (with_turbo(trigger_ms=600_001), rules.RULE_TURBO_TRIGGER, "turbo_trigger_secs"),
    ],
)
def test_one_step_over_a_boundary_breaks_that_rule_alone(
    terms: Terms, code: str, field: str
) -> None:
    assert broken(terms, NOW_MS) == (Broken(code, field),)


def test_the_end_must_lie_ahead() -> None:
    assert broken(VALID, VALID.ends_at_ms) == (Broken(rules.RULE_END_IN_FUTURE, "end_time"),)


def test_an_interval_of_nothing_is_no_interval() -> None:
    none = replace(VALID, drop_every_ms=0, turbo=None)
    assert broken(none, NOW_MS) == (Broken(rules.RULE_INTERVAL_RANGE, "drop_interval_secs"),)


def test_a_price_that_cannot_fall_leaves_no_room_for_a_drop() -> None:
    flat = replace(VALID, floor_price=VALID.start_price, turbo=None)
    assert broken(flat, NOW_MS) == (
        Broken(rules.RULE_FLOOR_BELOW_START, "floor_price"),
        Broken(rules.RULE_DROP_RANGE, "drop_amount"),
    )


def test_a_turbo_drop_of_nothing_is_neither_positive_nor_in_range() -> None:
    assert broken(with_turbo(amount=0), NOW_MS) == (
        Broken(rules.RULE_PRICE_POSITIVE, "turbo_drop_amount"),
        Broken(rules.RULE_TURBO_DROP_RANGE, "turbo_drop_amount"),
    )


def test_a_window_that_ends_as_it_opens_holds_no_interval() -> None:
    empty = replace(VALID, starts_at_ms=1_600_000, turbo=None)
    assert broken(empty, NOW_MS) == (
        Broken(rules.RULE_WINDOW_ORDER, "end_time"),
        Broken(rules.RULE_INTERVAL_RANGE, "drop_interval_secs"),
    )


def test_all_broken_rules_are_told_in_the_order_of_the_codes() -> None:
    hopeless = Terms(0, 0, 0, 0, 10, 10, 9, 1, TurboTerms(0, 0, 0))
    found = broken(hopeless, 10)
    assert [each.code for each in found] == [
        *[rules.RULE_PRICE_POSITIVE] * 4,
        rules.RULE_FLOOR_BELOW_START,
        rules.RULE_WINDOW_ORDER,
        rules.RULE_END_IN_FUTURE,
        rules.RULE_INTERVAL_RANGE,
        rules.RULE_CLASS_AFTER_END,
        rules.RULE_TURBO_DROP_RANGE,
        rules.RULE_TURBO_INTERVAL,
        rules.RULE_TURBO_TRIGGER,
    ]
    prices = ["start_price", "floor_price", "drop_amount", "turbo_drop_amount"]
    assert [each.field for each in found[:4]] == prices


def test_every_code_has_its_place_once() -> None:
    declared = {name for name in vars(rules) if name.startswith("RULE_")}
    assert declared == set(rules.ORDER)
    assert len(rules.ORDER) == len(declared) == 12


@settings(deadline=None)
@given(cases())
def test_random_sales_obey_the_rules(case: Case) -> None:
    assert broken(case.terms, case.terms.starts_at_ms) == ()


# Amounts that could not be read


def refusal(text: str) -> MoneyError:
    with pytest.raises(MoneyError) as refused:
        parse_minor(text)
    return refused.value


def test_a_misread_amount_breaks_the_rules_of_its_reasons() -> None:
    assert misread_amount("drop_amount", refusal("1.234")) == (
        Broken(rules.RULE_PRICE_PRECISION, "drop_amount"),
    )
    assert misread_amount("floor_price", refusal("100000000.001")) == (
        Broken(rules.RULE_PRICE_PRECISION, "floor_price"),
        Broken(rules.RULE_PRICE_MAX, "floor_price"),
    )
    assert misread_amount("floor_price", refusal("abc")) == ()


def test_a_misread_amount_is_not_compared_but_its_sign_is_judged() -> None:
    error = refusal("-10.001")
    terms = replace(VALID, start_price=error.sign, class_at_ms=0)
    assert broken(terms, NOW_MS, misread_amount("start_price", error)) == (
        Broken(rules.RULE_PRICE_POSITIVE, "start_price"),
        Broken(rules.RULE_PRICE_PRECISION, "start_price"),
        Broken(rules.RULE_CLASS_AFTER_END, "scheduled_at"),
    )


@pytest.mark.parametrize(
    ("field", "left_out"),
    [
        (
            "start_price",
            {rules.RULE_FLOOR_BELOW_START, rules.RULE_DROP_RANGE, rules.RULE_TURBO_DROP_RANGE},
        ),
        (
            "floor_price",
            {rules.RULE_FLOOR_BELOW_START, rules.RULE_DROP_RANGE, rules.RULE_TURBO_DROP_RANGE},
        ),
        ("drop_amount", {rules.RULE_DROP_RANGE}),
        ("turbo_drop_amount", {rules.RULE_TURBO_DROP_RANGE}),
    ],
)
def test_rules_that_need_a_misread_amount_are_left_out_and_no_others(
    field: str, left_out: set[str]
) -> None:
    flat = replace(VALID, start_price=1, floor_price=1, drop_amount=1, turbo=TURBO)
    all_codes = {each.code for each in broken(flat, NOW_MS)}
    misread = (Broken(rules.RULE_PRICE_PRECISION, field),)
    codes = {each.code for each in broken(flat, NOW_MS, misread)}
    assert codes == (all_codes - left_out) | {rules.RULE_PRICE_PRECISION}


def test_misread_amounts_may_come_from_an_iterator() -> None:
    misread = iter([Broken(rules.RULE_PRICE_MAX, "start_price")])
    assert broken(replace(VALID, start_price=1), NOW_MS, misread) == (
        Broken(rules.RULE_PRICE_MAX, "start_price"),
    )


def test_the_same_rule_of_the_same_field_is_told_once() -> None:
    late, early = Broken(rules.RULE_TURBO_TRIGGER, "a"), Broken(rules.RULE_PRICE_MAX, "b")
    also_early = Broken(rules.RULE_PRICE_MAX, "a")
    assert in_order([late, early, late, also_early]) == (early, also_early, late)


# Warnings


def test_a_turbo_drop_above_the_normal_one_is_accepted_with_a_warning() -> None:
    assert warnings(replace(VALID, turbo=None)) == ()
    assert warnings(VALID) == ()
    larger = replace(VALID, drop_amount=5_999)
    assert broken(larger, NOW_MS) == ()
    assert warnings(larger) == (rules.TURBO_DROP_LARGE,)
