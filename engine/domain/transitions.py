"""What the clock does to a sale by itself: start, turbo, end."""

from dataclasses import replace

from engine.domain.auction import Auction, Status
from engine.domain.decision import Decision, Event, EventKind, State


def advance(state: State, now_ms: int) -> Decision:
    """Apply every transition due up to and including `now_ms`, in order; none: no events.

    After a downtime that is several at once, each at its own scheduled instant.
    """
    auction = state.auction
    events: list[Event] = []
    while (due_ms := auction.next_transition_ms()) is not None and due_ms <= now_ms:
        kind, auction = _at(auction, due_ms)
        events.append(Event(kind, due_ms, auction, auction.price_at(due_ms)))
    if not events:
        return Decision(state)
    return Decision(replace(state, auction=auction), events=tuple(events))


def _at(auction: Auction, due_ms: int) -> tuple[EventKind, Auction]:
    revision = auction.revision + 1
    if auction.status is Status.SCHEDULED:
        return EventKind.ACTIVATED, replace(auction, status=Status.ACTIVE, revision=revision)
    if due_ms >= auction.terms.ends_at_ms:
        return EventKind.EXPIRED, replace(auction, status=Status.EXPIRED, revision=revision)
    started = replace(auction, turbo_started_at_ms=due_ms, revision=revision)
    return EventKind.TURBO_TRIGGERED, started
