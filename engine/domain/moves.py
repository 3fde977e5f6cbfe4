"""The life of a reservation after the sale: given back, cancelled, checked in, missed, undone.

PENDING_ON_SITE -> COMPLETED | NO_SHOW | CANCELLED; COMPLETED | NO_SHOW -> PENDING_ON_SITE within
the undo window. Every other move is refused. A seat that comes back while the sale could still go
on is sold again at the schedule's price; after the end it only counts as free.
"""

from dataclasses import replace
from typing import assert_never

from engine.domain.auction import Auction, Status
from engine.domain.decision import (
    Decision,
    Draw,
    Event,
    EventKind,
    Move,
    Notice,
    NoticeKind,
    State,
)
from engine.domain.ledger import Reservation, ReservationStatus
from engine.domain.messages import (
    Arrival,
    CancelSeat,
    CheckIn,
    GiveBack,
    NoShow,
    ReservationChanged,
    ReservationMessage,
    Undo,
)
from engine.errors import NotFound, TooLate, TransitionRefused

UNDO_MS = 10 * 60_000
"""A check-in or a no-show can be taken back this long."""

_PENDING = ReservationStatus.PENDING_ON_SITE


def move(state: State, message: ReservationMessage, arrival: Arrival, draw: Draw) -> Decision:
    """Move one reservation of this auction; a reservation that is not its is not found."""
    reservation = state.ledger.by_id.get(message.reservation_id)
    if reservation is None:
        return Decision(state, NotFound())
    now_ms = arrival.at_ms
    match message:
        case GiveBack():
            return _give_back(state, message, reservation, now_ms, draw)
        case CancelSeat():
            return _cancel(state, message, reservation, now_ms, draw)
        case CheckIn(by=by):
            return _set(state, reservation, ReservationStatus.COMPLETED, by, now_ms)
        case NoShow(by=by):
            return _no_show(state, reservation, by, now_ms)
        case Undo(by=by):
            return _undo(state, reservation, by, now_ms)
        case _:
            assert_never(message)


def _give_back(
    state: State, message: GiveBack, reservation: Reservation, now_ms: int, draw: Draw
) -> Decision:
    if reservation.user_id != message.user_id:
        return Decision(state, NotFound())
    if reservation.status is ReservationStatus.CANCELLED:
        return Decision(state, ReservationChanged(reservation))
    if reservation.status is not _PENDING:
        return Decision(state, TransitionRefused())
    if now_ms >= state.auction.cancellable_until_ms(reservation.accepted_at_ms):
        return Decision(state, TooLate())
    after = replace(
        reservation,
        status=ReservationStatus.CANCELLED,
        changed_at_ms=now_ms,
        given_back=True,
    )
    return _seat_back(state, Move(_PENDING, after, message.user_id), now_ms, draw)


def _cancel(
    state: State, message: CancelSeat, reservation: Reservation, now_ms: int, draw: Draw
) -> Decision:
    if reservation.status is not _PENDING:
        return Decision(state, TransitionRefused())
    auction = state.auction
    late = now_ms >= auction.terms.class_at_ms - auction.cancel_cutoff_ms
    after = replace(reservation, status=ReservationStatus.CANCELLED, changed_at_ms=now_ms)
    return _seat_back(state, Move(_PENDING, after, message.by, message.reason, late), now_ms, draw)


def _no_show(state: State, reservation: Reservation, by: int | None, now_ms: int) -> Decision:
    if now_ms < state.auction.terms.class_at_ms + state.auction.no_show_grace_ms:
        return Decision(state, TransitionRefused("The grace after the class's start is not over."))
    return _set(state, reservation, ReservationStatus.NO_SHOW, by, now_ms)


def _set(
    state: State, reservation: Reservation, becomes: ReservationStatus, by: int | None, now_ms: int
) -> Decision:
    if reservation.status is not _PENDING:
        return Decision(state, TransitionRefused())
    after = replace(reservation, status=becomes, changed_at_ms=now_ms)
    return _silent(state, Move(_PENDING, after, by))


def _undo(state: State, reservation: Reservation, by: int, now_ms: int) -> Decision:
    if reservation.status not in (ReservationStatus.COMPLETED, ReservationStatus.NO_SHOW):
        return Decision(state, TransitionRefused())
    if state.auction.status is Status.CANCELLED:
        return Decision(state, TransitionRefused("There is no class to wait for."))
    assert reservation.changed_at_ms is not None, "a moved reservation knows when"
    if now_ms - reservation.changed_at_ms > UNDO_MS:
        return Decision(state, TooLate())
    after = replace(reservation, status=_PENDING, changed_at_ms=now_ms)
    return _silent(state, Move(reservation.status, after, by))


def _silent(state: State, moved: Move) -> Decision:
    """A move nobody watches: no revision, guarded by the reservation's status alone."""
    after = replace(state, ledger=state.ledger.changed(moved.after))
    return Decision(after, ReservationChanged(moved.after), moved=(moved,))


def _seat_back(state: State, moved: Move, now_ms: int, draw: Draw) -> Decision:
    reservation = moved.after
    notice = notice_of(moved, now_ms, draw)
    ledger = state.ledger.changed(reservation)
    auction = replace(state.auction, seats_left=state.auction.seats_left + 1)
    events: tuple[Event, ...] = ()
    if _goes_on(state.auction, now_ms):
        auction = replace(
            auction, status=Status.ACTIVE, frozen_at_ms=None, revision=auction.revision + 1
        )
        events = (_relisted(auction, moved, now_ms),)
    return Decision(
        State(auction, ledger),
        ReservationChanged(reservation),
        events=events,
        moved=(moved,),
        notices=(notice,),
    )


def _goes_on(auction: Auction, now_ms: int) -> bool:
    in_time = now_ms < auction.terms.ends_at_ms
    return in_time and auction.status in (Status.ACTIVE, Status.SOLD)


def _relisted(auction: Auction, moved: Move, now_ms: int) -> Event:
    detail: dict[str, str | int | None] = {
        "reservation_id": moved.after.id,
        "reason": moved.reason,
    }
    return Event(
        EventKind.RELISTED,
        now_ms,
        auction,
        auction.price_at(now_ms),
        f"user:{moved.by}",
        detail,
    )


def notice_of(moved: Move, now_ms: int, draw: Draw) -> Notice:
    """What the guest of a moved reservation is told."""
    kind = NoticeKind.RESERVATION_UPDATED
    return Notice(draw.notice_id(), kind, moved.after, now_ms, moved.reason)
