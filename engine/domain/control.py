"""What staff may do to a running sale: turbo, edit, cancel the class."""

from collections.abc import Callable
from dataclasses import replace

from engine.domain import rules
from engine.domain.auction import Auction, Status
from engine.domain.decision import Decision, Draw, Event, EventKind, Move, State
from engine.domain.ledger import ReservationStatus
from engine.domain.messages import (
    Arrival,
    AuctionIs,
    CancelAuction,
    Edit,
    TriggerTurbo,
    TurboAnswer,
    TurboReason,
)
from engine.domain.moves import notice_of
from engine.errors import FieldError, RuleBroken, Stale, TooLate, TransitionRefused

_FROZEN_ONCE_LIVE: tuple[tuple[str, Callable[[Edit | Auction], object]], ...] = (
    ("allowed_gender", lambda e: e.allowed_gender),
    ("start_price", lambda e: e.terms.start_price),
    ("floor_price", lambda e: e.terms.floor_price),
    ("drop_amount", lambda e: e.terms.drop_amount),
    ("drop_interval_secs", lambda e: e.terms.drop_every_ms),
    ("start_time", lambda e: e.terms.starts_at_ms),
    ("end_time", lambda e: e.terms.ends_at_ms),
    ("seats", lambda e: e.terms.seats),
    ("turbo_enabled", lambda e: e.terms.turbo),
)


def trigger_turbo(
    state: State, message: TriggerTurbo, arrival: Arrival, *, just_due: bool
) -> Decision:
    """Turn turbo on, if its condition is met or staff force it.

    `just_due`: the clock brought it on with this very arrival, so this request may say so.
    """
    auction, now_ms = state.auction, arrival.at_ms
    if auction.terms.turbo is None:
        return _turbo_says(state, TurboReason.NOT_ENABLED, now_ms)
    if auction.turbo_started_at_ms is not None:
        reason = TurboReason.CONDITION_MET if just_due else TurboReason.ALREADY_TRIGGERED
        return _turbo_says(state, reason, now_ms)
    if auction.status is not Status.ACTIVE:
        return _turbo_says(state, TurboReason.NOT_ACTIVE, now_ms)
    if not message.force:
        return _turbo_says(state, TurboReason.CONDITION_NOT_MET, now_ms)
    forced = replace(auction, turbo_started_at_ms=now_ms, revision=auction.revision + 1)
    event = Event(
        EventKind.TURBO_TRIGGERED, now_ms, forced, forced.price_at(now_ms), f"user:{message.by}"
    )
    after = replace(state, auction=forced)
    return replace(_turbo_says(after, TurboReason.FORCED, now_ms), events=(event,))


def _turbo_says(state: State, reason: TurboReason, now_ms: int) -> Decision:
    auction = state.auction
    left_ms = max(0, auction.terms.ends_at_ms - max(now_ms, auction.terms.starts_at_ms))
    answer = TurboAnswer(
        triggered=reason in (TurboReason.CONDITION_MET, TurboReason.FORCED),
        reason=reason,
        turbo_started_at_ms=auction.turbo_started_at_ms,
        remaining_minutes=left_ms // 60_000,
    )
    return Decision(state, answer)


def edit(state: State, message: Edit, arrival: Arrival) -> Decision:
    """Change the sale: all of it before its start, the words and the class's hour while it runs."""
    auction = state.auction
    if message.if_revision not in (None, auction.revision):
        return Decision(state, Stale())
    refused_field = _frozen_field(auction, message)
    if refused_field is not None:
        sentence = f"{refused_field} cannot be changed while {auction.status.value}."
        return Decision(state, TransitionRefused(sentence, field=refused_field))
    if message.terms != auction.terms:
        broken = rules.broken(message.terms, arrival.at_ms)
        if broken:
            errors = tuple(FieldError(rule.field, rule.code) for rule in broken)
            return Decision(state, RuleBroken(errors))
    wanted = replace(
        auction,
        title=message.title,
        description=message.description,
        allowed_gender=message.allowed_gender,
        terms=message.terms,
        seats_left=auction.seats_left + message.terms.seats - auction.terms.seats,
    )
    if wanted == auction:
        return Decision(state, AuctionIs(auction))
    edited = replace(wanted, revision=auction.revision + 1)
    price = edited.price_at(arrival.at_ms)
    event = Event(EventKind.EDITED, arrival.at_ms, edited, price, f"user:{message.by}")
    return Decision(replace(state, auction=edited), AuctionIs(edited), events=(event,))


def _frozen_field(auction: Auction, message: Edit) -> str | None:
    """The first field of the edit that may not change any more, under its public name."""
    if auction.status is Status.SCHEDULED:
        return None
    changed = [name for name, of in _FROZEN_ONCE_LIVE if of(message) != of(auction)]
    if changed:
        return changed[0]
    booked = auction.seats_left < auction.terms.seats
    if message.terms.class_at_ms != auction.terms.class_at_ms and booked:
        return "scheduled_at"
    return None if auction.status is Status.ACTIVE else "status"


def cancel_auction(state: State, message: CancelAuction, arrival: Arrival, draw: Draw) -> Decision:
    """Cancel the class until it begins: every waiting guest loses the seat and is told."""
    auction, now_ms = state.auction, arrival.at_ms
    if auction.status is Status.CANCELLED:
        return Decision(state, TransitionRefused())
    if now_ms >= auction.terms.class_at_ms:
        return Decision(state, TooLate())
    ledger = state.ledger
    moves: list[Move] = []
    for reservation in ledger.pending():
        gone = replace(reservation, status=ReservationStatus.CANCELLED, changed_at_ms=now_ms)
        moves.append(Move(reservation.status, gone, message.by, message.reason))
        ledger = ledger.changed(gone)
    cancelled = replace(
        auction,
        status=Status.CANCELLED,
        revision=auction.revision + 1,
        seats_left=auction.seats_left + len(moves),
        frozen_at_ms=now_ms if auction.frozen_at_ms is None else auction.frozen_at_ms,
    )
    event = Event(
        EventKind.CANCELLED,
        now_ms,
        cancelled,
        cancelled.price_at(now_ms),
        f"user:{message.by}",
        {"reason": message.reason, "reservations": len(moves)},
    )
    return Decision(
        State(cancelled, ledger),
        AuctionIs(cancelled),
        events=(event,),
        moved=tuple(moves),
        notices=tuple(notice_of(move, now_ms, draw) for move in moves),
    )
