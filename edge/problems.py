"""What an error looks like from outside: one table from error to status, one shape a channel.

REST answers RFC 9457 problems; the live channel answers the same code and members, flat. The only
place where members take their wire form: names ending in `_at` become ISO-8601, prices decimal
strings. Must never show what is not in the error: an unforeseen exception is `Internal`, no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import orjson

from edge import texts
from edge.texts import Language
from engine import errors
from engine.domain.money import format_minor
from engine.errors import FieldError, HotHourError, RuleBroken
from engine.frames import instant

CONTENT_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:hothour:problem:"
PRICES: Final = frozenset({"current_price"})
"""Members that are minor units in the engine and decimal strings on the wire."""


@dataclass(frozen=True, slots=True)
class Row:
    """`status` over HTTP; whether REST and the live channel can answer this at all."""

    status: int
    rest: bool = True
    live: bool = True


TABLE: Final[Mapping[type[HotHourError], Row]] = {
    errors.RuleBroken: Row(400, live=False),
    errors.AuthRequired: Row(401),
    errors.AuthInvalid: Row(401),
    errors.AuthExpired: Row(401),
    errors.AuthSubject: Row(403, rest=False),
    errors.Forbidden: Row(403),
    errors.EmailUnverified: Row(403),
    errors.NotEligible: Row(403),
    errors.NotFound: Row(404),
    errors.MethodNotAllowed: Row(405, live=False),
    errors.RequestTimeout: Row(408, live=False),
    errors.NotStarted: Row(409),
    errors.NotActive: Row(409, live=False),
    errors.Sold: Row(409),
    errors.Expired: Row(409),
    errors.Cancelled: Row(409),
    errors.AlreadyYours: Row(409),
    errors.RebookRefused: Row(409),
    errors.Overlapping: Row(409),
    errors.LimitReached: Row(409),
    errors.TooLate: Row(409, live=False),
    errors.TransitionRefused: Row(409, live=False),
    errors.PriceAboveMax: Row(412),
    errors.Stale: Row(412, live=False),
    errors.PayloadTooLarge: Row(413, live=False),
    errors.UnsupportedMediaType: Row(415, live=False),
    errors.Invalid: Row(422),
    errors.KeyReused: Row(422),
    errors.RateLimited: Row(429),
    errors.Internal: Row(500),
    errors.Busy: Row(503),
    errors.NoOwner: Row(503),
    errors.Draining: Row(503),
    errors.UnknownOutcome: Row(503),
}


class NoAuctionForTurbo(errors.NotFound):
    """There is no such thing."""

    @property
    def members(self) -> dict[str, object]:
        return {"triggered": False, "reason": "auction_not_found"}


def row_of(error: HotHourError) -> Row:
    """The row of an error's class, or of the nearest one above it."""
    return row_of_class(type(error))


def row_of_class(error: type[HotHourError]) -> Row:
    """The same of the class alone."""
    row = TABLE.get(error)
    return row or next(TABLE[each] for each in error.__mro__ if each in TABLE)


def code_of(error: HotHourError) -> str:
    """The machine code of an answer: of broken rules, the first one's."""
    return error.errors[0].code if isinstance(error, RuleBroken) else error.code


def problem(
    error: HotHourError, *, language: Language, request_id: str, instance: str
) -> dict[str, Any]:
    """The body of an RFC 9457 answer. `instance` is the path that was asked for."""
    code = code_of(error)
    said = _said(code, language)
    members = wire_members(error)
    fields = getattr(error, "errors", ())
    return {
        "type": said.type,
        "title": said.title,
        "status": row_of(error).status,
        "detail": _detail(error, said, members, language),
        "instance": instance,
        "code": code,
        "request_id": request_id,
        "retryable": error.retryable,
        "errors": [_field(each, language) for each in fields] if fields else [],
        **members,
    }


def encoded(
    error: HotHourError, *, language: Language, request_id: str, instance: str
) -> tuple[int, bytes]:
    """The status of such an answer and its body as JSON. `request_id` is of the form that
    edge/incoming.py demands."""
    code, status = code_of(error), row_of(error).status
    members = wire_members(error)
    fields = getattr(error, "errors", ())
    own = {
        "detail": _detail(error, _said(code, language), members, language),
        "errors": [_field(each, language) for each in fields] if fields else [],
        **members,
    }
    # The rest is the same for a whole rush of losers: a third of the time of putting it together.
    same = _same(code, status, error.retryable, language, instance)
    return status, b'%b,"request_id":"%b",%b' % (same, request_id.encode(), orjson.dumps(own)[1:])


@lru_cache(maxsize=1_024)
def _same(code: str, status: int, retryable: bool, language: Language, instance: str) -> bytes:
    """What all problems of a kind have in common: an object without its end."""
    said = _said(code, language)
    body = {
        "type": said.type,
        "title": said.title,
        "status": status,
        "instance": instance,
        "code": code,
        "retryable": retryable,
    }
    return orjson.dumps(body)[:-1]


def live_error(error: HotHourError, language: Language) -> dict[str, Any]:
    """The same for an `error` frame, without `type` and `ref`."""
    code = code_of(error)
    members = wire_members(error)
    return {
        "code": code,
        "message": _detail(error, _said(code, language), members, language),
        "retryable": error.retryable,
        "retry_after_ms": None,
        **members,
    }


def type_of(code: str) -> str:
    """The URI that stands for a code in a problem's `type`."""
    return TYPE_PREFIX + code.lower().replace("_", "-")


def retry_after_s(error: HotHourError) -> int | None:
    """The Retry-After of an answer: whole seconds, at least one; None when there is none."""
    wait_ms = getattr(error, "retry_after_ms", None)
    return None if wait_ms is None else max(1, -(-wait_ms // 1_000))


def wire_members(error: HotHourError) -> dict[str, Any]:
    """The code's own members as they travel."""
    members: dict[str, Any] = error.members
    for name, value in members.items():
        if name.endswith("_at") and type(value) is int:
            members[name] = _instant(value)
        elif name in PRICES:
            members[name] = format_minor(value)
    return members


# In a rush thousands of losers hear the same instants.
_instant = lru_cache(maxsize=1_024)(instant)


@dataclass(frozen=True, slots=True)
class _Said:
    """What is the same in all problems of one code in one language."""

    type: str
    title: str
    sentence: str
    fills_in: Literal["members", "seconds"] | None
    """What the sentence has places for."""


@lru_cache
def _said(code: str, language: Language) -> _Said:
    text = texts.text_of(code, language)
    places: Literal["members", "seconds"] | None = None
    if "{" in text.sentence:
        places = "seconds" if "{seconds}" in text.sentence else "members"
    return _Said(type_of(code), text.title, text.sentence, places)


def _detail(
    error: HotHourError, said: _Said, members: Mapping[str, Any], language: Language
) -> str:
    if language == "en" and _says_more(error):
        return error.detail
    match said.fills_in:
        case None:
            return said.sentence
        case "members":
            return said.sentence.format_map(members)
        case "seconds":
            return said.sentence.format(seconds=retry_after_s(error))


def _says_more(error: HotHourError) -> bool:
    """It was raised with a sentence of its own, not with its class's."""
    return error.detail != error.sentence


def _field(error: FieldError, language: Language) -> dict[str, str]:
    message = error.message or texts.field_message(error.code, language)
    return {"field": error.field, "code": error.code, "message": message}
