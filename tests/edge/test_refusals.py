"""Refusals as bytes: the same as if each had been encoded by itself."""

from typing import Any

import orjson
import pytest

from edge import refusals
from edge.problems import live_error
from edge.refusals import Refusals
from edge.texts import LANGUAGES
from engine.errors import (
    AlreadyYours,
    AuthRequired,
    Busy,
    FieldError,
    HotHourError,
    Invalid,
    PriceAboveMax,
    RateLimited,
    Sold,
)
from tests.edge.live_clients import payload_of

ERRORS: list[HotHourError] = [
    AuthRequired(),
    Sold(sold_at_ms=1_772_000_000_000, accepted_at_ms=1_772_000_000_001),
    Sold(sold_at_ms=1_772_000_000_000, accepted_at_ms=1_772_000_000_002),
    AlreadyYours(7),
    AlreadyYours(8),
    PriceAboveMax(price=41_500, currency="TRY", revision=3, step=2),
    RateLimited(retry_after_ms=50),
    RateLimited(retry_after_ms=51),
    Busy(),
    Busy("Another sentence."),
    Invalid("token: A token is needed.", (FieldError("token", "VALIDATION"),)),
]
REFS: list[Any] = [None, 0, -1, 17, 2**63, "r", 'quoted "\\ ş', ""]


def told(frame: bytes) -> Any:
    return orjson.loads(payload_of(frame))


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_kept_says_what_would_have_been_said(language: Any) -> None:
    making = Refusals()
    for _ in range(2):
        for error in ERRORS:
            for ref in REFS:
                said = {"type": "error", "ref": ref, **live_error(error, language)}
                assert told(making.frame(ref, error, language)) == said


def test_languages_do_not_mix() -> None:
    making = Refusals()
    turkish, english = (told(making.frame(1, AuthRequired(), each)) for each in ("tr", "en"))
    assert turkish["message"] != english["message"]


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "KEPT_MAX", 3)
    making = Refusals()
    for number in range(1, 20):
        assert told(making.frame(None, AlreadyYours(number), "tr"))["reservation_id"] == number
        assert len(making._kept) <= 3
