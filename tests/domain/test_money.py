"""Amounts are read exactly or refused with their reason, and written with two places."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.money import MAX_MINOR, MoneyError, format_minor, parse_minor


@pytest.mark.parametrize(
    ("value", "minor"),
    [
        ("149.90", 14_990),
        ("149.9", 14_990),
        ("149", 14_900),
        ("0", 0),
        ("0.01", 1),
        ("-0.01", -1),
        ("-0", 0),
        ("-149.90", -14_990),
        ("99999999.99", MAX_MINOR),
        ("-99999999.99", -MAX_MINOR),
        (150, 15_000),
        (-1, -100),
        (99_999_999, 9_999_999_900),
        (-99_999_999, -9_999_999_900),
        (Decimal("149.9"), 14_990),
        (Decimal("149.90"), 14_990),
        (Decimal("-0.05"), -5),
        (Decimal("1E+2"), 10_000),
        (Decimal("99999999.99"), MAX_MINOR),
        (Decimal("-99999999.99"), -MAX_MINOR),
        (Decimal("0E+999999"), 0),
        (Decimal("-0"), 0),
    ],
)
def test_an_amount_is_read_exactly(value: str | int | Decimal, minor: int) -> None:
    assert parse_minor(value) == minor
    assert type(parse_minor(value)) is int


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", "-", "+", "--1", "+1", "- 1", " 1", "1 ", "1\n", "1.", ".5", "-.5"),
        *("01", "00", "00.50", "-01", "1,50", "1.000,00", "1.2.3", "1e2", "1E2", "0x10", "1_000"),
        *("NaN", "Infinity", "-Infinity", "12₺", "TRY 12", "1\u00a0000", "²", "null"),
        "\N{ARABIC-INDIC DIGIT ONE}",
        "\N{FULLWIDTH DIGIT ONE}",
    ],
)
def test_text_that_is_no_amount_is_refused_for_its_form(text: str) -> None:
    with pytest.raises(MoneyError) as refused:
        parse_minor(text)
    assert refused.value.reasons == ("format",)
    assert refused.value.reason == "format"
    assert refused.value.sign == 0


@pytest.mark.parametrize(
    "value",
    [True, False, Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-Infinity")],
)
def test_values_that_are_no_numbers_are_refused_for_their_form(value: int | Decimal) -> None:
    with pytest.raises(MoneyError) as refused:
        parse_minor(value)
    assert refused.value.reasons == ("format",)


@pytest.mark.parametrize(
    ("value", "reasons", "sign"),
    [
        ("1.234", ("precision",), 1),
        ("1.500", ("precision",), 1),
        ("-0.001", ("precision",), -1),
        ("0.000", ("precision",), 0),
        ("-0.000", ("precision",), 0),
        ("10.000", ("precision",), 1),
        ("100000000", ("max",), 1),
        ("100000000.00", ("max",), 1),
        ("-100000000", ("max",), -1),
        ("100000000.001", ("precision", "max"), 1),
        pytest.param("9" * 100_000, ("max",), 1, id="long text"),
        pytest.param("0." + "0" * 100_000, ("precision",), 0, id="long fraction"),
        (100_000_000, ("max",), 1),
        (-100_000_000, ("max",), -1),
        pytest.param(10**5_000, ("max",), 1, id="long int"),
        (Decimal("1.500"), ("precision",), 1),
        (Decimal("0.001"), ("precision",), 1),
        (Decimal("-1E-3"), ("precision",), -1),
        (Decimal("0.000"), ("precision",), 0),
        (Decimal("100000000"), ("max",), 1),
        (Decimal("1E+999999"), ("max",), 1),
        (Decimal("-1E+8"), ("max",), -1),
        (Decimal("-100000000.001"), ("precision", "max"), -1),
    ],
)
def test_every_reason_is_named_and_the_sign_is_kept(
    value: str | int | Decimal, reasons: tuple[str, ...], sign: int
) -> None:
    with pytest.raises(MoneyError) as refused:
        parse_minor(value)
    assert refused.value.reasons == reasons
    assert refused.value.reason == reasons[0]
    assert refused.value.sign == sign
    assert str(refused.value) == f"not an amount of money: {', '.join(reasons)}"


@pytest.mark.parametrize("value", [1.5, 1.0, float("nan"), None, b"1", [1]])
def test_a_float_or_anything_else_is_a_mistake_of_the_caller(value: Any) -> None:
    with pytest.raises(AssertionError):
        parse_minor(value)


@pytest.mark.parametrize(
    ("minor", "text"),
    [
        (14_990, "149.90"),
        (0, "0.00"),
        (5, "0.05"),
        (-5, "-0.05"),
        (-150, "-1.50"),
        (100, "1.00"),
        (MAX_MINOR, "99999999.99"),
    ],
)
def test_an_amount_is_written_with_two_places(minor: int, text: str) -> None:
    assert format_minor(minor) == text


@given(st.integers(-MAX_MINOR, MAX_MINOR))
def test_what_is_written_is_read_back(minor: int) -> None:
    text = format_minor(minor)
    assert parse_minor(text) == parse_minor(Decimal(text)) == minor
