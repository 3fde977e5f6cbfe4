"""What a decision is made of: the state before and after, and the rows that make it durable.

A `Decision` is complete: committing exactly its events, bookings, moves and notices, and nothing
else, turns the stored auction from the state before into `state`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from engine.domain.auction import Auction
from engine.domain.ledger import Ledger, Reservation, ReservationStatus
from engine.domain.messages import Reply
from engine.errors import Refused

CLOCK = "clock"
"""The actor of an event nobody asked for: its time had come."""


@dataclass(frozen=True, slots=True)
class State:
    """All an actor knows: what everybody may see, and who holds the seats."""

    auction: Auction
    ledger: Ledger


class EventKind(StrEnum):
    """The significant changes of a sale: one revision, one event row, one frame each."""

    PUBLISHED = "published"
    ACTIVATED = "activated"
    TURBO_TRIGGERED = "turbo_triggered"
    BOOKED = "booked"
    RELISTED = "relisted"
    EDITED = "edited"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Event:
    """A significant change. `after` is public; `actor` and `detail` are the studio's alone."""

    kind: EventKind
    at_ms: int
    """When it took effect: the scheduled instant for start, turbo and end."""
    after: Auction
    price: int
    """Minor units at `at_ms`; of a booking, the locked price."""
    actor: str = CLOCK
    detail: Mapping[str, str | int | None] | None = None

    @property
    def revision(self) -> int:
        return self.after.revision


@dataclass(frozen=True, slots=True)
class Move:
    """One reservation's status changes, by compare-and-set: it must still be `was`."""

    was: ReservationStatus
    after: Reservation
    by: int | None
    """The account that asked; None for the clock."""
    reason: str | None = None
    late: bool = False
    """Cancelled by the studio after its own cut-off."""


class NoticeKind(StrEnum):
    """What a guest is told, on the personal channel and by mail."""

    BOOKING_CONFIRMED = "booking_confirmed"
    RESERVATION_UPDATED = "reservation_updated"


@dataclass(frozen=True, slots=True)
class Notice:
    """A fact for one guest. `id` is the event_id by which receivers drop repeats."""

    id: int
    kind: NoticeKind
    reservation: Reservation
    at_ms: int
    reason: str | None = None


class Draw(Protocol):
    """Chance and numbering, as an argument."""

    def reservation_id(self) -> int:
        """An id no other reservation has."""

    def notice_id(self) -> int:
        """An id no other notice has."""

    def code(self) -> str:
        """A booking code that no live reservation is known to have."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from one message, or from the clock alone (`reply` is None then)."""

    state: State
    reply: Reply | Refused | None = None
    events: tuple[Event, ...] = ()
    booked: tuple[Reservation, ...] = ()
    moved: tuple[Move, ...] = ()
    notices: tuple[Notice, ...] = ()

    @property
    def changes(self) -> bool:
        """Is there anything to commit?"""
        return bool(self.events or self.moved)

    def after(self, earlier: "Decision") -> "Decision":
        """This decision with what was decided just before it: one whole."""
        return replace(
            self,
            events=earlier.events + self.events,
            booked=earlier.booked + self.booked,
            moved=earlier.moved + self.moved,
            notices=earlier.notices + self.notices,
        )
