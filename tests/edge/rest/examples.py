"""A sale to look at, without a database."""

from typing import Any

from engine.domain.auction import AllowedGender, Auction, Status
from engine.domain.terms import Terms, TurboTerms
from engine.ports.auctions import Listed, Venue

NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
MINUTE_MS, HOUR_MS = 60_000, 3_600_000


def terms(*, turbo: bool = False) -> Terms:
    """500.00 to 100.00 in two hours from noon, 50.00 each hour; turbo for the last half hour."""
    return Terms(
        start_price=50_000,
        floor_price=10_000,
        drop_amount=5_000,
        drop_every_ms=HOUR_MS,
        starts_at_ms=NOON_MS,
        ends_at_ms=NOON_MS + 2 * HOUR_MS,
        class_at_ms=NOON_MS + 3 * HOUR_MS,
        seats=2,
        turbo=TurboTerms(2_000, 30 * MINUTE_MS, 5 * MINUTE_MS) if turbo else None,
    )


def listed(*, turbo: bool = False, **changes: Any) -> Listed:
    """That sale, running, in a studio."""
    facts: dict[str, Any] = {
        "id": 7,
        "studio_id": 3,
        "title": "Yoga",
        "description": "",
        "currency": "TRY",
        "allowed_gender": AllowedGender.ANY,
        "cancel_cutoff_ms": 7_200_000,
        "no_show_grace_ms": 900_000,
        "terms": terms(turbo=turbo),
        "status": Status.ACTIVE,
        "revision": 2,
        "seats_left": 2,
    }
    venue = Venue(3, "Moda Dans", "Moda Cad. 1", "https://maps.example.org/x", "Europe/Istanbul")
    return Listed(Auction(**(facts | changes)), venue, 1)
