"""What /reservations takes, and models of what it answers.

A press is read by hand: it is the one body that comes by the thousand. The answers themselves are
plain dicts built in edge/rest/reservation_fields.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import Field

from edge.strict_json import load_json
from edge.wire.auction_answers import VenueAnswer
from edge.wire.auctions import REASON_CHARS_MAX, Cursor, Limit
from edge.wire.base import (
    Answer,
    Body,
    Id,
    IdIn,
    Instant,
    InstantIn,
    Price,
    PriceIn,
    Query,
    parse_price,
)
from engine.domain import rules
from engine.domain.ledger import ReservationStatus
from engine.domain.money import MoneyError, parse_minor
from engine.errors import FieldError, Invalid, RuleBroken

TYPED_CHARS_MAX: Final = 64
PAGE_DEFAULT: Final = 50

_ID_MAX: Final = 2**63 - 1
_DEPTH_MAX: Final = 1
_UNKNOWN_SHOWN_MAX: Final = 20

# --- a press -------------------------------------------------------------------------------------


class BookBody(Body):
    """A press of "Hemen Kap"; `Order` is what it is read into."""

    auction_id: IdIn
    user_id: IdIn | None = Field(None, description="The caller's own id; another's is refused")
    max_price: PriceIn | None = Field(None, description="Refuse when it costs more than this")


@dataclass(frozen=True, slots=True)
class Order:
    """A press of the right form."""

    auction_id: int
    user_id: int | None
    max_price: Decimal | None
    """As it was written: rules are judged by `max_price_minor`."""


_ORDER_FIELDS: Final = frozenset({"auction_id", "user_id", "max_price"})
_PLAIN_ORDER: Final = re.compile(
    rb'\{[ ]?"auction_id":[ ]?([1-9][0-9]{0,17})'
    rb'(?:,[ ]?"user_id":[ ]?([1-9][0-9]{0,17}))?'
    rb'(?:,[ ]?"max_price":[ ]?"([0-9]{1,12}(?:\.[0-9]{1,2})?)")?[ ]?\}'
)


def read_order(raw: bytes) -> Order:
    """The body of a press. Raises Invalid that names each field."""
    plain = _PLAIN_ORDER.fullmatch(raw)
    if plain is None:
        return read_any_order(raw)
    # As programs write it: reading it at leisure costs a twelfth of a refused booking.
    auction_id, user_id, max_price = plain.groups()
    return Order(
        int(auction_id),
        None if user_id is None else int(user_id),
        None if max_price is None else Decimal(max_price.decode()),
    )


def read_any_order(raw: bytes) -> Order:
    """The same, however it is written, and with everything that can be wrong with it."""
    body = load_json(raw, _DEPTH_MAX)
    if not isinstance(body, dict):
        raise Invalid(errors=(FieldError("", "TYPE"),))
    unknown = sorted(body.keys() - _ORDER_FIELDS)[:_UNKNOWN_SHOWN_MAX]
    wrong = [FieldError(name[:TYPED_CHARS_MAX], "UNKNOWN") for name in unknown]
    wrong += _id_mistakes(body, "auction_id", required=True)
    wrong += _id_mistakes(body, "user_id", required=False)
    max_price = body.get("max_price")
    if max_price is not None:
        try:
            max_price = parse_price(max_price)
        except ValueError:
            wrong.append(FieldError("max_price", "FORMAT"))
    if wrong:
        raise Invalid(errors=tuple(wrong))
    return Order(body["auction_id"], body.get("user_id"), max_price)


def _id_mistakes(body: Mapping[str, Any], name: str, *, required: bool) -> list[FieldError]:
    value = body.get(name)
    if value is None and (not required or name not in body):
        return [FieldError(name, "REQUIRED")] if required else []
    if type(value) is not int:  # to isinstance a bool is an int
        return [FieldError(name, "TYPE")]
    return [] if 1 <= value <= _ID_MAX else [FieldError(name, "RANGE")]


def max_price_minor(amount: Decimal | None) -> int | None:
    """The highest price a guest accepts, in minor units. Raises RuleBroken (RULE_PRICE_*)."""
    if amount is None:
        return None
    broken: list[rules.Broken] = []
    minor = 0
    try:
        minor = parse_minor(amount)
    except MoneyError as error:
        broken += rules.misread_amount("max_price", error)
    if amount <= 0:
        broken.append(rules.Broken(rules.RULE_PRICE_POSITIVE, "max_price"))
    if broken:
        raise RuleBroken(tuple(FieldError(b.field, b.code) for b in rules.in_order(broken)))
    return minor


# --- other questions -----------------------------------------------------------------------------


class CancelBody(Body):
    """Why a studio cancels a reservation; its guest is told."""

    reason: Annotated[str, Field(max_length=REASON_CHARS_MAX)] | None = None


class MyReservationsQuery(Query):
    """Which part of a guest's reservations."""

    limit: Limit = PAGE_DEFAULT
    cursor: Cursor | None = None


class StudioReservationsQuery(Query):
    """Which of a studio's reservations."""

    status: list[ReservationStatus] = Field(default=[], max_length=len(ReservationStatus))
    auction_id: Id | None = None
    scheduled_from: InstantIn | None = None
    scheduled_to: InstantIn | None = Field(None, description="Inclusive")
    q: Annotated[str, Field(min_length=1, max_length=TYPED_CHARS_MAX)] | None = Field(
        None, description="A booking code, or how it begins"
    )
    studio_id: Id | None = Field(None, description="Only, and always, for a platform_admin")
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor | None = None


# --- answers -------------------------------------------------------------------------------------


class ReservationAnswer(Answer):
    """A reservation."""

    id: Id
    auction_id: Id
    user_id: Id
    locked_price: Price
    currency: str
    booking_code: str
    status: ReservationStatus
    reserved_at: Instant = Field(description="The accepted instant: it decided price and order")
    revision: int
    seat_no: int
    cancellable_until: Instant = Field(description="Exclusive")


class TicketAnswer(ReservationAnswer):
    """A reservation and its class, as its guest sees them."""

    auction_title: str
    auction_description: str
    auction_start_time: Instant
    auction_end_time: Instant
    scheduled_at: Instant
    studio: VenueAnswer


class GuestAnswer(Answer):
    """Whose it is. A desk sees the first name and masked contacts."""

    name: str
    email: str
    phone: str | None


class DeskAnswer(TicketAnswer):
    """A reservation as its studio's people see it."""

    guest: GuestAnswer
    changed_at: Instant | None
    reason: str | None
    late_cancel: bool = Field(description="Cancelled by the studio after its own cut-off")


class MyReservationsAnswer(Answer):
    """A guest's reservations, the latest booked first; the next page is in the Link header."""

    user_id: Id
    reservations: list[TicketAnswer]
    count: int = Field(description="All of the user's, whatever the page")


class StudioReservationsAnswer(Answer):
    """A studio's reservations, the latest class first."""

    items: list[DeskAnswer]
    next_cursor: str | None
