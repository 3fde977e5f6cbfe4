"""One spelling of an address, a phone and a name, however they are typed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.contact import (
    EMAIL_LENGTH_MAX,
    NAME_LENGTH_MAX,
    NO_ADDRESS,
    clean_name,
    fold_any_email,
    fold_email,
    parse_phone,
)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada.Lovelace+Spor@Example.COM ", "ada.lovelace+spor@example.com"),
        ("INFO@EXAMPLE.COM", "info@example.com"),
        ("İNFO@EXAMPLE.COM", "info@example.com"),
        ("İNFO@GMAİL.COM", "info@gmail.com"),
        ("i\u0307nfo@gmai\u0307l.com", "info@gmail.com"),
        ("ınfo@example.com", "info@example.com"),
        ("ada@ışık.com", "ada@xn--k-ekaa7p.com"),
        ("ada@IŞIK.COM", "ada@xn--iik-sza.com"),
        ("ADA@XN--K-EKAA7P.COM", "ada@xn--k-ekaa7p.com"),
        ("o'brien@example.test", "o'brien@example.test"),
    ],
)
def test_an_address_has_one_spelling(typed: str, stored: str) -> None:
    assert fold_email(typed) == stored
    assert fold_any_email(typed) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@example..com",
        "ada@-example.com",
        "ada@exam ple.com",
        "a@b@example.com",
        "Ada <ada@example.com>",
        '"ada l"@example.com',
        "ada@[127.0.0.1]",
        "ada@localhost",
        "şule@example.com",
        "ada\0@example.com",
        "ada\n@example.com",
        "ada@example.com\nBcc: all@example.com",
        "\ud800@example.com",
        "ada@\ud800.com",
        "a" * 250 + "@example.com",
        "ada@" + ".".join(["ş" * 40] * 5) + ".com",
    ],
)
def test_what_is_no_address_is_refused_and_stands_for_nobody(typed: str) -> None:
    with pytest.raises(ValueError, match="address"):
        fold_email(typed)
    assert fold_any_email(typed) == NO_ADDRESS


@given(st.text(max_size=60))
def test_whatever_is_typed_is_folded_to_what_stays_as_it_is(typed: str) -> None:
    folded = fold_any_email(f"{typed}@example.com")
    assert folded.isascii()
    assert folded == folded.lower()
    assert len(folded) <= EMAIL_LENGTH_MAX
    if folded != NO_ADDRESS:
        assert fold_email(folded) == folded


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("0532 123 45 67", "+905321234567"),
        ("(0532) 123-45-67", "+905321234567"),
        ("532 1234567", "+905321234567"),
        ("+90 532 123 45 67", "+905321234567"),
        ("0090 532 123 45 67", "+905321234567"),
        ("٠٥٣٢١٢٣٤٥٦٧", "+905321234567"),
        ("+49 30 1234567", "+49301234567"),
    ],
)
def test_a_phone_number_has_one_spelling(typed: str, stored: str) -> None:
    assert parse_phone(typed) == stored


@pytest.mark.parametrize(
    "typed",
    ["", "abc", "112", "+90532", "+90 532 123 45 67 89 01 23", "0532 123 45 67 ext 5", "1" * 400],
)
def test_what_is_no_phone_number_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="phone number"):
        parse_phone(typed)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Ada   Yılmaz ", "Ada Yılmaz"),
        ("IŞIL İNCİ", "IŞIL İNCİ"),
        ("S\u0327ule", "Şule"),
        ("D'Arcy-Ömer 2.", "D'Arcy-Ömer 2."),
        ("Ada\tYılmaz\n", "Ada Yılmaz"),
        ("नी\u200dता", "नी\u200dता"),
    ],
)
def test_a_name_is_trimmed_and_otherwise_left_alone(typed: str, stored: str) -> None:
    assert clean_name(typed) == stored


@pytest.mark.parametrize(
    "typed", ["", "   ", "a" * (NAME_LENGTH_MAX + 1), "Ada\0", "Ada\x1b[2J", "\u202eadA", "A\ud800"]
)
def test_what_is_no_name_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="name"):
        clean_name(typed)


@given(st.text(max_size=80))
def test_a_name_that_is_taken_stays_as_it_is(typed: str) -> None:
    try:
        name = clean_name(typed)
    except ValueError:
        return
    assert clean_name(name) == name
    assert unicodedata.is_normalized("NFC", name)
