"""Cursors: good for the list they come from, as they were given, and for nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.wire.cursor import CURSOR_CHARS_MAX, NUMBER_MAX, seal, unseal
from engine.errors import FieldError, Invalid

places = st.lists(st.integers(0, NUMBER_MAX), min_size=1, max_size=4)


@given(places)
def test_a_place_comes_back(place: list[int]) -> None:
    cursor = seal("a list", *place)
    assert unseal(cursor, "a list", len(place)) == tuple(place)
    assert len(cursor) <= CURSOR_CHARS_MAX
    assert set(cursor) <= set(map(chr, range(128)))


def refused(cursor: str, scope: str = "a list", count: int = 2) -> bool:
    try:
        unseal(cursor, scope, count)
    except Invalid as error:
        return error.errors == (FieldError("cursor", "FORMAT"),)
    return False


@given(places)
def test_it_is_no_good_for_another_list(place: list[int]) -> None:
    assert refused(seal("another list", *place), count=len(place))


@given(places, st.data())
def test_it_is_no_good_once_a_character_is_changed(place: list[int], data: st.DataObject) -> None:
    cursor = seal("a list", *place)
    at = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from("ABCxyz019-_=.").filter(lambda sign: sign != cursor[at]))
    assert refused(cursor[:at] + other + cursor[at + 1 :], count=len(place))
    assert refused(cursor[:at], count=len(place))


@given(st.text(max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    assert refused(text)


@pytest.mark.parametrize("numbers", [(1,), (1, 2, 3), (-1, 2), (1, NUMBER_MAX + 1)], ids=str)
def test_numbers_that_are_no_place_of_this_list_are_refused(numbers: tuple[int, ...]) -> None:
    """The digest has no key, so anybody can make one that fits."""
    assert refused(seal("a list", *numbers))


@pytest.mark.parametrize("place", ["7", '{"a": 1}', '["a", "b"]', "[1.5, 2]", "null", "[[1], 2]"])
def test_what_is_no_list_of_numbers_is_refused(place: str) -> None:
    forged = base64.urlsafe_b64encode(b"012345678" + place.encode()).decode().rstrip("=")
    assert refused(forged)
