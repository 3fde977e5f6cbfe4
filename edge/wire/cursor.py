"""Cursors: a place in a list as opaque text, good for that very list alone.

A cursor holds the place's numbers and a digest over them and the list's `scope` (its order and its
filters). So one that was cut, changed or brought to another list is refused. The digest has no key:
whoever forges a cursor gets a place that they could have asked for anyway.
"""

import base64
import hashlib
from typing import Final

import orjson

from engine.errors import FieldError, Invalid

CURSOR_CHARS_MAX: Final = 200
NUMBER_MAX: Final = 2**53 - 1
"""Ids, revisions, prices and instants are far below it."""

_DIGEST_BYTES: Final = 9


def seal(scope: str, *numbers: int) -> str:
    """The cursor of a place, for URLs."""
    place = orjson.dumps(numbers)
    return base64.urlsafe_b64encode(_digest(scope, place) + place).decode().rstrip("=")


def unseal(cursor: str, scope: str, count: int) -> tuple[int, ...]:
    """The `count` numbers of a place. Raises Invalid for what `seal` has not made for `scope`."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place = raw[_DIGEST_BYTES:]
        numbers = orjson.loads(place)
        sealed = len(numbers) == count and seal(scope, *numbers) == cursor
        if sealed and all(0 <= number <= NUMBER_MAX for number in numbers):
            return tuple(numbers)
    except (ValueError, TypeError):
        pass  # not base64, not JSON, not a list of numbers
    raise Invalid("The cursor does not belong to this list.", (FieldError("cursor", "FORMAT"),))


def _digest(scope: str, place: bytes) -> bytes:
    return hashlib.blake2b(scope.encode() + b"\0" + place, digest_size=_DIGEST_BYTES).digest()
