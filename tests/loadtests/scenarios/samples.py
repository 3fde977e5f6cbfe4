"""A sale as the API and the live channel show it, to change where a test wants it otherwise."""

from typing import Any

from loadtests.scenarios.schedule import instant

STARTS_MS = 1_773_300_000_000
ENDS_MS = STARTS_MS + 60_000


def schedule(**changes: Any) -> dict[str, Any]:
    """From 400.00 down by 25.00 every 10 s, for a minute; never below 325.00."""
    fields = {
        "starts_at": instant(STARTS_MS),
        "ends_at": instant(ENDS_MS),
        "start_price": "400.00",
        "floor_price": "325.00",
        "drops": [{"from": instant(STARTS_MS), "every_ms": 10_000, "amount": "25.00"}],
    }
    return fields | changes


def snapshot(**changes: Any) -> dict[str, Any]:
    """Just started."""
    fields = {
        "auction_id": 7,
        "revision": 2,
        "step": 0,
        "status": "ACTIVE",
        "current_price": "400.00",
        "seats": 2,
        "seats_left": 2,
        "schedule": schedule(),
    }
    return fields | changes


def auction(**changes: Any) -> dict[str, Any]:
    """Two seats, both sold."""
    fields = {"id": 7, "seats": 2, "seats_left": 0, "status": "SOLD", "schedule": schedule()}
    return fields | changes


def reservation(number: int, **changes: Any) -> dict[str, Any]:
    """The nth seat's, booked by guest 10 + n after the first drop."""
    fields = {
        "id": 100 + number,
        "auction_id": 7,
        "user_id": 10 + number,
        "seat_no": number,
        "locked_price": "375.00",
        "booking_code": f"HOT-222{number}",
        "status": "PENDING_ON_SITE",
        "reserved_at": instant(STARTS_MS + 10_000 + number),
    }
    return fields | changes
