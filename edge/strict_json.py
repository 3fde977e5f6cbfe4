"""JSON as it may come from anywhere: read exactly or not at all.

No NaN, no lone surrogate, no name given twice, no NUL, nothing too deep and no number without
measure; integers come as int, other numbers as Decimal, so that no digit of a price is lost. Raises
`Invalid`; must never quote the input.
"""

import json
from decimal import Decimal
from typing import Any, Final

import orjson

from engine.errors import FieldError, Invalid

NUMBER_DIGITS_MAX: Final = 40
EXPONENT_MAX: Final = 300
NAME_MAX: Final = 100


def load_json(raw: bytes, depth_max: int) -> Any:
    """The value of a JSON text whose arrays and objects nest at most `depth_max` deep.

    Raises Invalid.
    """
    try:
        value = orjson.loads(raw)
        if raw.count(b"[") + raw.count(b"{") > depth_max and not _is_flat(value, depth_max):
            raise Invalid(None, (FieldError("", "DEPTH"),))
        # orjson has shown that this is sound; the second reading keeps what orjson loses: names
        # that occur twice, and digits.
        value = json.loads(raw, object_pairs_hook=_once_each, parse_float=_exact)
    except ValueError as error:  # what both readers raise
        raise Invalid(None, (FieldError("", "MALFORMED"),)) from error
    if b"\\u0000" in raw and _has_nul(value):
        raise Invalid(None, (FieldError("", "FORMAT"),))
    return value


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    twice = next(name for name in names if names.count(name) > 1)
    raise Invalid(None, (FieldError(twice[:NAME_MAX], "DUPLICATE"),))


def _exact(text: str) -> Decimal:
    # 1e999999999 is a short text and an endless integer: nobody behind us shall have to know.
    if len(text) > NUMBER_DIGITS_MAX or abs((number := Decimal(text)).adjusted()) > EXPONENT_MAX:
        raise ValueError("a number without measure")
    return number


def _is_flat(value: Any, depth_max: int) -> bool:
    level = [value]  # what nests equally deep
    for _ in range(depth_max + 1):
        level = [each for each in level if isinstance(each, dict | list)]
        if not level:
            return True
        level = [inner for each in level for inner in _inside(each)]
    return False


def _inside(value: Any) -> list[Any]:
    match value:
        case dict():
            return list(value.values())
        case list():
            return value
        case _:
            return []


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    names = list(value) if isinstance(value, dict) else []
    return any(map(_has_nul, (*names, *_inside(value))))
