"""The problems of the OpenAPI document: which a route can answer, and what each looks like."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from edge import problems, texts
from edge.endpoint import ROLES
from edge.routing import Access, Lane, Route
from engine import errors
from engine.domain.rules import ORDER
from engine.errors import HotHourError, RuleBroken

Schema = dict[str, Any]

_INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_TEXT: Final[Schema] = {"type": "string"}
_RETRY: Final[Mapping[str, Schema]] = {"retry_after_ms": _COUNT}

MEMBERS: Final[Mapping[type[HotHourError], Mapping[str, Schema]]] = {
    errors.Sold: {"sold_at": _INSTANT, "late_by_ms": _COUNT, "accepted_at": _INSTANT},
    errors.AlreadyYours: {"reservation_id": {"type": "integer", "minimum": 1}},
    errors.PriceAboveMax: {
        "current_price": {"type": "string", "pattern": r"^\d+\.\d{2}$"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
        "revision": _COUNT,
        "step": _COUNT,
    },
    problems.NoAuctionForTurbo: {
        "triggered": {"const": False},
        "reason": {"const": "auction_not_found"},
    },
    errors.RateLimited: _RETRY,
    errors.Unable: _RETRY,
}
"""The codes' own members; a class without an entry has those of the class above it."""

_EXAMPLES: Final[Mapping[str, Any]] = {
    "sold_at": "2026-03-01T18:40:00.000Z",
    "late_by_ms": 12,
    "accepted_at": "2026-03-01T18:40:00.012Z",
    "reservation_id": 41,
    "current_price": "149.90",
    "currency": "TRY",
    "revision": 3,
    "step": 2,
    "retry_after_ms": 1_000,
    "triggered": False,
    "reason": "auction_not_found",
}
"""A value of each member."""

_FIELD: Final[Schema] = {
    "type": "object",
    "properties": {
        "field": {**_TEXT, "description": "Path in the body, query parameter or header"},
        "code": _TEXT,
        "message": _TEXT,
    },
    "required": ["field", "code", "message"],
}
PROBLEM: Final[Schema] = {
    "type": "object",
    "description": "RFC 9457. `code` is the stable contract; texts follow Accept-Language.",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": _TEXT,
        "instance": {"type": "string", "format": "uri-reference"},
        "code": _TEXT,
        "request_id": _TEXT,
        "retryable": {"type": "boolean"},
        "errors": {"type": "array", "items": _FIELD},
    },
    "required": [
        *("type", "title", "status", "detail", "instance"),
        *("code", "request_id", "retryable", "errors"),
    ],
}


def errors_of(route: Route) -> tuple[type[HotHourError], ...]:
    """Every error the route can answer: its own and the pipeline's, in the order of the table. One
    that is not in it has more members than its row has, and stands in its place."""
    found: set[type[HotHourError]] = {
        errors.AuthExpired,
        errors.AuthInvalid,
        errors.Busy,
        errors.Internal,
        errors.Invalid,
        errors.RateLimited,
        errors.UnsupportedMediaType,
        *route.codes,
    }
    if "{" in route.path:
        found.add(errors.NotFound)
    if route.body is not None:
        found |= {errors.PayloadTooLarge, errors.RequestTimeout}
    if route.access is not Access.PUBLIC:
        found.add(errors.AuthRequired)
    if route.access in ROLES:
        found.add(errors.Forbidden)
    if route.remembers_key:
        found.add(errors.KeyReused)
    if route.lane is Lane.BOOK:
        found |= {errors.KeyReused, errors.UnknownOutcome}
    own = [each for each in route.codes if each not in problems.TABLE]
    special = {base: each for each in own for base in each.__mro__ if base in problems.TABLE}
    found |= special.keys()
    return tuple(special.get(each, each) for each in problems.TABLE if each in found)


def responses(found: Iterable[type[HotHourError]]) -> dict[str, Schema]:
    """The responses of an operation that can raise these, by status."""
    by_status: defaultdict[int, list[type[HotHourError]]] = defaultdict(list)
    for error in found:
        by_status[problems.row_of_class(error).status].append(error)
    return {str(status): _response(status, of) for status, of in sorted(by_status.items())}


def _response(status: int, found: list[type[HotHourError]]) -> Schema:
    refs = [{"$ref": f"#/components/schemas/{name_of(error)}"} for error in found]
    headers: Schema = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}
    if any("retry_after_ms" in members_of(error) for error in found):
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    if status == 401:
        headers["WWW-Authenticate"] = {"schema": _TEXT}
    lines = [f"`{error.code}`: {_sentence(error)}" for error in found]
    return {
        "description": "\n\n".join(lines),
        "headers": headers,
        "content": {
            problems.CONTENT_TYPE: {"schema": refs[0] if len(refs) == 1 else {"oneOf": refs}}
        },
    }


def schemas(found: Iterable[type[HotHourError]]) -> dict[str, Schema]:
    """The components of these errors."""
    return {"Problem": PROBLEM, **{name_of(error): _schema(error) for error in found}}


def name_of(error: type[HotHourError]) -> str:
    """The component's name."""
    return f"{error.__name__}Problem"


def members_of(error: type[HotHourError]) -> Mapping[str, Schema]:
    """Schemas of the code's own members."""
    return next((MEMBERS[each] for each in error.__mro__ if each in MEMBERS), {})


def _schema(error: type[HotHourError]) -> Schema:
    members = members_of(error)
    code: Schema = {"const": error.code}
    if error is RuleBroken:  # the family: an answer has the code of the first rule that is broken
        code = {"type": "string", "pattern": "^RULE_[A-Z_]+$", "examples": list(ORDER)}
    own: Schema = {
        "type": "object",
        "properties": {
            "code": code,
            "status": {"const": problems.row_of_class(error).status},
            "retryable": {"const": error.retryable},
            **members,
        },
        "required": ["code", *members],
    }
    return {
        "description": _sentence(error),
        "allOf": [{"$ref": "#/components/schemas/Problem"}, own],
        "examples": [example(error)],
    }


def example(error: type[HotHourError]) -> Schema:
    """A problem of this class, in English."""
    code = ORDER[0] if error is RuleBroken else error.code
    text = texts.text_of(code, "en")
    members = {name: _EXAMPLES[name] for name in members_of(error)}
    return {
        "type": problems.type_of(code),
        "title": text.title,
        "status": problems.row_of_class(error).status,
        "detail": text.sentence.format(seconds=1, **members),
        "instance": "/api/v1",
        "code": code,
        "request_id": "4f6c1b2a9d3e-1207",
        "retryable": error.retryable,
        "errors": [],
        **members,
    }


def _sentence(error: type[HotHourError]) -> str:
    return (error.__doc__ or "").partition("\n")[0]
