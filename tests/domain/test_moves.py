"""The life of a reservation after the sale."""

from typing import Any

import pytest

from engine.domain.auction import REGRET_MS, Status
from engine.domain.decision import EventKind, NoticeKind
from engine.domain.ledger import ReservationStatus
from engine.domain.messages import (
    CancelAuction,
    CancelSeat,
    CheckIn,
    GiveBack,
    NoShow,
    ReservationChanged,
    Undo,
)
from engine.domain.moves import UNDO_MS
from engine.errors import NotFound, TooLate, TransitionRefused
from tests.domain.sales import CLASS, END, MINUTE, START, TURBO, Sale

GRACE_OVER = CLASS + 15 * MINUTE
CUT_OFF = CLASS - 2 * 60 * MINUTE


def sold_sale(**changes: Any) -> tuple[Sale, int]:
    sale = Sale(**changes)
    return sale, sale.sold_to(7).reservation.id


def status(sale: Sale, number: int) -> ReservationStatus:
    return sale.state.ledger.by_id[number].status


def test_a_seat_given_back_goes_on_sale_at_the_schedules_price() -> None:
    sale, number = sold_sale()
    decision = sale.tell(GiveBack(number, 7), START + 61 * MINUTE)
    (moved,) = decision.moved
    assert (moved.was, moved.after.status) == ("PENDING_ON_SITE", "CANCELLED")
    assert (moved.by, moved.after.given_back) == (7, True)
    (event,) = decision.events
    assert (event.kind, event.price) == (EventKind.RELISTED, 18_000)
    assert (sale.auction.status, sale.auction.seats_left) == (Status.ACTIVE, 1)
    assert sale.auction.frozen_at_ms is None
    (notice,) = decision.notices
    assert notice.kind is NoticeKind.RESERVATION_UPDATED
    assert sale.sold_to(8, START + 61 * MINUTE).reservation.seat_no == 1


def test_turbo_that_came_due_over_a_sold_seat_is_told_after_the_relisting() -> None:
    sale, number = sold_sale(turbo=TURBO)
    due = END - TURBO.trigger_ms
    decision = sale.tell(GiveBack(number, 7), due + 7 * MINUTE)
    assert [e.kind for e in decision.events] == [EventKind.RELISTED, EventKind.TURBO_TRIGGERED]
    assert decision.events[1].at_ms == due
    assert [e.revision for e in decision.events] == [4, 5]


def test_a_seat_that_comes_back_after_the_end_is_free_and_no_event() -> None:
    sale, number = sold_sale()
    decision = sale.tell(GiveBack(number, 7), END + 1)
    assert decision.events == ()
    assert (sale.auction.status, sale.auction.seats_left) == (Status.SOLD, 1)
    assert sale.auction.revision == 3
    assert len(decision.notices) == 1


def test_one_of_many_seats_that_comes_back_is_a_relisting_too() -> None:
    sale = Sale(seats=3)
    number = sale.sold_to(7).reservation.id
    decision = sale.tell(GiveBack(number, 7), START + 2 * MINUTE)
    assert [e.kind for e in decision.events] == [EventKind.RELISTED]
    assert (sale.auction.status, sale.auction.seats_left) == (Status.ACTIVE, 3)


def test_giving_back_twice_is_harmless_and_only_ones_own_is_there() -> None:
    sale, number = sold_sale()
    assert isinstance(sale.tell(GiveBack(number, 8), START + MINUTE).reply, NotFound)
    assert isinstance(sale.tell(GiveBack(99, 7), START + MINUTE).reply, NotFound)
    for _ in range(2):
        reply = sale.tell(GiveBack(number, 7), START + 2 * MINUTE).reply
        assert isinstance(reply, ReservationChanged)
        assert reply.reservation.status is ReservationStatus.CANCELLED
    assert sale.auction.seats_left == 1


@pytest.mark.parametrize(("late_ms", "refused"), [(-1, False), (0, True)])
def test_the_cut_off_is_exact(late_ms: int, refused: bool) -> None:
    sale, number = sold_sale()
    reply = sale.tell(GiveBack(number, 7), CUT_OFF + late_ms).reply
    assert isinstance(reply, TooLate if refused else ReservationChanged)


def test_within_five_minutes_one_may_change_ones_mind_after_the_cut_off() -> None:
    sale = Sale(ends_at_ms=CLASS)
    number = sale.sold_to(7, CUT_OFF + MINUTE).reservation.id
    late = CUT_OFF + MINUTE + REGRET_MS
    assert isinstance(sale.tell(GiveBack(number, 7), late).reply, TooLate)
    assert isinstance(sale.tell(GiveBack(number, 7), late - 1).reply, ReservationChanged)


@pytest.mark.parametrize(("at_ms", "late"), [(CUT_OFF - 1, False), (CUT_OFF, True)])
def test_a_late_cancellation_by_the_studio_is_stored_as_late(at_ms: int, late: bool) -> None:
    sale, number = sold_sale()
    decision = sale.tell(CancelSeat(number, by=9, reason="flood"), at_ms)
    (moved,) = decision.moved
    assert (moved.late, moved.reason, moved.by) == (late, "flood", 9)
    assert not moved.after.given_back
    assert decision.notices[0].reason == "flood"
    assert isinstance(sale.tell(CancelSeat(number, by=9), at_ms).reply, TransitionRefused)


def test_checking_in_tells_nobody_and_adds_no_revision() -> None:
    sale, number = sold_sale()
    before = sale.auction
    decision = sale.tell(CheckIn(number, by=9), CLASS)
    assert not decision.events
    assert not decision.notices
    assert decision.changes
    assert sale.auction == before
    assert status(sale, number) is ReservationStatus.COMPLETED


@pytest.mark.parametrize(("early_ms", "allowed"), [(1, False), (0, True)])
def test_nobody_is_a_no_show_before_the_grace_is_over(early_ms: int, allowed: bool) -> None:
    sale, number = sold_sale()
    reply = sale.tell(NoShow(number, by=9), GRACE_OVER - early_ms).reply
    assert isinstance(reply, ReservationChanged if allowed else TransitionRefused)


@pytest.mark.parametrize("first", [CheckIn, NoShow])
def test_what_the_desk_did_can_be_undone_for_ten_minutes(first: Any) -> None:
    sale, number = sold_sale()
    sale.tell(first(number, by=9), GRACE_OVER)
    late = sale.tell(Undo(number, by=9), GRACE_OVER + UNDO_MS + 1)
    assert isinstance(late.reply, TooLate)
    undone = sale.tell(Undo(number, by=9), GRACE_OVER + UNDO_MS)
    assert undone.moved[0].after.status is ReservationStatus.PENDING_ON_SITE
    assert isinstance(sale.tell(Undo(number, by=9), GRACE_OVER).reply, TransitionRefused)


def test_every_other_move_is_refused() -> None:
    moves: tuple[type[CheckIn | NoShow | CancelSeat], ...] = (CheckIn, NoShow, CancelSeat)
    for first in moves:
        for second in moves:
            sale, number = sold_sale()
            sale.tell(first(number, by=9), GRACE_OVER)
            assert isinstance(sale.tell(second(number, by=9), GRACE_OVER).reply, TransitionRefused)
    sale, number = sold_sale()
    sale.tell(CheckIn(number, by=9), START + 2 * MINUTE)
    assert isinstance(sale.tell(GiveBack(number, 7), START + 3 * MINUTE).reply, TransitionRefused)


def test_after_the_class_was_cancelled_nobody_is_checked_in() -> None:
    sale, number = sold_sale()
    sale.tell(CancelAuction(by=9), CLASS - 1)
    assert isinstance(sale.tell(CheckIn(number, by=9), CLASS).reply, TransitionRefused)


def test_in_a_cancelled_class_a_check_in_cannot_be_undone_to_waiting() -> None:
    sale, number = sold_sale()
    sale.tell(CheckIn(number, by=9), CLASS - 2)
    sale.tell(CancelAuction(by=9), CLASS - 1)
    refused = sale.tell(Undo(number, by=9), CLASS)
    assert isinstance(refused.reply, TransitionRefused)
    assert status(sale, number) is ReservationStatus.COMPLETED


@pytest.mark.parametrize(("at_ms", "goes_on"), [(END - 1, True), (END, False)])
def test_at_exactly_the_end_a_seat_that_comes_back_is_not_sold_again(
    at_ms: int, goes_on: bool
) -> None:
    sale, number = sold_sale()
    decision = sale.tell(GiveBack(number, 7), at_ms)
    assert [event.kind for event in decision.events] == [EventKind.RELISTED] * goes_on
    assert sale.auction.status is (Status.ACTIVE if goes_on else Status.SOLD)
