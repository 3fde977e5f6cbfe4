"""One press of "Hemen Kap": refused in a fixed order, or the seat at the price of its instant."""

from dataclasses import replace

from engine.domain.auction import Status
from engine.domain.decision import Decision, Draw, Event, EventKind, Notice, NoticeKind, State
from engine.domain.ledger import Reservation
from engine.domain.messages import Arrival, Book, Booked
from engine.errors import (
    AlreadyYours,
    Cancelled,
    Expired,
    KeyReused,
    NotEligible,
    NotStarted,
    PriceAboveMax,
    RebookRefused,
    Refused,
    Sold,
)


def book(state: State, message: Book, arrival: Arrival, draw: Draw) -> Decision:
    """Sell the seat, or say why not. The key comes first: a retry hears what was decided then."""
    replay = _replayed(state, message)
    if replay is not None:
        return Decision(state, replay)
    refused = refusal(state, message, arrival)
    if refused is not None:
        return Decision(state, refused)
    return _sell(state, message, arrival, draw)


def confirmation(state: State, sold: Reservation, *, replayed: bool) -> Booked:
    """The answer for a seat that is the guest's."""
    auction = state.auction
    until = auction.cancellable_until_ms(sold.accepted_at_ms)
    return Booked(sold, auction.currency, until, replayed)


def _replayed(state: State, message: Book) -> Booked | KeyReused | None:
    earlier = state.ledger.under_key(message.user_id, message.key)
    if earlier is None:
        return None
    if earlier.max_price != message.max_price:
        return KeyReused()
    return confirmation(state, earlier, replayed=True)


def refusal(state: State, message: Book, arrival: Arrival) -> Refused | None:
    """Why this press gets no seat, whatever its key; None: it gets one."""
    auction, now_ms = state.auction, arrival.at_ms
    own = state.ledger.of_user(message.user_id)
    if own is not None and own.holds_seat:
        return AlreadyYours(own.id)
    if own is not None and own.given_back:
        return RebookRefused()
    match auction.status:
        case Status.DRAFT | Status.SCHEDULED:
            return NotStarted()
        case Status.CANCELLED:
            return Cancelled()
        case Status.SOLD:
            assert auction.frozen_at_ms is not None, "SOLD has its instant"
            return Sold(sold_at_ms=auction.frozen_at_ms, accepted_at_ms=now_ms)
        case Status.EXPIRED:
            return Expired()
        case Status.ACTIVE:
            pass
    if not auction.admits(message.gender):
        return NotEligible()
    price = auction.price_at(now_ms)
    if message.max_price is not None and price > message.max_price:
        step = auction.step_at(now_ms)
        return PriceAboveMax(
            price=price, currency=auction.currency, revision=auction.revision, step=step
        )
    return None


def _sell(state: State, message: Book, arrival: Arrival, draw: Draw) -> Decision:
    before, now_ms = state.auction, arrival.at_ms
    assert before.status is Status.ACTIVE
    assert before.seats_left > 0, "an ACTIVE sale has a seat left"
    price, left = before.price_at(now_ms), before.seats_left - 1
    auction = replace(
        before,
        revision=before.revision + 1,
        seats_left=left,
        status=Status.ACTIVE if left else Status.SOLD,
        frozen_at_ms=None if left else now_ms,
    )
    sold = Reservation(
        id=draw.reservation_id(),
        auction_id=auction.id,
        user_id=message.user_id,
        seat_no=state.ledger.free_seat(),
        price=price,
        max_price=message.max_price,
        code=draw.code(),
        key=message.key,
        revision=auction.revision,
        accepted_at_ms=now_ms,
    )
    detail = {"reservation_id": sold.id, "seat_no": sold.seat_no, "seq": arrival.seq}
    actor = f"user:{message.user_id}"
    event = Event(EventKind.BOOKED, now_ms, auction, price, actor, detail)
    notice = Notice(draw.notice_id(), NoticeKind.BOOKING_CONFIRMED, sold, now_ms)
    after = State(auction, state.ledger.booked(sold))
    return Decision(
        after,
        confirmation(after, sold, replayed=False),
        events=(event,),
        booked=(sold,),
        notices=(notice,),
    )
