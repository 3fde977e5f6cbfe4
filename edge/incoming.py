"""Small parts of a request, read strictly: its id, its language, its keys, the ids in its path.

Pure functions of header and path values. Must never trust a length or an alphabet it has not
checked: what leaves here may go into headers, logs and answers.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import count
from typing import Any, Final

from edge.texts import Language
from engine.errors import FieldError, Invalid, NotFound

ID_MAX: Final = 2**63 - 1
DEFAULT_LANGUAGE: Final[Language] = "tr"

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_ID: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_LANGUAGE_HEADER_MAX: Final = 200
_QUALITY: Final = re.compile(r"[01](?:\.[0-9]{0,3})?", re.ASCII)


class RequestIds:
    """Takes the client's id when it is of the form, else gives the next of this process."""

    def __init__(self, prefix: str) -> None:
        """`prefix` tells processes and their lives apart: 8 to 40 characters of the form."""
        assert _REQUEST_ID.fullmatch(prefix), "request ids begin with it"
        self._prefix = prefix
        self._numbers = count(1)

    def of(self, given: str | None) -> str:
        """`given`: the request's X-Request-ID."""
        if given is not None and _REQUEST_ID.fullmatch(given):
            return given
        return f"{self._prefix}-{next(self._numbers)}"


def language_of(accept: str | None) -> Language:
    """The language an Accept-Language asks for most, of those we have; Turkish when in doubt."""
    if not accept or len(accept) > _LANGUAGE_HEADER_MAX:
        return DEFAULT_LANGUAGE
    return _preferred(accept)


@lru_cache(maxsize=512)
def _preferred(accept: str) -> Language:
    wanted: dict[str, float] = {}
    for part in accept.lower().split(","):
        tag, _, parameter = part.partition(";")
        name = tag.strip().partition("-")[0]
        wanted[name] = max(wanted.get(name, 0.0), _quality(parameter))
    anything = wanted.get("*", 0.0)
    turkish, english = wanted.get("tr", anything), wanted.get("en", anything)
    return "en" if english > turkish else DEFAULT_LANGUAGE


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if not name:
        return 1.0
    return float(value) if name == "q" and _QUALITY.fullmatch(value) else 0.0


def checked_key(given: str | None) -> str | None:
    """An Idempotency-Key of the right form, or none. Raises Invalid."""
    if given is None or _KEY.fullmatch(given):
        return given
    raise Invalid(None, (FieldError("Idempotency-Key", "FORMAT"),))


def path_reader(
    path: str, lost: type[NotFound] = NotFound
) -> Callable[[Mapping[str, str]], dict[str, Any]] | None:
    """Make the reader of a route's path parameters: those ending in `_id` become integers.

    None for a path without any. The reader raises `lost` for what cannot name anything.
    """
    if "{" not in path:
        return None
    ids = frozenset(re.findall(r"\{(\w*_id|id)\}", path))

    def read(matched: Mapping[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, text in matched.items():
            value = _path_id(text) if name in ids else _path_text(text)
            if value is None:
                raise lost
            found[name] = value
        return found

    return read


def _path_id(text: str) -> int | None:
    if not _ID.fullmatch(text) or (value := int(text)) > ID_MAX:
        return None
    return value


def _path_text(text: str) -> str | None:
    # What the database refuses, what was no UTF-8.
    return None if "\0" in text or "\ufffd" in text else text
