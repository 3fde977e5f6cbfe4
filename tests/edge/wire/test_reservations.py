"""How a press is read: strictly in form, exactly in price."""

import json
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.wire.reservations import BookBody, Order, max_price_minor, read_any_order, read_order
from engine.errors import Invalid, RuleBroken


def mistakes(raw: bytes) -> list[tuple[str, str]]:
    """(field, code) of everything that is wrong with a body."""
    with pytest.raises(Invalid) as caught:
        read_order(raw)
    return [(error.field, error.code) for error in caught.value.errors]


def test_a_press_names_an_auction_and_may_say_more() -> None:
    assert read_order(b'{"auction_id": 7}') == Order(7, None, None)
    whole = b'{"auction_id": 7, "user_id": 11, "max_price": "149.90"}'
    assert read_order(whole) == Order(7, 11, Decimal("149.90"))
    nothing = b'{"auction_id": 7, "user_id": null, "max_price": null}'
    assert read_order(nothing) == Order(7, None, None)


@given(
    st.fixed_dictionaries(
        {"auction_id": st.integers(-1, 10**19)},
        optional={
            "user_id": st.none() | st.integers(0, 10**19),
            "max_price": st.from_regex(r"\A-?0{0,2}[0-9]{0,13}(\.[0-9]{0,3})?\Z") | st.none(),
        },
    ),
    st.sampled_from(["%s", " %s", "%s ", "%s}"]),
    st.sampled_from([(",", ":"), (", ", ": "), (",  ", " :"), (",\t", ":\n")]),
)
def test_the_quick_reading_is_the_careful_one(
    body: dict[str, object], around: str, between: tuple[str, str]
) -> None:
    raw = (around % json.dumps(body, separators=between)).encode()

    def told(read: Callable[[bytes], Order]) -> Order | list[tuple[str, str]]:
        try:
            return read(raw)
        except Invalid as refused:
            return [(error.field, error.code) for error in refused.errors]

    assert told(read_order) == told(read_any_order)


def test_no_digit_of_a_json_number_is_lost() -> None:
    order = read_order(b'{"auction_id": 7, "max_price": 12345678.905}')
    assert order.max_price == Decimal("12345678.905")


@pytest.mark.parametrize(
    ("raw", "wrong"),
    [
        (b"[]", [("", "TYPE")]),
        (b"{}", [("auction_id", "REQUIRED")]),
        (b'{"auction_id": null}', [("auction_id", "TYPE")]),
        (b'{"auction_id": true}', [("auction_id", "TYPE")]),
        (b'{"auction_id": "7"}', [("auction_id", "TYPE")]),
        (b'{"auction_id": 7.0}', [("auction_id", "TYPE")]),
        (b'{"auction_id": 0}', [("auction_id", "RANGE")]),
        (b'{"auction_id": 9223372036854775808}', [("auction_id", "RANGE")]),
        (b'{"auction_id": 7, "user_id": -1}', [("user_id", "RANGE")]),
        (b'{"auction_id": 7, "max_price": "1,5"}', [("max_price", "FORMAT")]),
        (b'{"auction_id": 7, "max_price": false}', [("max_price", "FORMAT")]),
        (b'{"auction_id": 7, "max_price": {}}', [("", "DEPTH")]),
        (b'{"auction_id": [7]}', [("", "DEPTH")]),
        (
            b'{"seat": 1, "a": 2}',
            [("a", "UNKNOWN"), ("seat", "UNKNOWN"), ("auction_id", "REQUIRED")],
        ),
        (b'{"auction_id": 7, "auction_id": 7}', [("auction_id", "DUPLICATE")]),
        (b'{"auction_id": 7', [("", "MALFORMED")]),
        (b"\xff", [("", "MALFORMED")]),
    ],
)
def test_everything_that_is_wrong_is_named(raw: bytes, wrong: list[tuple[str, str]]) -> None:
    assert mistakes(raw) == wrong


def test_a_hundred_unknown_fields_are_not_all_named() -> None:
    raw = b"{" + b",".join(b'"%d": 1' % n for n in range(100)) + b"}"
    assert len(mistakes(raw)) == 21


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
)
_NAMES = st.sampled_from(["auction_id", "user_id", "max_price"]) | st.text(max_size=3)


@given(st.binary(max_size=60) | st.dictionaries(_NAMES, _VALUES, max_size=4).map(orjson.dumps))
def test_a_body_is_read_whole_or_refused(raw: bytes) -> None:
    with suppress(Invalid):
        order = read_order(raw)
        assert 1 <= order.auction_id < 2**63
        assert order.user_id is None or 1 <= order.user_id < 2**63
        assert order.max_price is None or order.max_price.is_finite()


def test_the_document_describes_what_is_read() -> None:
    fields = BookBody.model_json_schema()["properties"]
    assert set(fields) == {"auction_id", "user_id", "max_price"}
    assert BookBody.model_json_schema()["required"] == ["auction_id"]
    for raw in (b'{"auction_id": 7}', b'{"auction_id": 7, "user_id": 1, "max_price": 3}'):
        order, model = read_order(raw), BookBody.model_validate_json(raw)
        assert (order.auction_id, order.user_id) == (model.auction_id, model.user_id)
        assert order.max_price == model.max_price
    for wrong in (b'"7"', b"true", b"7.0", b"0", b"null"):
        with pytest.raises(Invalid):
            read_order(b'{"auction_id": %b}' % wrong)
        with pytest.raises(ValidationError):
            BookBody.model_validate_json(b'{"auction_id": %b}' % wrong)


@pytest.mark.parametrize(
    ("amount", "minor"),
    [("149.90", 14_990), ("0.01", 1), ("5", 500), ("99999999.99", 9_999_999_999)],
)
def test_a_highest_price_becomes_minor_units(amount: str, minor: int) -> None:
    assert max_price_minor(Decimal(amount)) == minor


def test_no_highest_price_is_none() -> None:
    assert max_price_minor(None) is None


@pytest.mark.parametrize(
    ("amount", "codes"),
    [
        ("0", ["RULE_PRICE_POSITIVE"]),
        ("-0.01", ["RULE_PRICE_POSITIVE"]),
        ("0.001", ["RULE_PRICE_PRECISION"]),
        ("100000000", ["RULE_PRICE_MAX"]),
        ("0.000", ["RULE_PRICE_POSITIVE", "RULE_PRICE_PRECISION"]),
        ("100000000.001", ["RULE_PRICE_PRECISION", "RULE_PRICE_MAX"]),
    ],
)
def test_a_highest_price_breaks_rules_in_their_order(amount: str, codes: list[str]) -> None:
    with pytest.raises(RuleBroken) as caught:
        max_price_minor(Decimal(amount))
    assert [(error.field, error.code) for error in caught.value.errors] == [
        ("max_price", code) for code in codes
    ]
