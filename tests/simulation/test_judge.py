"""Every promise to a guest can be broken on purpose, and the judge says which one was."""

from dataclasses import replace
from typing import Any

import pytest

from engine import errors
from engine.domain import ledger
from engine.domain.auction import Status
from engine.domain.messages import Book, CancelSeat
from engine.simulation.judge import Breach
from engine.simulation.loop import BEGIN_MS
from engine.store.memory.database import AuctionRow
from tests.simulation.court import (
    OTHER,
    SOLD,
    answer,
    asked,
    booked,
    broken,
    judged,
    pretended,
    written,
)
from tests.simulation.stage import GUEST, sale, staged

# --- nothing wrong -------------------------------------------------------------------------------


def test_what_is_right_breaks_nothing() -> None:
    stage = judged()
    said = booked(stage)
    stage.judge.told(GUEST, "k", 1, answer(said))
    booked(stage, OTHER, "o")
    asked(stage, 9, "n")
    stage.judge.refused(9, "n", 1, SOLD, stage.loop.now_ns, stage.loop.now_ns)
    stage.judge.at_the_end()
    assert stage.judge.breach is None
    assert stage.judge.seen["booked"] == stage.judge.seen["committed"] == 2
    assert stage.judge.seen["answers"] == stage.judge.seen["refusals"] == 1


def test_only_the_first_breach_counts_and_the_run_halts() -> None:
    stage = judged()
    stage.judge.broken("P1", "first")
    stage.judge.broken("P2", "second")
    assert stage.judge.breach == Breach("P1", "first", stage.loop.now_ns)
    assert broken(stage) == "P1"
    assert [line[1:] for line in stage.judge.trace] == [("BREACH", "P1", "first")]


# --- P1 ------------------------------------------------------------------------------------------


def test_p1_a_seat_too_many() -> None:
    stage = judged(seats=1)
    before = stage.database.auctions[1].auction
    booked(stage)
    asked(stage, OTHER, "o")
    pretended(stage, stage.entry_on(replace(before, revision=2), Book(OTHER, key="o")))
    assert broken(stage) == "P1"


def test_p1_a_seat_is_forgotten() -> None:
    stage = judged()
    asked(stage)

    def forgotten() -> None:
        row = stage.database.auctions[1]
        row.auction = replace(row.auction, seats_left=2)

    written(stage, stage.entry(), forgotten)
    assert broken(stage) == "P1"


def test_p1_seats_are_counted_again_at_the_end() -> None:
    stage = judged()
    booked(stage)
    row = stage.database.auctions[1]
    row.auction = replace(row.auction, seats_left=2)
    stage.judge.at_the_end()
    assert broken(stage) == "P1"


def test_p1_sold_that_was_never_true() -> None:
    stage = judged()
    asked(stage)
    stage.judge.refused(GUEST, "k", 1, SOLD, stage.loop.now_ns, stage.loop.now_ns)
    assert broken(stage) == "P1"


def test_p1_sold_that_was_true_at_some_moment_since_it_was_asked() -> None:
    stage = judged(seats=1)
    said = booked(stage)
    stage.wait(10)
    asked(stage, OTHER, "o")
    since_ns = stage.loop.now_ns
    stage.wait(10)
    written(stage, stage.entry(CancelSeat(said.id, 9_000)))
    assert stage.database.auctions[1].auction.seats_left == 1
    stage.judge.refused(OTHER, "o", 1, SOLD, since_ns, stage.loop.now_ns)
    assert stage.judge.breach is None
    stage.wait(10)
    stage.judge.refused(OTHER, "o", 1, SOLD, stage.loop.now_ns, stage.loop.now_ns)
    assert broken(stage) == "P1"


def test_p1_sold_stays_true_after_the_end() -> None:
    stage = judged()
    asked(stage)
    stage.loop.run_until(stage.loop.ns_of(sale().terms.ends_at_ms))
    stage.judge.refused(GUEST, "k", 1, SOLD, stage.loop.now_ns, stage.loop.now_ns)
    assert stage.judge.breach is None


@pytest.mark.parametrize(
    "no",
    [
        errors.Cancelled(),
        errors.AlreadyYours(1),
        errors.RebookRefused(),
        errors.KeyReused(),
        errors.NotFound(),
    ],
    ids=lambda no: no.code,
)
def test_p1_another_no_that_was_never_true(no: errors.Refused) -> None:
    stage = judged()
    asked(stage)
    stage.judge.refused(GUEST, "k", 1, no, stage.loop.now_ns, stage.loop.now_ns)
    assert broken(stage) == "P1"


def test_a_no_that_is_true_breaks_nothing() -> None:
    stage = staged(sale(1), sale(2), judged=True)
    booked(stage)
    now_ns = stage.loop.now_ns
    for no in (errors.AlreadyYours(1), errors.RebookRefused()):
        stage.judge.refused(GUEST, "again", 1, no, now_ns, now_ns)
    stage.judge.refused(GUEST, "k", 2, errors.KeyReused(), now_ns, now_ns)
    row = stage.database.auctions[2]
    row.auction = replace(row.auction, status=Status.CANCELLED)
    stage.judge.refused(OTHER, "o", 2, errors.Cancelled(), now_ns, now_ns)
    stage.judge.refused(OTHER, "o", 2, errors.Expired(), now_ns, now_ns)
    assert stage.judge.breach is None


# --- P2 ------------------------------------------------------------------------------------------


def test_p2_an_answer_that_is_not_stored() -> None:
    stage = judged()
    asked(stage)
    [new] = stage.entry().booked
    stage.judge.told(GUEST, "k", 1, answer(new))
    assert broken(stage) == "P2"


def test_p2_an_answer_that_vanishes() -> None:
    stage = judged()
    said = booked(stage)
    stage.judge.told(GUEST, "k", 1, answer(said))
    del stage.database.reservations[said.id]
    stage.database.by_auction[1].clear()
    stage.judge.at_the_end()
    assert broken(stage) == "P2"


@pytest.mark.parametrize("changes", [{"price": 1}, {"code": "HOT-9999"}, {"seat_no": 2}])
def test_p2_a_promised_seat_becomes_another(changes: dict[str, Any]) -> None:
    stage = judged()
    said = booked(stage)
    stage.judge.told(GUEST, "k", 1, answer(said))
    stage.judge.told(GUEST, "k", 1, answer(replace(said, **changes)))
    assert broken(stage) == "P2"


def test_p2_a_seat_that_was_cancelled_since_is_still_the_one_that_was_promised() -> None:
    stage = judged()
    said = booked(stage)
    stage.judge.told(GUEST, "k", 1, answer(said))
    written(stage, stage.entry(CancelSeat(said.id, 9_000)))
    stage.judge.at_the_end()
    assert stage.judge.breach is None


def test_p2_a_notice_that_is_done_and_was_never_carried() -> None:
    stage = judged()
    booked(stage)
    [(notice_id, notice)] = stage.database.outbox.items()
    notice.done_at_ms = BEGIN_MS
    stage.judge.carried(notice_id)
    stage.judge.at_the_end()
    assert stage.judge.breach is None
    stage = judged()
    booked(stage)
    [notice] = stage.database.outbox.values()
    notice.done_at_ms = BEGIN_MS
    stage.judge.at_the_end()
    assert broken(stage) == "P2"


# --- P3 ------------------------------------------------------------------------------------------


def test_p3_a_ghost() -> None:
    stage = judged()
    written(stage, stage.entry())
    assert broken(stage) == "P3"


def test_p3_a_seat_in_an_auction_that_was_not_asked_for() -> None:
    stage = staged(sale(1), sale(2), judged=True)
    asked(stage, auction_id=2)
    written(stage, stage.entry())
    assert broken(stage) == "P3"


def test_p3_busy_and_a_seat_all_the_same() -> None:
    stage = judged()
    booked(stage)
    stage.judge.hears_nothing_was_done(GUEST, "k")
    stage.judge.at_the_end()
    assert broken(stage) == "P3"


def test_p3_busy_and_asked_again_may_end_in_a_seat() -> None:
    stage = judged()
    asked(stage)
    stage.judge.hears_nothing_was_done(GUEST, "k")
    booked(stage)
    stage.judge.at_the_end()
    assert stage.judge.breach is None


# --- what the rest asks --------------------------------------------------------------------------


def test_it_knows_who_has_asked() -> None:
    stage = judged()
    assert not stage.judge.has_asked(GUEST)
    asked(stage)
    assert stage.judge.has_asked(GUEST)
    assert not stage.judge.has_asked(OTHER)


def test_a_seat_that_comes_back_may_be_sold_again() -> None:
    stage = judged(seats=1)
    said = booked(stage)
    written(stage, stage.entry(CancelSeat(said.id, 9_000)))
    booked(stage, OTHER, "o")
    stage.judge.at_the_end()
    assert stage.judge.breach is None
    assert [row.user_id for row in ledger.of(stage.database.held(1)).pending()] == [OTHER]


def test_an_auction_that_is_no_sale_of_the_plan_is_judged_too() -> None:
    stage = judged()
    stage.database.auctions[5] = AuctionRow(sale(5))
    asked(stage, auction_id=5)
    written(stage, stage.entry(Book(GUEST, key="k"), auction_id=5))
    assert stage.judge.breach is None
    assert stage.judge.seen["booked"] == 1
