"""Codes are drawn evenly from letters nobody confuses, and read as people type them."""

import re
from collections import Counter
from random import Random

import pytest

from engine.domain.codes import ALPHABET, LENGTH_MAX, SPACE, draw, parse


class Fixed:
    """Chance that always picks the same number."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.stops: list[int] = []

    def randrange(self, stop: int, /) -> int:
        self.stops.append(stop)
        return self.number


def test_the_alphabet_has_31_letters_without_lookalikes() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 31
    assert not set("ILO01") & set(ALPHABET)
    assert re.fullmatch("[2-9A-HJKMNP-Z]{31}", ALPHABET)
    assert SPACE == 31**4 == 923_521


def test_a_drawn_code_has_the_public_form_and_comes_from_the_given_chance() -> None:
    codes = [draw(Random(7)) for _ in range(2)]
    assert codes[0] == codes[1]
    for _ in range(1_000):
        assert re.fullmatch(r"HOT-[2-9A-HJKMNP-Z]{4}", draw(Random()))


def test_every_number_of_the_space_is_another_code() -> None:
    first, last = Fixed(0), Fixed(SPACE - 1)
    assert draw(first) == "HOT-2222"
    assert draw(last) == "HOT-ZZZZ"
    assert first.stops == [SPACE]
    assert len({draw(Fixed(number)) for number in range(0, SPACE, 89)}) == len(range(0, SPACE, 89))


def test_each_letter_is_equally_likely_in_each_place() -> None:
    rng = Random("even")
    drawn = [draw(rng)[4:] for _ in range(31_000)]
    for place in range(4):
        seen = Counter(code[place] for code in drawn)
        assert set(seen) == set(ALPHABET)
        assert max(abs(count - 1_000) for count in seen.values()) < 160  # five sigma


def test_codes_can_grow_up_to_a_limit() -> None:
    assert draw(Fixed(31**5 - 1), length=5) == "HOT-ZZZZZ"
    assert len(draw(Random(), length=LENGTH_MAX)) == 4 + LENGTH_MAX
    for length in (3, LENGTH_MAX + 1):
        with pytest.raises(ValueError, match="4 to 8"):
            draw(Random(), length=length)


@pytest.mark.parametrize(
    "typed",
    [
        *("HOT-7K2M", "hot-7k2m", "Hot-7K2m", "HOT7K2M", "hot 7k2m", " HOT - 7K 2M ", "7K2M"),
        *(
            "7k2m",
            "-7k2m",
            "7K-2M",
            "hot\t7k2m\n",
            "hot\u20117k2m",
            "HOT\u20137K2M",
            "HOT\u20147K2M",
        ),
        *("HOT\u22127K2M", "HOT\u00a07K2M", "H O T 7 K 2 M"),
    ],
)
def test_case_spaces_hyphens_and_the_prefix_are_forgiven(typed: str) -> None:
    assert parse(typed) == "HOT-7K2M"


def test_what_was_drawn_is_read_back_at_any_length() -> None:
    rng = Random("back")
    for length in range(4, LENGTH_MAX + 1):
        for _ in range(200):
            code = draw(rng, length=length)
            assert parse(code) == parse(code.lower()) == parse(code[4:]) == code


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", "HOT", "HOT-", "HOT-7K2", "7K2", "HOT-7K2M7K2M7", "7K2M!", "HOT_7K2M"),
        *("HOT-7K2O", "HOT-7K20", "HOT-7K21", "HOT-7K2I", "HOT-7K2L", "HOT-HOT2", "COT-7K2M"),
        "HOT-7K2M" + " " * 57,
    ],
)
def test_anything_else_is_no_code(typed: str) -> None:
    assert parse(typed) is None


@pytest.mark.parametrize(
    "typed",
    [
        "hot-7k2\N{LATIN SMALL LETTER DOTLESS I}",  # its capital is I
        "hot-7k2\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}",
        "hot-7k2i",
        "hot-7k2\N{LATIN SMALL LETTER LONG S}",  # its capital is S
        "hot-7k\N{LATIN SMALL LETTER SHARP S}",  # its capital is SS
        "hot-7\N{KELVIN SIGN}2m",  # its small letter is k
        "hot-\N{FULLWIDTH DIGIT SEVEN}k2m",
        "h\N{GREEK SMALL LETTER OMICRON}t-7k2m",
    ],
)
def test_letters_outside_ascii_are_never_folded_into_a_code(typed: str) -> None:
    assert parse(typed) is None


def test_text_of_the_longest_accepted_length_is_still_read() -> None:
    assert parse("7K2M" + " " * 60) == "HOT-7K2M"
    assert parse("7K2M" + " " * 61) is None
