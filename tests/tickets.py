"""A ticket as a value, for tests that need no database."""

from dataclasses import replace
from typing import Any

from engine.domain.auction import AllowedGender, Auction, Status
from engine.domain.ledger import Reservation
from engine.domain.terms import Terms
from engine.ports.auctions import Venue
from engine.ports.reservations import Guest, Ticket

BOOKED_AT_MS = 1_773_300_000_000
"""2026-03-12, 10:20 in Istanbul."""
CLASS_AT_MS = BOOKED_AT_MS + 29_400_000
"""The same day, 18:30 in Istanbul."""

_TERMS = Terms(
    start_price=50_000,
    floor_price=10_000,
    drop_amount=500,
    drop_every_ms=3_600_000,
    starts_at_ms=BOOKED_AT_MS - 3_600_000,
    ends_at_ms=CLASS_AT_MS - 3_600_000,
    class_at_ms=CLASS_AT_MS,
    seats=3,
    turbo=None,
)
_AUCTION = Auction(
    id=7,
    studio_id=3,
    title="Akşam Yogası",
    description="Mat getirin",
    currency="TRY",
    allowed_gender=AllowedGender.ANY,
    cancel_cutoff_ms=7_200_000,
    no_show_grace_ms=900_000,
    terms=_TERMS,
    status=Status.ACTIVE,
    revision=3,
    seats_left=2,
)
_RESERVATION = Reservation(
    id=2001,
    auction_id=7,
    user_id=11,
    seat_no=1,
    price=41_250,
    max_price=None,
    code="HOT-7K2M",
    key=None,
    revision=3,
    accepted_at_ms=BOOKED_AT_MS,
)
_TICKET = Ticket(
    reservation=_RESERVATION,
    auction=_AUCTION,
    venue=Venue(
        3, "Moda Dans", "Moda Cad. 1, Kadıköy", "https://maps.example/?q=1&z=2", "Europe/Istanbul"
    ),
    guest=Guest("Ayşe Nur Yılmaz", "ayse@mail.example.com", "+905321234567", reachable=True),
    token="00112233445566778899aabbccddeeff",
    reason=None,
    late_cancel=False,
)


def ticket_of(
    *,
    reservation: dict[str, Any] | None = None,
    auction: dict[str, Any] | None = None,
    venue: dict[str, Any] | None = None,
    guest: dict[str, Any] | None = None,
    **own: Any,
) -> Ticket:
    """A booked seat for 412.50 TRY; only what matters has to be said."""
    return replace(
        _TICKET,
        reservation=replace(_RESERVATION, **(reservation or {})),
        auction=replace(_AUCTION, **(auction or {})),
        venue=replace(_TICKET.venue, **(venue or {})),
        guest=replace(_TICKET.guest, **(guest or {})),
        **own,
    )
