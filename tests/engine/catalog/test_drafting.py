"""From what staff ask for to a draft: defaults, edits, and all broken rules at once."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.catalog.drafting import Asked, copied, edited, entered
from engine.domain.auction import AllowedGender, Auction, Status
from engine.domain.terms import TurboTerms
from engine.errors import FieldError, Invalid, RuleBroken
from engine.ports.auctions import Draft

NOW_MS = 1_800_000_000_000
HOUR_MS, MINUTE_MS, SECOND_MS = 3_600_000, 60_000, 1_000


def asked(**changes: Any) -> Asked:
    plain: dict[str, Any] = {
        "title": "Yoga",
        "start_price": Decimal("100.00"),
        "floor_price": Decimal("10.00"),
        "drop_amount": Decimal("5.00"),
        "starts_at_ms": NOW_MS,
        "ends_at_ms": NOW_MS + 4 * HOUR_MS,
    }
    return Asked(**(plain | changes))


def draft(**changes: Any) -> Draft:
    return entered(asked(**changes)).must_hold(NOW_MS)


def auction(**changes: Any) -> Auction:
    entry = draft(**changes)
    return Auction(
        id=1,
        studio_id=1,
        title=entry.title,
        description=entry.description,
        currency="TRY",
        allowed_gender=entry.allowed_gender,
        cancel_cutoff_ms=0,
        no_show_grace_ms=0,
        terms=entry.terms,
        status=Status.DRAFT,
        revision=0,
        seats_left=entry.terms.seats,
    )


TURBO: dict[str, Any] = {"turbo_enabled": True, "turbo_drop_amount": Decimal("2.00")}


def test_what_is_not_said_takes_its_default() -> None:
    entry = draft()
    assert entry.description == ""
    assert entry.allowed_gender is AllowedGender.ANY
    assert entry.terms.drop_every_ms == HOUR_MS
    assert entry.terms.class_at_ms == entry.terms.ends_at_ms
    assert entry.terms.seats == 1
    assert entry.terms.turbo is None


def test_turbos_defaults_are_two_hours_and_ten_minutes() -> None:
    assert draft(**TURBO).terms.turbo == TurboTerms(200, 2 * HOUR_MS, 10 * MINUTE_MS)


def test_turbos_defaults_fit_into_a_short_sale() -> None:
    short = draft(**TURBO, ends_at_ms=NOW_MS + 90_500, drop_every_ms=60 * SECOND_MS)
    assert short.terms.turbo == TurboTerms(200, 90 * SECOND_MS, 59 * SECOND_MS)


def test_amounts_are_read_exactly() -> None:
    assert draft(start_price=Decimal("149.9")).terms.start_price == 14_990


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("100.001", "RULE_PRICE_PRECISION"),
        ("100000000.00", "RULE_PRICE_MAX"),
        ("0", "RULE_PRICE_POSITIVE"),
        ("-1.00", "RULE_PRICE_POSITIVE"),
    ],
)
def test_an_amount_that_breaks_a_rule_is_named(amount: str, code: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        draft(start_price=Decimal(amount))
    assert FieldError("start_price", code) in refused.value.errors


def test_all_broken_rules_are_told_at_once_in_the_order_of_the_table() -> None:
    with pytest.raises(RuleBroken) as refused:
        draft(
            start_price=Decimal("100.001"),
            drop_amount=Decimal(0),
            class_at_ms=NOW_MS,
            drop_every_ms=5 * HOUR_MS,
        )
    assert [each.code for each in refused.value.errors] == [
        "RULE_PRICE_POSITIVE",
        "RULE_PRICE_PRECISION",
        "RULE_INTERVAL_RANGE",
        "RULE_CLASS_AFTER_END",
    ]


def test_turbo_cannot_be_without_its_amount() -> None:
    with pytest.raises(Invalid) as refused:
        draft(turbo_enabled=True)
    assert refused.value.errors == (FieldError("turbo_drop_amount", "REQUIRED"),)


def test_numbers_for_a_turbo_that_is_off_are_refused_not_dropped() -> None:
    with pytest.raises(Invalid) as refused:
        draft(turbo_drop_amount=Decimal(1), turbo_every_ms=SECOND_MS)
    assert [each.field for each in refused.value.errors] == [
        "turbo_drop_amount",
        "turbo_interval_secs",
    ]


def test_an_edit_changes_what_it_names_and_nothing_else() -> None:
    before = auction(**TURBO, seats=7)
    after = edited(Asked(floor_price=Decimal("20.00")), before).draft
    assert after == replace(copied(before), terms=replace(before.terms, floor_price=2_000))


def test_an_edit_can_turn_turbo_off_and_on() -> None:
    fast = auction(**TURBO)
    assert edited(Asked(turbo_enabled=False), fast).draft.terms.turbo is None
    slow = auction()
    assert edited(Asked(**TURBO), slow).draft.terms.turbo == fast.terms.turbo


def test_an_edit_of_one_turbo_number_leaves_the_others() -> None:
    after = edited(Asked(turbo_every_ms=MINUTE_MS), auction(**TURBO)).draft
    assert after.terms.turbo == TurboTerms(200, 2 * HOUR_MS, MINUTE_MS)


def test_an_edit_that_is_misread_says_so() -> None:
    proposal = edited(Asked(drop_amount=Decimal("0.001")), auction())
    with pytest.raises(RuleBroken) as refused:
        proposal.must_hold(NOW_MS)
    assert refused.value.errors == (FieldError("drop_amount", "RULE_PRICE_PRECISION"),)
