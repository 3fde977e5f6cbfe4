"""Rows and frames as the server sends them, for tests of what is made of them."""

from typing import Any

from edge.demo.sale import Sale
from engine.frames import instant

START_MS = 1_800_000_000_000
"""A Friday morning in January 2027."""
END_MS = START_MS + 100_000


def schedule(turbo: bool = True) -> dict[str, Any]:
    """From 500 to 300: 5 less every 5 s, 4 more each second in the last 20 s."""
    drops = [{"from": instant(START_MS), "every_ms": 5_000, "amount": "5.00"}]
    if turbo:
        drops.append({"from": instant(END_MS - 20_000), "every_ms": 1_000, "amount": "4.00"})
    return {
        "starts_at": instant(START_MS),
        "ends_at": instant(END_MS),
        "start_price": "500.00",
        "floor_price": "300.00",
        "drops": drops,
    }


def state(**fields: Any) -> dict[str, Any]:
    """What a row and a snapshot have in common."""
    return {
        "revision": 2,
        "step": 0,
        "status": "ACTIVE",
        "current_price": "500.00",
        "currency": "TRY",
        "seats": 2,
        "seats_left": 2,
        "schedule": schedule(),
        "turbo_started_at": None,
        "next_price": "495.00",
        "next_drop_at": instant(START_MS + 5_000),
        **fields,
    }


def row(auction_id: int = 1, **fields: Any) -> dict[str, Any]:
    """One auction of the list."""
    return {
        "id": auction_id,
        "title": "Yin Yoga",
        "studio": {"id": 4, "name": "Mor Menekşe Yoga"},
        "allowed_gender": "ANY",
        "start_time": instant(START_MS),
        "end_time": instant(END_MS),
        **state(**fields),
    }


def snapshot(auction_id: int = 1, **fields: Any) -> dict[str, Any]:
    """One auction of the live channel."""
    now = {"watchers": 3, "server_time": instant(START_MS)}
    return {"auction_id": auction_id, **state(**fields), **now}


def drop(step: int, price: str, auction_id: int = 1, revision: int = 2) -> dict[str, Any]:
    """A scheduled drop, at its instant."""
    return {
        "type": "price_update",
        "auction_id": auction_id,
        "revision": revision,
        "step": step,
        "at": instant(START_MS + step * 5_000),
        "current_price": price,
        "next_price": "1.00",
        "next_drop_at": instant(START_MS + (step + 1) * 5_000),
    }


def booked(
    revision: int, seats_left: int, price: str = "495.00", auction_id: int = 1
) -> dict[str, Any]:
    """Somebody has a seat."""
    return {
        "type": "auction_booked",
        "auction_id": auction_id,
        "revision": revision,
        "step": 1,
        "at": instant(START_MS + 6_000),
        "price": price,
        "seats_left": seats_left,
        "status": "ACTIVE" if seats_left else "SOLD",
    }


def updated(reason: str, auction_id: int = 1, **fields: Any) -> dict[str, Any]:
    """A change that comes with the whole state."""
    at = {"at": fields.pop("at", instant(START_MS))}
    return {"type": "auction_updated", "reason": reason, **snapshot(auction_id, **fields), **at}


def turbo(revision: int = 3, **fields: Any) -> dict[str, Any]:
    """Turbo has started."""
    at = instant(END_MS - 20_000)
    changed = {"revision": revision, "step": 16, "turbo_started_at": at, **fields}
    return {"type": "turbo_triggered", **snapshot(**changed), "at": at, "remaining_minutes": 0}


def sale(**fields: Any) -> Sale:
    """A sale as a client holds it."""
    return Sale.of_row(row(**fields))
