"""What goes out to watchers, encoded once, here: the wire's names, instants and prices.

A public frame is built from `Auction`, which holds no guest; a personal one from a reservation, and
only its own guest's sockets get it. `encode` is the only place where frames become bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from engine.domain.auction import Auction
from engine.domain.decision import Event, EventKind, Notice
from engine.domain.ledger import Reservation
from engine.domain.money import format_minor
from engine.domain.pricing import PriceSchedule

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Frame:
    """One message, ready to be written: `payload` is UTF-8 JSON.

    Latest-value frames (prices) may be superseded by newer ones of their kind, significant ones
    never but by a full snapshot. Personal frames carry no revision.
    """

    kind: str
    payload: bytes
    auction_id: int | None = None
    revision: int = 0
    step: int = 0
    full: bool = False
    """It holds a whole snapshot, so a watcher needs nothing older."""


def instant(ms: int) -> str:
    """ISO-8601 UTC with milliseconds: 2026-03-01T18:30:00.000Z."""
    return f"{_second(ms // 1000)}.{ms % 1000:03d}Z"


@lru_cache(maxsize=4_096)
def _second(s: int) -> str:
    """Frames of one moment name few seconds: remembering them is 4 times as fast."""
    return (_EPOCH + timedelta(seconds=s)).strftime("%Y-%m-%dT%H:%M:%S")


def optional_instant(ms: int | None) -> str | None:
    """`instant`, or null."""
    return None if ms is None else instant(ms)


def schedule_fields(schedule: PriceSchedule) -> Fields:
    """All a client needs to draw every drop by itself."""
    return {
        "starts_at": instant(schedule.starts_at_ms),
        "ends_at": instant(schedule.ends_at_ms),
        "start_price": format_minor(schedule.start_price),
        "floor_price": format_minor(schedule.floor_price),
        "drops": [
            {
                "from": instant(drop.from_ms),
                "every_ms": drop.every_ms,
                "amount": format_minor(drop.amount),
            }
            for drop in schedule.drops
        ],
    }


def next_fields(auction: Auction, now_ms: int) -> Fields:
    """The next lower price and when, both null if there will be none."""
    change = auction.next_change_after(now_ms)
    if change is None:
        return {"next_price": None, "next_drop_at": None}
    return {"next_price": format_minor(change.price), "next_drop_at": instant(change.at_ms)}


def snapshot(auction: Auction, now_ms: int, watchers: int) -> Fields:
    """The whole public state at an instant, on the live channel."""
    return {
        "auction_id": auction.id,
        "revision": auction.revision,
        "step": auction.step_at(now_ms),
        "status": auction.status_at(now_ms).value,
        "current_price": format_minor(auction.price_at(now_ms)),
        "currency": auction.currency,
        "seats": auction.terms.seats,
        "seats_left": auction.seats_left,
        "schedule": schedule_fields(auction.schedule),
        "turbo_started_at": optional_instant(auction.turbo_started_by(now_ms)),
        **next_fields(auction, now_ms),
        "watchers": watchers,
        "server_time": instant(now_ms),
    }


def short_snapshot(auction: Auction, now_ms: int) -> Fields:
    """One row of the lobby."""
    change = auction.next_change_after(now_ms)
    return {
        "auction_id": auction.id,
        "revision": auction.revision,
        "step": auction.step_at(now_ms),
        "status": auction.status_at(now_ms).value,
        "title": auction.title,
        "studio_id": auction.studio_id,
        "current_price": format_minor(auction.price_at(now_ms)),
        "seats_left": auction.seats_left,
        "next_drop_at": None if change is None else instant(change.at_ms),
        "ends_at": instant(auction.terms.ends_at_ms),
        "turbo": auction.turbo_started_by(now_ms) is not None,
    }


def remaining_minutes(auction: Auction, at_ms: int) -> int:
    """Whole minutes from an instant to the end of the sale."""
    return max(0, auction.terms.ends_at_ms - at_ms) // 60_000


def price_update(auction: Auction, now_ms: int, at_ms: int) -> Frame:
    """A scheduled drop took effect at `at_ms`; the price is that of now."""
    step = auction.step_at(now_ms)
    fields = {
        "type": "price_update",
        "auction_id": auction.id,
        "revision": auction.revision,
        "step": step,
        "at": instant(at_ms),
        "current_price": format_minor(auction.price_at(now_ms)),
        **next_fields(auction, now_ms),
    }
    return Frame("price_update", encode(fields), auction.id, auction.revision, step)


def significant(event: Event, now_ms: int, watchers: int) -> Frame:
    """The frame of one committed event."""
    if event.kind is EventKind.BOOKED:
        return _booked(event)
    if event.kind is EventKind.TURBO_TRIGGERED:
        extra: Fields = {"remaining_minutes": remaining_minutes(event.after, event.at_ms)}
        return _full("turbo_triggered", event.after, now_ms, watchers, event.at_ms, extra)
    reason = {"reason": event.kind.value}
    return _full("auction_updated", event.after, now_ms, watchers, event.at_ms, reason)


def resync(auction: Auction, now_ms: int, watchers: int) -> Frame:
    """The present state, for whoever may have missed something."""
    return _full("auction_updated", auction, now_ms, watchers, now_ms, {"reason": "resync"})


def _booked(event: Event) -> Frame:
    auction = event.after
    step = auction.step_at(event.at_ms)
    fields = {
        "type": "auction_booked",
        "auction_id": auction.id,
        "revision": auction.revision,
        "step": step,
        "at": instant(event.at_ms),
        "price": format_minor(event.price),
        "seats_left": auction.seats_left,
        "status": auction.status.value,
    }
    return Frame("auction_booked", encode(fields), auction.id, auction.revision, step)


def _full(
    kind: str, auction: Auction, now_ms: int, watchers: int, at_ms: int, extra: Mapping[str, Any]
) -> Frame:
    fields = {"type": kind, **snapshot(auction, now_ms, watchers), "at": instant(at_ms), **extra}
    payload = encode(fields)
    return Frame(kind, payload, auction.id, auction.revision, fields["step"], full=True)


def reservation_fields(
    reservation: Reservation, currency: str, cancellable_until_ms: int
) -> Fields:
    """A reservation for its own guest, under the names of the REST answer."""
    return {
        "id": reservation.id,
        "auction_id": reservation.auction_id,
        "user_id": reservation.user_id,
        "locked_price": format_minor(reservation.price),
        "currency": currency,
        "booking_code": reservation.code,
        "status": reservation.status.value,
        "reserved_at": instant(reservation.accepted_at_ms),
        "revision": reservation.revision,
        "seat_no": reservation.seat_no,
        "cancellable_until": instant(cancellable_until_ms),
    }


def notice_fields(notice: Notice, auction: Auction) -> Fields:
    """A notice's public part, as the outbox keeps it and the personal frame shows it."""
    reservation = notice.reservation
    until_ms = auction.cancellable_until_ms(reservation.accepted_at_ms)
    fields = reservation_fields(reservation, auction.currency, until_ms)
    if notice.reason is not None:
        fields["reason"] = notice.reason
    return {**fields, "at": instant(notice.at_ms)}


def personal(kind: str, event_id: int, fields: Mapping[str, Any]) -> Frame:
    """A frame for one guest's own sockets, built from what the outbox holds."""
    return Frame(kind, encode({"type": kind, "event_id": event_id, **fields}))


def encode(fields: Mapping[str, Any]) -> bytes:
    """Fields to the bytes that travel."""
    return orjson.dumps(fields)
