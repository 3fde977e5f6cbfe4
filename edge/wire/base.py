"""The kinds every model is made of: instants, prices, bodies, answers.

Input is strict in form and forgiving in nothing: unknown fields are refused, instants need an
offset and whole milliseconds, prices are decimal strings or JSON numbers and become minor units.
Answers are written by hand-built dicts on hot routes; the models then describe them and the tests
hold the two together.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from engine.domain.money import format_minor
from engine.frames import instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = re.compile(
    r"(?a)\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,3}0*)?)?([Zz]|[+-]\d{2}:?\d{2})"
)
_PRICE = re.compile(r"(?a)-?\d{1,12}(\.\d{1,12})?(e-?\d+)?")
_YEARS = range(1970, 9999)


class Body(BaseModel):
    """A request's body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=False, frozen=True)


class Query(Body):
    """A request's query parameters: unknown ones are refused."""


class Answer(BaseModel):
    """An answer's body. Serialised with `answer_json`, in the wire's forms."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse_instant(value: object) -> int:
    """ISO-8601 with an offset and at most milliseconds, to epoch milliseconds; else ValueError."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("an ISO-8601 instant with an offset and at most milliseconds is needed")
    try:
        parsed = datetime.fromisoformat(value.replace(",", ".").upper()).astimezone(UTC)
    except OverflowError as error:  # year 1 or 9999, pushed out of the calendar by its offset
        raise ValueError("the year is out of range") from error
    if parsed.year not in _YEARS:
        raise ValueError("the year is out of range")
    return (parsed - _EPOCH) // timedelta(milliseconds=1)


def parse_price(value: object) -> Decimal:
    """A decimal string or a JSON number as an exact decimal; else ValueError.

    Rules (places, range) are checked later, where their codes are known.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("a decimal string such as '149.90' is needed")
    text = value if isinstance(value, str) else repr(value) if isinstance(value, float) else value
    if isinstance(text, str) and not _PRICE.fullmatch(text):
        raise ValueError("a decimal string such as '149.90' is needed")
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise ValueError("a decimal string such as '149.90' is needed") from error
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 12:
        raise ValueError("the amount is out of range")
    return amount


def price_schema(description: str) -> dict[str, Any]:
    """JSON schema of a price on input."""
    return {
        "anyOf": [{"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}, {"type": "number"}],
        "description": description,
        "examples": ["149.90"],
    }


InstantIn = Annotated[
    int,
    BeforeValidator(parse_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-01T18:30:00Z"]}),
]
"""An instant in a request, as epoch milliseconds."""

PriceIn = Annotated[
    Decimal, BeforeValidator(parse_price), WithJsonSchema(price_schema("Decimal, two places"))
]
"""A price in a request, exact; to minor units by engine.domain.money."""

Instant = Annotated[
    int,
    PlainSerializer(instant, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An instant in an answer, from epoch milliseconds."""

Price = Annotated[
    int,
    PlainSerializer(format_minor, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?\d+\.\d{2}$", "examples": ["149.90"]}),
]
"""A price in an answer, from minor units."""

Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""An id in an answer, or in a query, where every value is text."""

IdIn = Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)]
"""An id in a body: a JSON integer, neither "5" nor true."""
