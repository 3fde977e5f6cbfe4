"""Text made comparable for search."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain import folding
from engine.domain.folding import folded, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ISPARTA", "ısparta"),
        ("İSTANBUL", "istanbul"),
        ("Işık", "IŞIK"),
        ("Kadıköy", "kadikoy"),
        ("ŞİŞLİ", "sisli"),
        ("Çağ Güneş", "cag gunes"),
        ("Café", "CAFE"),
        ("hâlâ", "hala"),
    ],
)
def test_case_and_turkish_letters_do_not_matter(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_it_does_not_matter_how_an_accent_is_sent() -> None:
    for text in ("Kadıköy Şişli Çağ Güneş İzmir", "Café Piñata"):
        assert folded(unicodedata.normalize("NFD", text)) == folded(text)


def test_what_is_no_latin_letter_stays() -> None:
    assert folded("8:30 - Ω 舞") == "8:30 - Ω 舞"


def test_the_words_of_a_search_are_taken_once_each() -> None:
    assert words("  Yoga YOGA\tkadıköy ") == ("yoga", "kadikoy")
    assert words(" \u0307 ") == ()


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert folded(folded(text)) == folded(text)


def test_each_sign_belongs_to_one_letter() -> None:
    signs = "".join(folding.VARIANTS.values())
    assert len(set(signs)) == len(signs)
    for letter, variants in folding.VARIANTS.items():
        assert {folded(sign) for sign in variants} == {letter}
