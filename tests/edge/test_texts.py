"""Every code has its words, in both languages."""

import string
from typing import get_args

import pytest

from edge import texts
from edge.texts import CODES, FIELDS, LANGUAGES, Language
from engine.domain.rules import ORDER
from tests.edge.samples import CODES_OF_ERRORS, SAMPLES


def test_every_code_of_the_error_tree_has_words_and_no_word_is_left_over() -> None:
    assert set(CODES) == CODES_OF_ERRORS | set(ORDER) | {"RULE_WRONG_PASSWORD"}


def test_the_languages_are_those_of_the_type() -> None:
    assert get_args(Language) == LANGUAGES


@pytest.mark.parametrize("code", CODES)
def test_both_languages_say_something_of_their_own(code: str) -> None:
    turkish, english = texts.text_of(code, "tr"), texts.text_of(code, "en")
    for text in (turkish, english):
        assert text.title
        assert text.sentence.endswith(".")
        assert not text.title.endswith(".")
    assert turkish.sentence != english.sentence
    assert turkish.title != english.title


@pytest.mark.parametrize("code", CODES)
def test_sentences_ask_for_nothing_their_code_does_not_have(code: str) -> None:
    sample = SAMPLES.get(code)
    has = set() if sample is None else {*sample.members}
    if "retry_after_ms" in has:
        has.add("seconds")
    for language in LANGUAGES:
        sentence = texts.text_of(code, language).sentence
        assert {name for _, name, _, _ in string.Formatter().parse(sentence) if name} <= has


@pytest.mark.parametrize("code", FIELDS)
def test_fields_have_words_in_both_languages(code: str) -> None:
    assert set(FIELDS[code]) == set(LANGUAGES)
    assert texts.field_message(code, "tr") != texts.field_message(code, "en")


def test_a_field_may_carry_a_code_of_the_table_or_one_without_words() -> None:
    assert texts.field_message("RULE_PRICE_MAX", "en") == "An amount is at most 99,999,999.99."
    assert texts.field_message("SOMETHING_NEW", "en") == ""


def test_a_rule_without_words_of_its_own_has_the_familys() -> None:
    assert texts.text_of("RULE_OF_TOMORROW", "tr") == texts.text_of("RULE", "tr")
