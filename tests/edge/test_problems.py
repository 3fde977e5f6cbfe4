"""Errors as they look from outside: the table is complete, members take their wire form."""

from typing import Any

import orjson
import pytest

from edge import problems
from edge.problems import TABLE, row_of
from edge.texts import Language
from engine import errors
from engine.errors import FieldError, Forbidden, HotHourError
from tests.edge.samples import SAMPLES, leaves


def problem(error: HotHourError, language: Language = "en") -> dict[str, object]:
    return problems.problem(error, language=language, request_id="r" * 8, instance="/here")


def test_every_leaf_of_the_tree_has_a_row_and_no_other_class() -> None:
    assert set(TABLE) == set(leaves())


def test_every_code_can_be_heard_somewhere() -> None:
    assert all(row.rest or row.live for row in TABLE.values())


@pytest.mark.parametrize(
    ("status", "codes"),
    [
        (400, "RULE"),
        (401, "AUTH_REQUIRED AUTH_INVALID AUTH_EXPIRED"),
        (403, "FORBIDDEN EMAIL_UNVERIFIED NOT_ELIGIBLE AUTH_SUBJECT"),
        (404, "NOT_FOUND"),
        (405, "METHOD_NOT_ALLOWED"),
        (408, "REQUEST_TIMEOUT"),
        (
            409,
            "NOT_STARTED NOT_ACTIVE SOLD EXPIRED CANCELLED ALREADY_YOURS REBOOK_REFUSED"
            " OVERLAPPING LIMIT_REACHED TOO_LATE TRANSITION",
        ),
        (412, "PRICE_ABOVE_MAX STALE"),
        (413, "PAYLOAD_TOO_LARGE"),
        (415, "UNSUPPORTED_MEDIA_TYPE"),
        (422, "VALIDATION KEY_REUSED"),
        (429, "RATE_LIMITED"),
        (500, "INTERNAL"),
        (503, "BUSY NO_OWNER DRAINING UNKNOWN_OUTCOME"),
    ],
)
def test_statuses_are_those_of_the_contract(status: int, codes: str) -> None:
    assert {error.code for error, row in TABLE.items() if row.status == status} == set(
        codes.split()
    )


def test_a_problem_is_that_of_rfc_9457_with_our_members_beside() -> None:
    assert problem(SAMPLES["SOLD"]) == {
        "type": "urn:hothour:problem:sold",
        "title": "Sold out",
        "status": 409,
        "detail": "Somebody else took the last seat 12 ms before you.",
        "instance": "/here",
        "code": "SOLD",
        "request_id": "rrrrrrrr",
        "retryable": False,
        "errors": [],
        "sold_at": "2026-03-01T18:40:00.000Z",
        "late_by_ms": 12,
        "accepted_at": "2026-03-01T18:40:00.012Z",
    }


@pytest.mark.parametrize("language", ["tr", "en"])
@pytest.mark.parametrize("code", SAMPLES)
def test_the_body_is_the_problem_as_json(code: str, language: Language) -> None:
    error = SAMPLES[code]
    asked: dict[str, Any] = {"language": language, "request_id": "r" * 8, "instance": '/"here"'}
    status, body = problems.encoded(error, **asked)
    assert orjson.loads(body) == problems.problem(error, **asked)
    assert status == row_of(error).status


def test_a_sentence_of_its_own_reaches_the_body() -> None:
    mine = Forbidden("Only on Mondays.")
    _, body = problems.encoded(mine, language="en", request_id="r" * 8, instance="/")
    assert orjson.loads(body)["detail"] == "Only on Mondays."


def test_prices_in_members_become_decimal_strings() -> None:
    found = problem(SAMPLES["PRICE_ABOVE_MAX"])
    assert found["current_price"] == "149.90"
    assert (found["currency"], found["revision"], found["step"]) == ("TRY", 3, 2)
    assert "149.90 TRY" in str(found["detail"])


def test_broken_rules_are_named_after_the_first_and_listed_in_order() -> None:
    broken = errors.RuleBroken(
        (
            FieldError("start_price", "RULE_PRICE_MAX"),
            FieldError("end_time", "RULE_WINDOW_ORDER", "Look at it again."),
        )
    )
    found = problem(broken)
    assert found["code"] == "RULE_PRICE_MAX"
    assert found["errors"] == [
        {
            "field": "start_price",
            "code": "RULE_PRICE_MAX",
            "message": "An amount is at most 99,999,999.99.",
        },
        {"field": "end_time", "code": "RULE_WINDOW_ORDER", "message": "Look at it again."},
    ]


@pytest.mark.parametrize("code", SAMPLES)
@pytest.mark.parametrize("language", ["tr", "en"])
def test_every_code_can_be_said_in_every_language(code: str, language: Language) -> None:
    found = problem(SAMPLES[code], language)
    assert "{" not in str(found["detail"])
    assert "None" not in str(found["detail"])


def test_turkish_hears_turkish_even_when_the_error_brings_english_words() -> None:
    error = errors.TransitionRefused("A sold class cannot be edited.", field="seats")
    assert problem(error)["detail"] == "A sold class cannot be edited."
    assert problem(error, "tr")["detail"] == "Şu anki durum bu değişikliğe izin vermiyor."


def test_a_sale_without_turbo_that_is_not_there_is_told_as_turbo_is() -> None:
    error = problems.NoAuctionForTurbo()
    told = problems.problem(error, language="en", request_id="request-1", instance="/x")
    assert (told["status"], told["code"]) == (404, "NOT_FOUND")
    assert (told["triggered"], told["reason"]) == (False, "auction_not_found")
    assert problems.row_of_class(type(error)) is TABLE[errors.NotFound]


def test_a_class_of_somebody_else_has_the_row_of_the_one_above_it() -> None:
    class Swamped(errors.Busy):
        """Much too busy."""

    assert problem(Swamped())["status"] == 503
    assert problem(Swamped())["code"] == "BUSY"


@pytest.mark.parametrize(("wait_ms", "seconds"), [(0, 1), (1, 1), (1_000, 1), (1_001, 2)])
def test_retry_after_is_in_whole_seconds_and_never_zero(wait_ms: int, seconds: int) -> None:
    assert problems.retry_after_s(errors.RateLimited(retry_after_ms=wait_ms)) == seconds


def test_only_what_may_be_retried_says_when() -> None:
    assert problems.retry_after_s(errors.NotFound()) is None
    for error in SAMPLES.values():
        assert (problems.retry_after_s(error) is not None) == error.retryable


def test_the_live_channel_hears_the_same_flat() -> None:
    assert problems.live_error(SAMPLES["SOLD"], "tr") == {
        "code": "SOLD",
        "message": "Son yeri senden 12 ms önce bir başkası kaptı.",
        "retryable": False,
        "retry_after_ms": None,
        "sold_at": "2026-03-01T18:40:00.000Z",
        "late_by_ms": 12,
        "accepted_at": "2026-03-01T18:40:00.012Z",
    }
    assert problems.live_error(SAMPLES["RATE_LIMITED"], "en")["retry_after_ms"] == 1_200
