"""One press of "Hemen Kap", at every instant that matters."""

from dataclasses import replace

import pytest

from engine.domain.auction import AllowedGender, Status
from engine.domain.decision import EventKind, NoticeKind
from engine.domain.messages import Book, Booked, CancelAuction, CancelSeat, CheckIn, GiveBack
from engine.errors import (
    AlreadyYours,
    Cancelled,
    Expired,
    HotHourError,
    KeyReused,
    NotEligible,
    NotStarted,
    PriceAboveMax,
    RebookRefused,
    Sold,
)
from tests.domain.sales import END, MINUTE, START, TURBO, Sale


def test_the_first_press_has_the_seat_at_the_price_of_its_instant() -> None:
    sale = Sale()
    decision = sale.tell(Book(7, key="k", max_price=19_000), START + 30 * MINUTE)
    (sold,) = decision.booked
    assert (sold.user_id, sold.seat_no, sold.price, sold.key) == (7, 1, 19_000, "k")
    assert sold.accepted_at_ms == START + 30 * MINUTE
    assert [e.kind for e in decision.events] == [EventKind.ACTIVATED, EventKind.BOOKED]
    event = decision.events[-1]
    assert (event.price, event.revision, event.actor) == (19_000, 3, "user:7")
    assert event.revision == sold.revision
    assert event.detail == {"reservation_id": sold.id, "seat_no": 1, "seq": 1}
    (notice,) = decision.notices
    assert (notice.kind, notice.reservation) == (NoticeKind.BOOKING_CONFIRMED, sold)
    assert (sale.auction.status, sale.auction.seats_left) == (Status.SOLD, 0)
    assert sale.auction.frozen_at_ms == sold.accepted_at_ms


@pytest.mark.parametrize(
    ("at_ms", "price"),
    [
        (START, 20_000),
        (START + 30 * MINUTE - 1, 20_000),
        (START + 30 * MINUTE, 19_000),
        (END - TURBO.trigger_ms + 5 * MINUTE - 1, 17_000),
        (END - TURBO.trigger_ms + 5 * MINUTE, 16_500),
        (END - 1, 14_500),
    ],
)
def test_at_exactly_a_drop_the_lower_price_holds(at_ms: int, price: int) -> None:
    assert Sale(turbo=TURBO).sold_to(7, at_ms).reservation.price == price


@pytest.mark.parametrize(
    ("at_ms", "refusal"), [(START - 1, NotStarted), (END, Expired), (END + 1, Expired)]
)
def test_the_sale_is_half_open(at_ms: int, refusal: type[HotHourError]) -> None:
    assert isinstance(Sale().book(7, at_ms), refusal)


def test_who_comes_too_late_is_told_by_how_much() -> None:
    sale = Sale()
    sale.sold_to(1, START + 1_000)
    late = sale.book(2, START + 1_038)
    assert isinstance(late, Sold)
    assert late.members == {
        "sold_at": START + 1_000,
        "late_by_ms": 38,
        "accepted_at": START + 1_038,
    }
    assert sale.book(3, START + 1_000).members["late_by_ms"] == 0
    assert isinstance(sale.book(4, END + 5), Sold), "sold it stays, after its end too"


def test_of_many_seats_each_guest_gets_one_and_the_clock_goes_on() -> None:
    sale = Sale(seats=3)
    prices = [sale.sold_to(n, START + n * 30 * MINUTE).reservation.price for n in (1, 2, 3)]
    assert prices == [19_000, 18_000, 17_000]
    assert isinstance(sale.book(4, START + 91 * MINUTE), Sold)
    assert sale.auction.frozen_at_ms == START + 90 * MINUTE


def test_a_second_press_of_the_same_guest_is_already_theirs_also_after_the_sale() -> None:
    sale = Sale(seats=2)
    first = sale.sold_to(7)
    for at_ms in (START + 2 * MINUTE, END + 1):
        again = sale.book(7, at_ms)
        assert isinstance(again, AlreadyYours)
        assert again.members == {"reservation_id": first.reservation.id}


def test_the_same_key_hears_the_same_answer_whatever_has_happened_since() -> None:
    sale = Sale()
    first = sale.sold_to(7, key="k", max_price=20_000)
    again = sale.sold_to(7, END + 1, key="k", max_price=20_000)
    assert again.replayed
    assert again.reservation == first.reservation
    sale.tell(GiveBack(first.reservation.id, 7), START + 2 * MINUTE)
    replay = sale.sold_to(7, START + 3 * MINUTE, key="k", max_price=20_000)
    assert replay.replayed
    assert replay.reservation.status == "CANCELLED"


def test_the_same_key_with_another_price_is_refused_and_another_guests_key_is_no_key() -> None:
    sale = Sale(seats=3)
    sale.sold_to(7, key="k", max_price=20_000)
    assert isinstance(sale.book(7, key="k"), KeyReused)
    assert isinstance(sale.book(7, key="k", max_price=19_999), KeyReused)
    assert not sale.sold_to(8, key="k").replayed


def test_nobody_pays_more_than_they_accepted() -> None:
    sale = Sale()
    refused = sale.book(7, START, max_price=19_999)
    assert isinstance(refused, PriceAboveMax)
    assert refused.members == {
        "current_price": 20_000,
        "currency": "TRY",
        "revision": 2,
        "step": 0,
    }
    assert sale.sold_to(7, START + 30 * MINUTE, max_price=19_999).reservation.price == 19_000


def test_a_class_open_to_women_refuses_others_but_says_sold_first() -> None:
    sale = Sale(allowed_gender=AllowedGender.FEMALE)
    assert isinstance(sale.book(1, gender="MALE"), NotEligible)
    assert isinstance(sale.book(1, gender=None), NotEligible)
    sale.sold_to(2, gender="FEMALE")
    assert isinstance(sale.book(1, gender="MALE"), Sold)


def test_who_gave_a_seat_back_does_not_book_again_but_whom_the_studio_cancelled_may() -> None:
    sale = Sale(seats=2)
    mine, theirs = sale.sold_to(1), sale.sold_to(2)
    sale.tell(GiveBack(mine.reservation.id, 1), START + 2 * MINUTE)
    sale.tell(CancelSeat(theirs.reservation.id, by=9), START + 2 * MINUTE)
    assert isinstance(sale.book(1, START + 3 * MINUTE), RebookRefused)
    sale.sold_to(2, START + 3 * MINUTE)


def test_a_cancelled_class_is_not_sold() -> None:
    sale = Sale()
    sale.tell(CancelAuction(by=9), START - 1)
    assert isinstance(sale.book(7), Cancelled)


def test_a_refusal_changes_nothing_but_what_the_clock_did_stands() -> None:
    sale = Sale()
    decision = sale.tell(Book(7, max_price=1), START + 1)
    assert [e.kind for e in decision.events] == [EventKind.ACTIVATED]
    before = sale.state
    decision = sale.tell(Book(7, max_price=1), START + 2)
    assert decision.state is before
    assert not decision.changes


def test_the_deadline_for_giving_back_is_said_with_the_booking() -> None:
    sale = Sale()
    booked = sale.sold_to(7)
    assert booked.cancellable_until_ms == sale.auction.cancellable_until_ms(START + MINUTE)
    assert booked.currency == "TRY"


def test_a_draft_is_not_on_sale() -> None:
    sale = Sale()
    sale.state = replace(sale.state, auction=replace(sale.auction, status=Status.DRAFT))
    assert isinstance(sale.book(7), NotStarted)


def test_a_booking_has_its_own_code_and_numbers_and_one_instant() -> None:
    sale = Sale(seats=2)
    sale.sold_to(1)
    decision = sale.tell(Book(2), START + 2 * MINUTE)
    (sold,), (event,), (notice,) = decision.booked, decision.events, decision.notices
    assert (sold.auction_id, sold.id, sold.code) == (sale.auction.id, 3, "HOT-2223")
    assert notice.id == 4
    assert event.at_ms == notice.at_ms == sold.accepted_at_ms == START + 2 * MINUTE
    assert isinstance(decision.reply, Booked)
    assert decision.reply.replayed is False


def test_a_limit_holds_while_turbo_runs() -> None:
    sale = Sale(turbo=TURBO)
    due = END - TURBO.trigger_ms
    refused = sale.book(7, due + 5 * MINUTE, max_price=16_499)
    assert isinstance(refused, PriceAboveMax)
    assert sale.sold_to(7, due + 5 * MINUTE, max_price=16_500).reservation.price == 16_500


def test_who_is_checked_in_has_a_seat_already() -> None:
    sale = Sale(seats=2)
    first = sale.sold_to(7).reservation
    sale.tell(CheckIn(first.id, by=9), START + 2 * MINUTE)
    assert isinstance(sale.book(7, START + 3 * MINUTE), AlreadyYours)
