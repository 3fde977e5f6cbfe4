"""What a desk sees of a contact: enough to recognise, too little to reach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.masking import first_name, masked_email, masked_phone


@pytest.mark.parametrize(
    ("whole", "first"),
    [("Ayşe Nur Yılmaz", "Ayşe"), ("Cem", "Cem"), ("", "")],
)
def test_of_a_name_the_first_word_is_left(whole: str, first: str) -> None:
    assert first_name(whole) == first


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("ayse.yilmaz@mail.example.com", "a***@m***.com"),
        ("a@b.tr", "a***@b***.tr"),
        ("x@localhost", "x***@***.localhost"),
    ],
)
def test_of_an_address_the_first_letters_and_the_last_label_are_left(
    email: str, masked: str
) -> None:
    assert masked_email(email) == masked


def test_of_a_number_the_beginning_and_the_end_are_left() -> None:
    assert masked_phone("+905321234567") == "+90***67"


@given(st.from_regex(r"[a-z]{2,20}", fullmatch=True), st.from_regex(r"[a-z]{2,9}", fullmatch=True))
def test_no_mask_tells_how_long_an_address_is(local: str, host: str) -> None:
    assert masked_email(f"{local}@{host}.com") == f"{local[0]}***@{host[0]}***.com"


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_no_mask_shows_more_than_four_digits_of_a_number(phone: str) -> None:
    assert sum(map(str.isdigit, masked_phone(phone))) == 4
