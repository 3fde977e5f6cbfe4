"""Instants and prices as they come in, and as they go out."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from edge.wire.base import (
    Answer,
    Body,
    Id,
    Instant,
    InstantIn,
    Price,
    PriceIn,
    parse_instant,
    parse_price,
)


class Asked(Body):
    """A body with one of each."""

    at: InstantIn
    price: PriceIn
    id: Id


class Said(Answer):
    """An answer with one of each."""

    at: Instant
    price: Price


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-03-01T18:30:00.250Z", 1_772_389_800_250),
        ("2026-03-01T18:30:00.25Z", 1_772_389_800_250),
        ("2026-03-01T18:30:00.250000Z", 1_772_389_800_250),
        ("2026-03-01T18:30:00,250Z", 1_772_389_800_250),
        ("2026-03-01t18:30z", 1_772_389_800_000),
        ("2026-03-01 21:30:00+03:00", 1_772_389_800_000),
        ("2026-03-01T13:30:00-0500", 1_772_389_800_000),
        ("9998-12-31T23:59:59.999Z", 253_370_764_799_999),
    ],
)
def test_an_instant_is_whole_milliseconds_since_the_epoch(text: str, ms: int) -> None:
    assert parse_instant(text) == ms


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-01T18:30:00",  # no offset: whose clock?
        "2026-03-01T18:30:00.2501Z",  # finer than a millisecond
        "2026-03-01T18:30:00.250000001Z",
        "0000-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",  # out of the calendar by its offset
        "9999-12-31T23:59:59-14:00",
        "2026-02-29T00:00:00Z",
        "2026-03-01T24:30:00Z",
        "2026-03-01T18:60:00Z",
        "2026-03-01T18:30:60Z",
        "2026-03-01T18:30:00+25:00",
        "2026-03-01",
        "2026-W09-7T18:30:00Z",
        " 2026-03-01T18:30:00Z",
        "2026-03-01T18:30:00Z\n",
        "\u0662026-03-01T18:30:00Z",
        "\u0662\u0660\u0662\u0666-03-01T18:30:00Z",  # Arabic digits
        "now",
        "",
        1_772_389_800,
        None,
        True,
    ],
)
def test_anything_else_is_no_instant(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_instant(value)


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("149.90", "149.90"),
        ("149.9", "149.9"),
        ("0", "0"),
        ("-5.00", "-5.00"),  # of the form; a rule refuses it
        ("1.999", "1.999"),
        (149.9, "149.9"),
        (150, "150"),
        (Decimal("149.90"), "149.90"),
        (1e-7, "1E-7"),
    ],
)
def test_a_price_keeps_every_digit_that_was_sent(value: object, amount: str) -> None:
    assert parse_price(value) == Decimal(amount)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("Infinity"),
        "NaN",
        "Infinity",
        "1e400",
        1e300,
        10**400,
        Decimal("1e12"),
        "",
        " 149.90",
        "149.90 ",
        "149.90\n",
        "149,90",
        "+149.90",
        "1_000",
        "\u0661\u0664\u0669",  # Arabic digits
        "0x10",
        ".5",
        "5.",
        "149.90 TRY",
        "9" * 5_000,
        True,
        None,
        [],
        {},
    ],
)
def test_anything_else_is_no_price(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_price(value)


def body(**changes: Any) -> dict[str, Any]:
    return {"at": "2026-03-01T18:30:00Z", "price": "149.90", "id": 1, **changes}


def test_a_body_becomes_the_engines_values() -> None:
    asked = Asked.model_validate(body())
    assert (asked.at, asked.price, asked.id) == (1_772_389_800_000, Decimal("149.90"), 1)


@pytest.mark.parametrize(
    ("changes", "field", "kind"),
    [
        ({"more": 1}, "more", "extra_forbidden"),
        ({"id": 0}, "id", "greater_than_equal"),
        ({"id": 2**63}, "id", "less_than_equal"),
        ({"at": "soon"}, "at", "value_error"),
        ({"price": "1e400"}, "price", "value_error"),
    ],
)
def test_a_body_of_another_form_is_refused_by_field(
    changes: dict[str, Any], field: str, kind: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Asked.model_validate(body(**changes))
    assert [(each["loc"], each["type"]) for each in caught.value.errors()] == [((field,), kind)]


def test_an_answer_is_written_in_the_forms_of_the_wire() -> None:
    said = Said(at=1_772_389_800_250, price=14_990)
    assert said.model_dump() == {"at": "2026-03-01T18:30:00.250Z", "price": "149.90"}


def test_the_document_says_both_forms_of_a_price() -> None:
    schema = TypeAdapter(PriceIn).json_schema()
    assert {each["type"] for each in schema["anyOf"]} == {"string", "number"}
