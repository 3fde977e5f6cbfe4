"""Reservations as the catalog reads them, each with what its ticket and its mail show.

There is nothing to write through this door: whatever becomes of a reservation is decided by its
auction's actor and committed with it (ports/commit.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.domain.auction import Auction
from engine.domain.ledger import Reservation, ReservationStatus
from engine.ports.auctions import Venue


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose reservations somebody may see: those of a guest and those of a studio, or all.

    What is outside is not there: no method tells a foreign reservation from none.
    """

    user_id: int | None = None
    studio_id: int | None = None
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class Guest:
    """Who holds a reservation, and how to reach them."""

    full_name: str
    email: str
    phone: str | None
    reachable: bool
    """False for an account that was erased: there is nobody to write to."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A reservation, the sale it is from (as committed), where the class is, and whose it is."""

    reservation: Reservation
    auction: Auction
    venue: Venue
    guest: Guest
    token: str
    """What the QR proves: 128 bits, 32 hexadecimal digits in lower case."""
    reason: str | None
    """What was said when its status last changed."""
    late_cancel: bool
    """Cancelled by the studio after its own cut-off."""

    @property
    def cancellable_until_ms(self) -> int:
        """Up to here (exclusive) its guest may give it back."""
        return self.auction.cancellable_until_ms(self.reservation.accepted_at_ms)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list: just after the row with this instant and reservation id."""

    at_ms: int
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a studio's list shows; None or empty: everything."""

    statuses: frozenset[ReservationStatus] = frozenset()
    auction_id: int | None = None
    class_from_ms: int | None = None
    class_to_ms: int | None = None
    """Inclusive."""
    code_start: str | None = None
    """The code, or how it begins: "HOT-7K"."""


class ReservationStore(Protocol):
    """Every method raises Busy when the database is away."""

    async def one(self, reservation_id: int, scope: Scope) -> Ticket | None:
        """One reservation of the scope."""

    async def under_code(self, code: str, scope: Scope) -> Ticket | None:
        """The reservation of the scope for which this code is in use."""

    async def of_user(
        self, user_id: int, after: Position | None, limit: int
    ) -> tuple[Sequence[Ticket], int]:
        """A guest's reservations, the latest booked first, and how many there are in all.

        Positions hold the accepted instant. At most two statements.
        """

    async def of_studio(
        self, studio_id: int, filters: Filters, after: Position | None, limit: int
    ) -> Sequence[Ticket]:
        """A studio's reservations, the latest class first. Positions hold the class's instant."""

    async def edits_since(self, auction_id: int, revision: int) -> int:
        """How often a sale's words or hours were edited after a revision."""
