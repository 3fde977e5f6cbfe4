"""The vocabulary: what enters an auction's mailbox, and what comes back.

Read this file first. Messages are what somebody asks of one auction; every change to a published
auction is one of them. Replies are what the asker hears when the answer is yes; a no is an error of
engine/errors.py. Instants are never in a message: the mailbox stamps its arrival.
"""

from dataclasses import dataclass
from enum import StrEnum

from engine.domain.auction import AllowedGender, Auction
from engine.domain.ledger import Reservation
from engine.domain.terms import Terms


@dataclass(frozen=True, slots=True)
class Arrival:
    """When and in which order a message entered the mailbox: what decides races."""

    at_ms: int
    seq: int


# --- what enters -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Book:
    """A guest presses "Hemen Kap". `max_price` in minor units: refuse when it costs more."""

    user_id: int
    gender: str | None = None
    key: str | None = None
    max_price: int | None = None


@dataclass(frozen=True, slots=True)
class GiveBack:
    """A guest gives the seat back."""

    reservation_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class CancelSeat:
    """The studio cancels one reservation."""

    reservation_id: int
    by: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CheckIn:
    """The guest is here: COMPLETED."""

    reservation_id: int
    by: int


@dataclass(frozen=True, slots=True)
class NoShow:
    """The guest did not come. `by` is None when the clock says so, a day after the class."""

    reservation_id: int
    by: int | None


@dataclass(frozen=True, slots=True)
class Undo:
    """Take back a check-in or a no-show."""

    reservation_id: int
    by: int


@dataclass(frozen=True, slots=True)
class TriggerTurbo:
    """Staff ask for turbo; with `force` before its time."""

    by: int
    force: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """Staff change the sale: the wanted facts, whole. `if_revision`: nobody else has meanwhile."""

    by: int
    title: str
    description: str
    allowed_gender: AllowedGender
    terms: Terms
    if_revision: int | None = None


@dataclass(frozen=True, slots=True)
class CancelAuction:
    """Staff cancel the class: its reservations are cancelled with it."""

    by: int
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Nothing but the present public facts, transitions that are due included."""


ReservationMessage = GiveBack | CancelSeat | CheckIn | NoShow | Undo
ControlMessage = TriggerTurbo | Edit | CancelAuction
"""Staff's messages: they have places of their own in the mailbox and never hear BUSY in a rush."""
Message = Book | ReservationMessage | ControlMessage | Look


# --- what comes back ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Booked:
    """The seat is the guest's, durably. `replayed`: the answer to a key that was used before."""

    reservation: Reservation
    currency: str
    cancellable_until_ms: int
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class ReservationChanged:
    """The reservation as it is now."""

    reservation: Reservation


class TurboReason(StrEnum):
    """Why turbo was, or was not, triggered."""

    CONDITION_MET = "turbo_condition_met"
    FORCED = "turbo_forced"
    CONDITION_NOT_MET = "turbo_condition_not_met"
    ALREADY_TRIGGERED = "turbo_already_triggered"
    NOT_ENABLED = "turbo_not_enabled"
    NOT_ACTIVE = "auction_not_active"


@dataclass(frozen=True, slots=True)
class TurboAnswer:
    """`remaining_minutes`: whole minutes to the end of the sale."""

    triggered: bool
    reason: TurboReason
    turbo_started_at_ms: int | None
    remaining_minutes: int


@dataclass(frozen=True, slots=True)
class AuctionIs:
    """The auction as it is now."""

    auction: Auction


Reply = Booked | ReservationChanged | TurboAnswer | AuctionIs
