"""POST /reservations/book: a guest presses "Hemen Kap".

The hot path. All it does is read the press, see that the guest may press at all, ask the auction
and show the answer; who wins, at which price, and what a retried key gets is the engine's to say.
"""

from typing import Final

from edge.rest.reservation_fields import booked_fields
from edge.routing import Access, Call, Lane, Reply, Route
from edge.wire.reservations import (
    BookBody,
    Order,
    ReservationAnswer,
    max_price_minor,
    read_order,
)
from engine.catalog.auctions import Mailboxes
from engine.domain.messages import Book, Booked
from engine.errors import (
    AlreadyYours,
    Busy,
    Cancelled,
    Draining,
    EmailUnverified,
    Expired,
    Forbidden,
    KeyReused,
    LimitReached,
    NoOwner,
    NotEligible,
    NotFound,
    NotStarted,
    Overlapping,
    PriceAboveMax,
    RebookRefused,
    RuleBroken,
    Sold,
    UnknownOutcome,
)

TAG: Final = "reservations"
_REPLAYED: Final = {"Idempotency-Replayed": "true"}
_CODES: Final = (
    EmailUnverified,
    RuleBroken,
    NotFound,
    KeyReused,
    AlreadyYours,
    RebookRefused,
    NotStarted,
    Cancelled,
    Sold,
    Expired,
    NotEligible,
    Overlapping,
    LimitReached,
    PriceAboveMax,
    Busy,
    NoOwner,
    Draining,
    UnknownOutcome,
)


def routes(mailboxes: Mailboxes) -> tuple[Route, ...]:
    """The one route of this page."""

    async def book(call: Call) -> Reply:
        guest, order = call.user, call.body
        assert isinstance(order, Order), "the route's parse makes it"
        if order.user_id not in (None, guest.user_id):
            raise Forbidden()
        if not guest.verified:
            raise EmailUnverified()
        max_price = max_price_minor(order.max_price)
        press = Book(guest.user_id, guest.gender, call.key, max_price)
        booked = await mailboxes.ask(order.auction_id, press)
        assert isinstance(booked, Booked), "a press is answered with a booking"
        return Reply(201, booked_fields(booked), _REPLAYED if booked.replayed else {})

    return (
        Route(
            method="POST",
            path="/reservations/book",
            handler=book,
            access=Access.CUSTOMER,
            summary="Book a seat at the price of this instant",
            tag=TAG,
            body=BookBody,
            parse=read_order,
            status=201,
            answer=ReservationAnswer,
            codes=_CODES,
            lane=Lane.BOOK,
        ),
    )
