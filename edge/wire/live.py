"""The live channel's words: what a client may say, and how it is read.

A frame is one JSON object; fields are checked by hand, since a press of "Hemen Kap" comes this way
and every microsecond of a rush counts. Unknown fields are refused. Nothing is looked up here.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import orjson

from edge.wire.base import parse_price
from engine.domain.money import MoneyError, parse_minor
from engine.errors import FieldError, Invalid

IDS_A_MESSAGE_MAX = 100
REF_LENGTH_MAX = 64
TOKEN_LENGTH_MAX = 4_096

_ID_MAX = 2**63 - 1
_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
_DIGITS = re.compile(r"[1-9][0-9]{0,18}")

Ref = int | str | None
Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Authenticate:
    """This is who I am; again: this is my new token."""

    token: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a client already holds of an auction; `step` None: it did not say."""

    revision: int
    step: int | None


@dataclass(frozen=True, slots=True)
class SubscribeAuction:
    """Watch these auctions; `ticks`: with a frame at each drop."""

    auction_ids: tuple[int, ...]
    ticks: bool
    since: Mapping[int, Known]


@dataclass(frozen=True, slots=True)
class UnsubscribeAuction:
    """Watch them no more."""

    auction_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SubscribeLobby:
    """Watch the list."""


@dataclass(frozen=True, slots=True)
class UnsubscribeLobby:
    """Watch it no more."""


@dataclass(frozen=True, slots=True)
class SubscribeUser:
    """Send me my own news; those after `since` (an event_id) again."""

    user_id: int | None
    since: int | None


@dataclass(frozen=True, slots=True)
class BookSeat:
    """The press. `max_price` in minor units."""

    auction_id: int
    key: str
    max_price: int | None


@dataclass(frozen=True, slots=True)
class Ping:
    """What time is it?"""

    client_ms: int | float


ClientMessage = (
    Authenticate
    | SubscribeAuction
    | UnsubscribeAuction
    | SubscribeLobby
    | UnsubscribeLobby
    | SubscribeUser
    | BookSeat
    | Ping
)


class BadText(Exception):
    """The frame is not UTF-8."""


class Malformed(Exception):
    """Not a message; `ref` is the client's own if it could be read."""

    def __init__(self, ref: Ref, why: Invalid) -> None:
        super().__init__(str(why))
        self.ref = ref
        self.why = why


def read(payload: bytes) -> tuple[Ref, str, ClientMessage]:
    """One text frame -> (ref, type, message). Raises Malformed or BadText."""
    ref: Ref = None
    try:
        fields = _object(payload)
        ref = _ref(fields)
        kind = fields.get("type")
        known = _KINDS.get(kind) if isinstance(kind, str) else None
        if known is None:
            raise _invalid("type", "There is no such message.")
        assert isinstance(kind, str)
        names, build = known
        if not fields.keys() <= names:
            unknown = min(fields.keys() - names)
            raise _invalid(unknown[:REF_LENGTH_MAX], "There is no such field.")
        return ref, kind, build(fields)
    except Invalid as why:
        raise Malformed(ref, why) from None


def ref_of(payload: bytes) -> Ref:
    """The ref alone, of whatever this is; None if there is none to be read."""
    try:
        return _ref(_object(payload))
    except (Invalid, BadText):
        return None


# --- one reader a message ------------------------------------------------------------------------


def _authenticate(fields: Fields) -> Authenticate:
    token = fields.get("token")
    if not isinstance(token, str) or not 0 < len(token) <= TOKEN_LENGTH_MAX:
        raise _invalid("token", "A token is needed.")
    return Authenticate(token)


def _subscribe_auction(fields: Fields) -> SubscribeAuction:
    mode = fields.get("mode", "ticks")
    if mode not in ("ticks", "schedule"):
        raise _invalid("mode", "ticks or schedule.")
    return SubscribeAuction(_auction_ids(fields), mode == "ticks", _since(fields))


def _unsubscribe_auction(fields: Fields) -> UnsubscribeAuction:
    return UnsubscribeAuction(_auction_ids(fields))


def _subscribe_user(fields: Fields) -> SubscribeUser:
    user_id, since = fields.get("user_id"), fields.get("since")
    if user_id is not None and not _is_whole(user_id, 1):
        raise _invalid("user_id", "An id is a whole number.")
    if since is not None and not _is_whole(since, 0):
        raise _invalid("since", "An event_id is a whole number.")
    return SubscribeUser(user_id, since)


def _book(fields: Fields) -> BookSeat:
    auction_id, key = fields.get("auction_id"), fields.get("idempotency_key")
    if not _is_whole(auction_id, 1):
        raise _invalid("auction_id", "An id is a whole number.")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise _invalid("idempotency_key", "16 to 64 of A-Z a-z 0-9 _ -.")
    return BookSeat(auction_id, key, _max_price(fields.get("max_price")))


def _ping(fields: Fields) -> Ping:
    client_ms = fields.get("client_ms")
    if isinstance(client_ms, bool) or not isinstance(client_ms, int | float):
        raise _invalid("client_ms", "A number is needed.")
    if not math.isfinite(client_ms):
        raise _invalid("client_ms", "A number is needed.")
    return Ping(client_ms)


Reader = Callable[[Fields], ClientMessage]
_KINDS: Mapping[str, tuple[frozenset[str], Reader]] = {
    kind: (frozenset(("type", "ref", *names)), build)
    for kind, names, build in (
        ("authenticate", ("token",), _authenticate),
        (
            "subscribe_auction",
            ("auction_id", "auction_ids", "mode", "since"),
            _subscribe_auction,
        ),
        ("unsubscribe_auction", ("auction_id", "auction_ids"), _unsubscribe_auction),
        ("subscribe_lobby", (), lambda _: SubscribeLobby()),
        ("unsubscribe_lobby", (), lambda _: UnsubscribeLobby()),
        ("subscribe_user", ("user_id", "since"), _subscribe_user),
        ("book", ("auction_id", "idempotency_key", "max_price"), _book),
        ("ping", ("client_ms",), _ping),
    )
}


# --- fields --------------------------------------------------------------------------------------


def _object(payload: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError:
        try:
            payload.decode()
        except UnicodeDecodeError as error:
            raise BadText from error
        raise Invalid("A frame is one JSON object.") from None
    if not isinstance(value, dict):
        raise Invalid("A frame is one JSON object.")
    return value


def _ref(fields: Fields) -> Ref:
    ref = fields.get("ref")
    if ref is None or type(ref) is int or (isinstance(ref, str) and len(ref) <= REF_LENGTH_MAX):
        return ref
    raise _invalid("ref", "A whole number or at most 64 characters.")


def _auction_ids(fields: Fields) -> tuple[int, ...]:
    if ("auction_id" in fields) == ("auction_ids" in fields):
        raise _invalid("auction_id", "Either auction_id or auction_ids.")
    ids = fields["auction_ids"] if "auction_ids" in fields else [fields["auction_id"]]
    if not isinstance(ids, list) or not 0 < len(ids) <= IDS_A_MESSAGE_MAX:
        raise _invalid("auction_ids", f"1 to {IDS_A_MESSAGE_MAX} ids.")
    if not all(_is_whole(i, 1) for i in ids):
        raise _invalid("auction_ids", "An id is a whole number.")
    return tuple(dict.fromkeys(ids))


def _since(fields: Fields) -> Mapping[int, Known]:
    since = fields.get("since", {})
    if not isinstance(since, dict):
        raise _invalid("since", "A map from auction ids to revisions.")
    return {_since_id(name): _known(value) for name, value in since.items()}


def _since_id(name: str) -> int:
    if not _DIGITS.fullmatch(name):
        raise _invalid("since", "A map from auction ids to revisions.")
    return int(name)


def _known(value: object) -> Known:
    revision, step = value if isinstance(value, list) and len(value) == 2 else (value, None)
    if not _is_whole(revision, 1) or not (step is None or _is_whole(step, 0)):
        raise _invalid("since", "A revision, or [revision, step].")
    return Known(revision, step)


def _max_price(value: object) -> int | None:
    if value is None:
        return None
    try:
        minor = parse_minor(parse_price(value))
    except MoneyError as error:
        raise _invalid("max_price", "An amount such as '149.90'.") from error
    except ValueError as error:
        raise _invalid("max_price", str(error)) from error
    if minor <= 0:
        raise _invalid("max_price", "An amount above zero.")
    return minor


def _is_whole(value: object, least: int) -> TypeGuard[int]:
    """A JSON integer; true and false are none."""
    return type(value) is int and least <= value <= _ID_MAX


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}", (FieldError(field, "VALIDATION", message),))
