"""The state machine as a whole, lived through at random against what must always hold."""

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from engine.domain.auction import Status
from engine.domain.decide import decide
from engine.domain.decision import Decision, EventKind
from engine.domain.messages import (
    Arrival,
    Book,
    Booked,
    CancelAuction,
    CancelSeat,
    CheckIn,
    GiveBack,
    Look,
    Message,
    NoShow,
    TriggerTurbo,
    Undo,
)
from engine.domain.terms import TurboTerms
from tests.domain.sales import CLASS, END, MINUTE, START, Sale

MOVES = {
    Status.SCHEDULED: {Status.ACTIVE, Status.CANCELLED},
    Status.ACTIVE: {Status.SOLD, Status.EXPIRED, Status.CANCELLED},
    Status.SOLD: {Status.ACTIVE, Status.CANCELLED},
    Status.EXPIRED: {Status.CANCELLED},
    Status.CANCELLED: set(),
}
STEPS = st.sampled_from([0, 1, 999, MINUTE - 1, MINUTE, 5 * MINUTE, 29 * MINUTE, 61 * MINUTE])


class LifeOfASale(RuleBasedStateMachine):
    """Anything may be asked at any instant that is not before the last one."""

    def __init__(self) -> None:
        super().__init__()
        turbo = TurboTerms(amount=700, trigger_ms=40 * MINUTE, every_ms=3 * MINUTE)
        self.sale = Sale(seats=3, turbo=turbo)
        self.now_ms = START - 2 * MINUTE
        self.prices: list[int] = []
        self.decisions: list[Decision] = []
        self.sold: dict[int, int] = {}

    def tell(self, message: Message) -> Decision:
        before = self.sale.auction
        decision = self.sale.tell(message, self.now_ms)
        self.decisions.append(decision)
        path = [before, *(event.after for event in decision.events)]
        for one, two in pairwise(path):
            assert two.revision == one.revision + 1
            assert two.status is one.status or two.status in MOVES[one.status]
        assert self.sale.auction.revision == path[-1].revision
        for sold in decision.booked:
            assert sold.price == before.schedule.price_at(self.now_ms) or before.terms.turbo
            self.sold[sold.id] = sold.price
        return decision

    @rule(step=STEPS)
    def time_passes(self, step: int) -> None:
        self.now_ms += step

    @rule(user=st.integers(1, 6), key=st.sampled_from([None, "a", "b"]))
    def press(self, user: int, key: str | None) -> None:
        shown = self.sale.auction.price_at(self.now_ms)
        reply = self.tell(Book(user, key=key)).reply
        if isinstance(reply, Booked) and not reply.replayed:
            assert reply.reservation.price <= shown
            assert START <= self.now_ms < END

    @rule(user=st.integers(1, 6), pick=st.integers(0, 9))
    def give_back(self, user: int, pick: int) -> None:
        self.tell(GiveBack(self._some(pick), user))

    @rule(pick=st.integers(0, 9), kind=st.sampled_from([CancelSeat, CheckIn, NoShow, Undo]))
    def desk(self, pick: int, kind: type[CheckIn]) -> None:
        self.tell(kind(self._some(pick), by=9))

    @rule(force=st.booleans())
    def turbo(self, force: bool) -> None:
        self.tell(TriggerTurbo(by=9, force=force))

    @rule()
    def look(self) -> None:
        self.tell(Look())

    @rule()
    def cancel_the_class(self) -> None:
        if len(self.decisions) > 12:
            self.tell(CancelAuction(by=9))

    def _some(self, pick: int) -> int:
        held = sorted(self.sale.state.ledger.by_id)
        return held[pick % len(held)] if held else 404

    @invariant()
    def never_more_holders_than_seats_and_never_one_less_counted(self) -> None:
        held = [r for r in self.sale.state.ledger.by_id.values() if r.holds_seat]
        seats = [r.seat_no for r in held]
        assert len(set(seats)) == len(seats) <= 3
        assert all(1 <= seat <= 3 for seat in seats)
        assert len({r.user_id for r in held}) == len(held)
        assert self.sale.auction.seats_left == 3 - len(held)

    @invariant()
    def sold_out_exactly_when_nothing_is_left_while_it_runs(self) -> None:
        auction = self.sale.auction
        if auction.status is Status.ACTIVE:
            assert auction.seats_left > 0
            assert auction.frozen_at_ms is None
        if auction.status is Status.SOLD:
            assert auction.frozen_at_ms is not None
            assert auction.seats_left == 0 or self.now_ms >= END

    @invariant()
    def the_price_never_rises_while_it_is_on_sale(self) -> None:
        if self.sale.auction.status_at(self.now_ms) in (Status.ACTIVE, Status.SOLD):
            self.prices.append(self.sale.auction.price_at(self.now_ms))
            assert self.prices == sorted(self.prices, reverse=True)

    @invariant()
    def turbo_is_told_at_most_once(self) -> None:
        told = [e for d in self.decisions for e in d.events if e.kind is EventKind.TURBO_TRIGGERED]
        assert len(told) <= 1

    @invariant()
    def what_was_sold_keeps_its_price(self) -> None:
        for number, price in self.sold.items():
            assert self.sale.state.ledger.by_id[number].price == price

    @invariant()
    def a_key_books_once(self) -> None:
        under: defaultdict[tuple[int, str], int] = defaultdict(int)
        for found in self.sale.state.ledger.by_id.values():
            if found.key is not None:
                under[found.user_id, found.key] += 1
        assert all(times == 1 for times in under.values())


LifeOfASale.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None, derandomize=True
)
TestLifeOfASale = pytest.mark.filterwarnings("default")(LifeOfASale.TestCase)


def test_the_same_inputs_give_the_same_decision_and_leave_the_state_alone() -> None:
    sale = Sale()
    before = sale.state
    arrival = Arrival(START + 1, 1)
    first = decide(before, Book(1), arrival, Sale().draw)
    second = decide(before, Book(1), arrival, Sale().draw)
    assert first == second
    assert sale.state is before


def test_what_the_clock_brings_comes_before_the_message() -> None:
    decision = Sale().tell(CancelAuction(by=9), CLASS - 1)
    kinds = [event.kind for event in decision.events]
    assert kinds == [EventKind.ACTIVATED, EventKind.EXPIRED, EventKind.CANCELLED]
