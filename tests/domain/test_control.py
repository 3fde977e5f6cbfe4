"""What staff may do to a running sale."""

from dataclasses import replace
from typing import Any

import pytest

from engine.domain.auction import AllowedGender, Auction, Status
from engine.domain.decision import EventKind
from engine.domain.ledger import ReservationStatus
from engine.domain.messages import (
    AuctionIs,
    CancelAuction,
    CheckIn,
    Edit,
    GiveBack,
    TriggerTurbo,
    TurboAnswer,
    TurboReason,
)
from engine.errors import RuleBroken, Stale, TooLate, TransitionRefused
from tests.domain.sales import CLASS, END, MINUTE, START, TURBO, Sale

DUE = END - TURBO.trigger_ms


def trigger(sale: Sale, at_ms: int, *, force: bool = False) -> TurboAnswer:
    reply = sale.tell(TriggerTurbo(by=9, force=force), at_ms).reply
    assert isinstance(reply, TurboAnswer)
    return reply


def edit_of(auction: Auction, **changes: Any) -> Edit:
    """What staff want: the auction as it is but for `changes`."""
    terms = {name: changes.pop(name) for name in tuple(changes) if hasattr(auction.terms, name)}
    wanted: dict[str, Any] = {
        "title": auction.title,
        "description": auction.description,
        "allowed_gender": auction.allowed_gender,
        "terms": replace(auction.terms, **terms),
    }
    return Edit(by=9, **{**wanted, **changes})


class TestTurbo:
    def test_without_turbo_it_says_so(self) -> None:
        answer = trigger(Sale(), START)
        assert (answer.triggered, answer.reason) == (False, TurboReason.NOT_ENABLED)

    def test_before_its_condition_is_met_it_says_so(self) -> None:
        answer = trigger(Sale(turbo=TURBO), DUE - 1)
        assert (answer.triggered, answer.reason) == (False, TurboReason.CONDITION_NOT_MET)
        assert answer.turbo_started_at_ms is None
        assert answer.remaining_minutes == 30

    def test_at_exactly_its_instant_the_condition_is_met(self) -> None:
        answer = trigger(Sale(turbo=TURBO), DUE)
        assert answer == TurboAnswer(True, TurboReason.CONDITION_MET, DUE, 30)

    def test_after_its_instant_it_has_started_at_its_instant(self) -> None:
        answer = trigger(Sale(turbo=TURBO), DUE + 90_000)
        assert answer == TurboAnswer(True, TurboReason.CONDITION_MET, DUE, 28)

    def test_again_it_is_already_triggered(self) -> None:
        sale = Sale(turbo=TURBO)
        trigger(sale, DUE)
        again = trigger(sale, DUE + 1, force=True)
        assert (again.triggered, again.reason) == (False, TurboReason.ALREADY_TRIGGERED)
        assert again.turbo_started_at_ms == DUE

    @pytest.mark.parametrize("at_ms", [START - 1, END])
    def test_outside_of_the_sale_it_is_not_active(self, at_ms: int) -> None:
        sale = Sale(turbo=TURBO)
        if at_ms == END:
            trigger(sale, START)
            sale.sold_to(1, START + 1)
        answer = trigger(sale, at_ms, force=True)
        assert (answer.triggered, answer.reason) == (False, TurboReason.NOT_ACTIVE)

    def test_forced_it_starts_at_once_and_the_price_never_rises_by_it(self) -> None:
        sale, calm = Sale(turbo=TURBO), Sale(turbo=TURBO)
        at = START + 7 * MINUTE
        decision = sale.tell(TriggerTurbo(by=9, force=True), at)
        assert decision.reply == TurboAnswer(True, TurboReason.FORCED, at, 113)
        assert [e.kind for e in decision.events] == [
            EventKind.ACTIVATED,
            EventKind.TURBO_TRIGGERED,
        ]
        assert decision.events[1].actor == "user:9"
        prices = [sale.auction.price_at(at + n * MINUTE) for n in range(114)]
        others = [calm.auction.price_at(at + n * MINUTE) for n in range(114)]
        assert prices == sorted(prices, reverse=True)
        assert all(price <= other for price, other in zip(prices, others, strict=True))
        assert sale.auction.price_at(at + 5 * MINUTE) == 19_500

    def test_forced_it_has_a_revision_of_its_own(self) -> None:
        sale = Sale(turbo=TURBO)
        decision = sale.tell(TriggerTurbo(by=9, force=True), START + MINUTE)
        assert [event.revision for event in decision.events] == [2, 3]


class TestEdit:
    def test_before_the_start_everything_may_change(self) -> None:
        sale = Sale()
        wanted = edit_of(
            sale.auction,
            title="Pilates",
            allowed_gender=AllowedGender.MALE,
            start_price=30_000,
            seats=4,
            turbo=TURBO,
        )
        decision = sale.tell(wanted, START - MINUTE)
        assert isinstance(decision.reply, AuctionIs)
        (event,) = decision.events
        assert (event.kind, event.revision, event.price) == (EventKind.EDITED, 2, 30_000)
        assert (sale.auction.title, sale.auction.seats_left) == ("Pilates", 4)
        assert sale.auction.schedule.price_at(START) == 30_000

    def test_a_start_in_the_past_means_live_at_once(self) -> None:
        sale = Sale()
        decision = sale.tell(edit_of(sale.auction, starts_at_ms=START - 9 * MINUTE), START - 1)
        assert [e.kind for e in decision.events] == [EventKind.EDITED, EventKind.ACTIVATED]
        assert decision.reply == AuctionIs(sale.auction)
        assert sale.auction.status is Status.ACTIVE

    def test_a_broken_rule_changes_nothing(self) -> None:
        sale = Sale()
        before = sale.state
        reply = sale.tell(edit_of(sale.auction, floor_price=25_000), START - 1).reply
        assert isinstance(reply, RuleBroken)
        assert reply.errors[0].code == "RULE_FLOOR_BELOW_START"
        assert sale.state is before

    def test_while_it_runs_only_the_words_and_the_hour_of_the_class_may_change(self) -> None:
        sale = Sale(seats=2)
        sale.tell(edit_of(sale.auction, title="Salsa", description="new"), START)
        assert (sale.auction.title, sale.auction.description) == ("Salsa", "new")
        sale.tell(edit_of(sale.auction, class_at_ms=CLASS + MINUTE), START + 1)
        assert sale.auction.terms.class_at_ms == CLASS + MINUTE
        sale.sold_to(7)
        reply = sale.tell(edit_of(sale.auction, class_at_ms=CLASS), START + 2 * MINUTE).reply
        assert isinstance(reply, TransitionRefused)
        assert [e.field for e in reply.errors] == ["scheduled_at"]

    @pytest.mark.parametrize(
        ("field", "value", "name"),
        [
            ("start_price", 21_000, "start_price"),
            ("floor_price", 4_000, "floor_price"),
            ("drop_amount", 900, "drop_amount"),
            ("drop_every_ms", MINUTE, "drop_interval_secs"),
            ("starts_at_ms", START + 1, "start_time"),
            ("ends_at_ms", END + 1, "end_time"),
            ("seats", 9, "seats"),
            ("turbo", TURBO, "turbo_enabled"),
            ("allowed_gender", AllowedGender.MALE, "allowed_gender"),
        ],
    )
    def test_the_field_that_may_not_change_is_named(
        self, field: str, value: object, name: str
    ) -> None:
        sale = Sale()
        reply = sale.tell(edit_of(sale.auction, **{field: value}), START).reply
        assert isinstance(reply, TransitionRefused)
        assert [e.field for e in reply.errors] == [name]

    def test_a_sale_that_is_over_is_not_edited(self) -> None:
        sale = Sale()
        sale.sold_to(7)
        reply = sale.tell(edit_of(sale.auction, title="new"), START + 2 * MINUTE).reply
        assert isinstance(reply, TransitionRefused)

    def test_an_edit_of_an_older_revision_is_stale(self) -> None:
        sale = Sale()
        assert isinstance(
            sale.tell(edit_of(sale.auction, title="x", if_revision=0), START - 1).reply, Stale
        )
        assert isinstance(
            sale.tell(edit_of(sale.auction, title="x", if_revision=1), START - 1).reply, AuctionIs
        )

    def test_an_edit_that_changes_nothing_is_no_event(self) -> None:
        sale = Sale()
        decision = sale.tell(edit_of(sale.auction), START - 1)
        assert isinstance(decision.reply, AuctionIs)
        assert not decision.changes


class TestCancel:
    def test_a_cancelled_class_takes_its_waiting_reservations_along(self) -> None:
        sale = Sale(seats=3)
        waiting, here = sale.sold_to(1).reservation, sale.sold_to(2).reservation
        gone = sale.sold_to(3).reservation
        sale.tell(CheckIn(here.id, by=9), START + 2 * MINUTE)
        sale.tell(GiveBack(gone.id, 3), START + 2 * MINUTE)
        decision = sale.tell(CancelAuction(by=9, reason="storm"), START + 40 * MINUTE)
        assert [m.after.id for m in decision.moved] == [waiting.id]
        assert [n.reservation.user_id for n in decision.notices] == [1]
        (event,) = decision.events
        assert (event.kind, event.price) == (EventKind.CANCELLED, 19_000)
        assert event.detail == {"reason": "storm", "reservations": 1}
        assert sale.state.ledger.by_id[here.id].status is ReservationStatus.COMPLETED
        assert sale.auction.status is Status.CANCELLED
        assert sale.auction.price_at(END) == 19_000, "the price stands as at the cancellation"

    def test_the_seats_of_who_was_waiting_are_free_again(self) -> None:
        sale = Sale(seats=3)
        here = sale.sold_to(1).reservation
        sale.sold_to(2)
        sale.tell(CheckIn(here.id, by=9), START + 2 * MINUTE)
        sale.tell(CancelAuction(by=9), START + 3 * MINUTE)
        assert sale.auction.seats_left == 2

    @pytest.mark.parametrize(("at_ms", "allowed"), [(CLASS - 1, True), (CLASS, False)])
    def test_until_the_class_begins(self, at_ms: int, allowed: bool) -> None:
        reply = Sale().tell(CancelAuction(by=9), at_ms).reply
        assert isinstance(reply, AuctionIs if allowed else TooLate)

    def test_once(self) -> None:
        sale = Sale()
        sale.tell(CancelAuction(by=9), START)
        again = sale.tell(CancelAuction(by=9), START).reply
        assert isinstance(again, TransitionRefused)

    def test_a_sold_class_keeps_the_price_it_was_sold_at(self) -> None:
        sale = Sale()
        sale.sold_to(7)
        sale.tell(CancelAuction(by=9), END + MINUTE)
        assert sale.auction.frozen_at_ms == START + MINUTE
