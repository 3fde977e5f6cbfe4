"""What the live channel may say to a client: the fields of each message."""

import re
from collections.abc import Mapping
from typing import Any, Final

from edge.problems import TABLE

Fields = Mapping[str, Any]

SNAPSHOT: Final = frozenset(
    (
        "auction_id",
        "revision",
        "step",
        "status",
        "current_price",
        "currency",
        "seats",
        "seats_left",
        "schedule",
        "turbo_started_at",
        "next_price",
        "next_drop_at",
        "watchers",
        "server_time",
    )
)
_ANSWERS: Final[Mapping[str, frozenset[str]]] = {
    "ok": frozenset(("type", "ref", "result")),
    "pong": frozenset(("type", "ref", "client_ms", "received_ms", "sent_ms")),
    "subscribed": frozenset(("type", "ref", "snapshots", "current", "rejected")),
}
_ERROR: Final = frozenset(("type", "ref", "code", "message", "retryable", "retry_after_ms"))
_UNASKED: Final[Mapping[str, frozenset[str]]] = {
    "hello": frozenset(("epoch", "connection_id", "idle_ms", "limits", "reconnect_ms")),
    "price_update": frozenset(("auction_id", "revision", "step", "at", "current_price")),
    "turbo_triggered": SNAPSHOT,
    "auction_booked": frozenset(("auction_id", "revision", "step", "at", "price", "seats_left")),
    "auction_updated": SNAPSHOT | {"at", "reason"},
    "booking_confirmed": frozenset(("event_id", "at", "booking_code", "locked_price")),
    "lobby_update": frozenset(("version", "changed", "removed")),
    "session_expiring": frozenset(("at",)),
    "session_expired": frozenset(("at",)),
    "heartbeat": frozenset(("server_time",)),
}
_PUBLIC: Final = frozenset(("price_update", "auction_booked", "auction_updated", "lobby_update"))
_PRIVATE: Final = frozenset(("user_id", "booking_code", "full_name", "email", "phone"))
_PRICE: Final = re.compile(r"\d+\.\d\d")
CODES: Final = frozenset(error.code for error, row in TABLE.items() if row.live)
CLOSES: Final = frozenset((1000, 1002, 1007, 1009, 4000, 4009, 4101))
"""Codes a client may bring upon itself within a moment."""


def complaint(message: Fields) -> str | None:
    """What is wrong with a message of the server; None: it is as the contract has it."""
    kind = str(message.get("type"))
    fields = message.keys()
    if kind == "error":
        return _error_complaint(message)
    if kind in _ANSWERS:
        if fields != _ANSWERS[kind]:
            return f"{kind} with {sorted(fields ^ _ANSWERS[kind])}"
        return _subscribed_complaint(message) if kind == "subscribed" else None
    if kind not in _UNASKED:
        return f"an unknown type {kind!r}"
    if not _UNASKED[kind] <= fields:
        return f"{kind} without {sorted(_UNASKED[kind] - fields)}"
    if kind in _PUBLIC and fields & _PRIVATE:
        return f"{kind} tells {sorted(fields & _PRIVATE)}"
    return None


def _error_complaint(message: Fields) -> str | None:
    if not message.keys() >= _ERROR:
        return f"an error without {sorted(_ERROR - message.keys())}"
    if message["code"] not in CODES:
        return f"an unknown code {message['code']!r}"
    if message["code"] == "INTERNAL":
        return "INTERNAL"
    if message["retryable"] and not isinstance(message["retry_after_ms"], int):
        return f"{message['code']} may be tried again, but when?"
    return None


def _subscribed_complaint(message: Fields) -> str | None:
    for snapshot in message["snapshots"]:
        if snapshot.keys() != SNAPSHOT:
            return f"a snapshot with {sorted(snapshot.keys() ^ SNAPSHOT)}"
        if not _PRICE.fullmatch(snapshot["current_price"]):
            return "a price that is none"
    if not all(type(auction_id) is int for auction_id in message["current"]):
        return "an id that is none"
    for each in message["rejected"]:
        if each.keys() != {"auction_id", "code"} or each["code"] not in CODES:
            return f"rejected with {each}"
    return None
