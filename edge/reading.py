"""Reads what a request carries: bodies and query parameters, bounded in size and in time.

A body is refused by its headers before a byte of it is read, and by its text (edge/strict_json.py)
before a model sees it. Raises `Invalid` and its kin in the language of the asker; must never quote
the input.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import ClientError, web
from pydantic import BaseModel, ValidationError

from edge import texts
from edge.strict_json import load_json
from edge.texts import Language
from engine.errors import (
    FieldError,
    Invalid,
    PayloadTooLarge,
    RequestTimeout,
    UnsupportedMediaType,
)

FIELD_ERRORS_MAX: Final = 20
FIELD_NAME_MAX: Final = 100
_JSON: Final = "application/json"


class ClientGone(ConnectionResetError):
    """The client hung up before its body was here: there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a body may cost; the names are those of the settings."""

    body_bytes_max: int
    body_timeout_s: float
    json_depth_max: int


@dataclass(frozen=True, slots=True)
class BodyReader:
    """Reads the bodies of one route."""

    limits: Limits
    model: type[BaseModel]
    optional: bool = False
    parse: Callable[[bytes], Any] | None = None

    def taken(self, request: web.Request) -> bytes | None:
        """The body's bytes if it came in one piece with its head, as bodies usually do: without
        a coroutine for what is there. None: it has to be awaited. Raises PayloadTooLarge."""
        stream = request.content
        if not stream.is_eof() or stream.exception() is not None:
            return None
        raw = stream.read_nowait()
        if len(raw) > self.limits.body_bytes_max:
            raise PayloadTooLarge
        return raw

    async def awaited(self, request: web.Request) -> bytes:
        """The body's bytes. Raises as `read_raw` does."""
        return await read_raw(request, self.limits)

    def read(self, request: web.Request, raw: bytes, language: Language) -> Any:
        """What the body says; None if there is none and that is fine."""
        if not raw:
            if self.optional:
                return None
            raise Invalid(None, (FieldError("", "REQUIRED"),))
        content_type = request.headers.get("Content-Type", "")
        if content_type != _JSON and not _is_json(content_type):
            raise UnsupportedMediaType
        if self.parse is not None:
            return self.parse(raw)
        return validated(self.model, load_json(raw, self.limits.json_depth_max), language)


async def read_raw(request: web.Request, limits: Limits) -> bytes:
    """The body's bytes. Raises PayloadTooLarge, RequestTimeout, Invalid or ClientGone."""
    stream = request.content
    if (request.content_length or 0) > limits.body_bytes_max:
        raise PayloadTooLarge
    try:
        async with asyncio.timeout(limits.body_timeout_s):
            return await _read_slowly(stream.readany, limits.body_bytes_max)
    except TimeoutError:
        raise RequestTimeout from None
    except web.RequestPayloadError as error:  # chunks that are none
        raise Invalid(None, (FieldError("", "FORMAT"),)) from error
    except (ConnectionError, ClientError) as error:
        raise ClientGone from error


async def _read_slowly(read_some: Callable[[], Any], bytes_max: int) -> bytes:
    raw = bytearray()
    while piece := await read_some():
        raw += piece
        if len(raw) > bytes_max:
            raise PayloadTooLarge
    return bytes(raw)


def _is_json(content_type: str) -> bool:
    kind, _, parameters = content_type.lower().partition(";")
    kind = kind.strip()
    if kind != _JSON and not (kind.startswith("application/") and kind.endswith("+json")):
        return False
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name == "charset" and value.strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            return False
    return True


def query_reader(
    model: type[BaseModel] | None,
) -> Callable[[web.Request, Language], BaseModel | None]:
    """Make the reader of a route's query. Unknown parameters, and any where none is known, are
    refused; one that is given twice is too, unless the model has a list for it."""
    lists = frozenset() if model is None else _list_names(model)

    def read(request: web.Request, language: Language) -> BaseModel | None:
        url = request.rel_url
        if not url.raw_query_string:
            return None if model is None else validated(model, {}, language)
        given: dict[str, Any] = {}
        for name, value in url.query.items():
            if "\0" in name or "\0" in value or "\ufffd" in value:
                raise Invalid(None, (FieldError(_shown(name), "FORMAT"),))
            if name in lists:
                given.setdefault(name, []).append(value)
            elif name in given:
                raise Invalid(None, (FieldError(_shown(name), "DUPLICATE"),))
            else:
                given[name] = value
        if model is None:
            raise Invalid(None, tuple(FieldError(_shown(name), "UNKNOWN") for name in given))
        return validated(model, given, language)

    return read


def _list_names(model: type[BaseModel]) -> frozenset[str]:
    properties: Mapping[str, Any] = model.model_json_schema()["properties"]
    return frozenset(name for name, schema in properties.items() if _takes_list(schema))


def _takes_list(schema: Mapping[str, Any]) -> bool:
    choices = schema.get("anyOf", [schema])
    return any(choice.get("type") == "array" for choice in choices)


def validated(model: type[BaseModel], value: Any, language: Language) -> BaseModel:
    """An instance of the model. Raises Invalid that names each field."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Invalid(None, field_errors(error, language)) from error


def field_errors(error: ValidationError, language: Language) -> tuple[FieldError, ...]:
    """What is wrong with each field, in the asker's language; never the value itself."""
    found = error.errors(include_url=False, include_input=False)
    return tuple(_field_error(each, language) for each in found[:FIELD_ERRORS_MAX])


def _shown(name: str) -> str:
    """A field's name as it may be given back: bounded, and text that can be encoded."""
    return name[:FIELD_NAME_MAX].replace("\0", "")


_CODES: Final[Mapping[str, str]] = {
    "missing": "REQUIRED",
    "extra_forbidden": "UNKNOWN",
    "enum": "CHOICE",
    "literal_error": "CHOICE",
    "greater_than": "RANGE",
    "greater_than_equal": "RANGE",
    "less_than": "RANGE",
    "less_than_equal": "RANGE",
    "finite_number": "RANGE",
    "int_parsing_size": "RANGE",
    "string_too_short": "LENGTH",
    "string_too_long": "LENGTH",
    "too_short": "LENGTH",
    "too_long": "LENGTH",
    "value_error": "FORMAT",
    "string_pattern_mismatch": "FORMAT",
    "int_parsing": "TYPE",
    "int_from_float": "TYPE",
    "bool_parsing": "TYPE",
}


_BOUNDS: Final[Mapping[str, str]] = {
    "gt": "> {}",
    "ge": ">= {}",
    "lt": "< {}",
    "le": "<= {}",
    "min_length": ">= {}",
    "max_length": "<= {}",
    "expected": "{}",
}


def _field_error(found: Mapping[str, Any], language: Language) -> FieldError:
    kind = found["type"]
    code = _CODES.get(kind, "TYPE" if kind.endswith("_type") else "FORMAT")
    path = ".".join(str(part) for part in found["loc"])
    return FieldError(_shown(path), code, _message(found.get("ctx", {}), code, language))


def _message(context: Mapping[str, Any], code: str, language: Language) -> str:
    """The code's sentence, with the bound that does not hold; in English, a model's own words."""
    if language == "en" and "error" in context:
        return str(context["error"])
    sentence = texts.FIELDS[code][language]
    bounds = [form.format(context[name]) for name, form in _BOUNDS.items() if name in context]
    return f"{sentence} ({', '.join(bounds)})" if bounds else sentence
