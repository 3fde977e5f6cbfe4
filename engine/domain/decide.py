"""The state machine of a live auction: `decide(state, message, arrival, draw) -> Decision`.

A pure function. The clock is the arrival's instant, chance is `draw`, and nothing is changed: the
decision names the next state, the answer, and the rows that make it durable. Two laws:

1. **The clock goes first.** Whatever is due up to the arrival (start, turbo, end) has happened
   before the message is looked at, and again after it: a seat that comes back may find turbo due.
2. **Intervals are half-open.** At exactly a drop the lower price holds, at exactly the end the
   sale is over, at exactly its instant turbo is on.

    SCHEDULED -start-> ACTIVE -last seat-> SOLD -seat back-> ACTIVE -end-> EXPIRED
    SCHEDULED, ACTIVE, SOLD, EXPIRED -class cancelled, before it begins-> CANCELLED

Each event adds one to the revision and becomes one significant frame. A scheduled change carries
the scheduled instant, however late it is written down. Turbo due over SOLD waits in silence and is
told only if the sale goes on. A message refused changes nothing, but what the clock did stands.
"""

from dataclasses import replace
from typing import assert_never

from engine.domain.booking import book
from engine.domain.control import cancel_auction, edit, trigger_turbo
from engine.domain.decision import Decision, Draw, EventKind, State
from engine.domain.messages import (
    Arrival,
    AuctionIs,
    Book,
    CancelAuction,
    CancelSeat,
    CheckIn,
    Edit,
    GiveBack,
    Look,
    Message,
    NoShow,
    TriggerTurbo,
    Undo,
)
from engine.domain.moves import move
from engine.domain.transitions import advance


def decide(state: State, message: Message, arrival: Arrival, draw: Draw) -> Decision:
    """What follows from `message` arriving at `arrival`, whatever the message and the state.

    Raises only what `draw` raises: Busy when it is out of numbers.
    """
    due = advance(state, arrival.at_ms)
    decided = _dispatch(due, message, arrival, draw)
    if decided.state is state:
        return decided  # a refusal, and nothing was due: what most presses in a rush come to
    follow_up = advance(decided.state, arrival.at_ms)
    whole = decided.after(due)
    if not follow_up.events:
        return whole
    reply = whole.reply
    if isinstance(reply, AuctionIs):
        reply = AuctionIs(follow_up.state.auction)
    return replace(
        whole, state=follow_up.state, reply=reply, events=whole.events + follow_up.events
    )


def _dispatch(due: Decision, message: Message, arrival: Arrival, draw: Draw) -> Decision:
    state = due.state
    match message:
        case Book():
            return book(state, message, arrival, draw)
        case GiveBack() | CancelSeat() | CheckIn() | NoShow() | Undo():
            return move(state, message, arrival, draw)
        case TriggerTurbo():
            just_due = any(e.kind is EventKind.TURBO_TRIGGERED for e in due.events)
            return trigger_turbo(state, message, arrival, just_due=just_due)
        case Edit():
            return edit(state, message, arrival)
        case CancelAuction():
            return cancel_auction(state, message, arrival, draw)
        case Look():
            return Decision(state, AuctionIs(state.auction))
        case _:
            assert_never(message)
