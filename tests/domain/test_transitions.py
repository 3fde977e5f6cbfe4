"""What the clock does to a sale by itself."""

from engine.domain.auction import Status
from engine.domain.decision import CLOCK, EventKind, State
from engine.domain.ledger import EMPTY
from engine.domain.terms import TurboTerms
from engine.domain.transitions import advance
from tests.domain.sales import END, MINUTE, START, TURBO, auction


def test_before_its_start_nothing_happens_and_at_it_the_sale_opens() -> None:
    state = State(auction(), EMPTY)
    assert advance(state, START - 1).state is state
    opened = advance(state, START)
    (event,) = opened.events
    assert (event.kind, event.at_ms, event.revision) == (EventKind.ACTIVATED, START, 2)
    assert (event.actor, event.price) == (CLOCK, 20_000)
    assert opened.state.auction.status is Status.ACTIVE


def test_after_a_downtime_everything_is_made_up_at_its_own_instant() -> None:
    state = State(auction(turbo=TURBO), EMPTY)
    events = advance(state, END + 7 * MINUTE).events
    assert [(e.kind, e.at_ms) for e in events] == [
        (EventKind.ACTIVATED, START),
        (EventKind.TURBO_TRIGGERED, END - TURBO.trigger_ms),
        (EventKind.EXPIRED, END),
    ]
    assert [e.revision for e in events] == [2, 3, 4]
    assert events[1].after.turbo_started_at_ms == END - TURBO.trigger_ms


def test_turbo_for_the_whole_window_starts_with_it() -> None:
    whole = TurboTerms(amount=100, trigger_ms=END - START, every_ms=MINUTE)
    events = advance(State(auction(turbo=whole), EMPTY), START).events
    assert [e.kind for e in events] == [EventKind.ACTIVATED, EventKind.TURBO_TRIGGERED]


def test_turbo_happens_once() -> None:
    state = advance(State(auction(turbo=TURBO), EMPTY), END - 1).state
    assert advance(state, END - 1).events == ()


def test_over_a_sold_seat_the_clock_is_silent() -> None:
    sold = auction(turbo=TURBO, status=Status.SOLD, seats_left=0, frozen_at_ms=START + 1)
    assert advance(State(sold, EMPTY), END + 1).events == ()
