"""Every promise about what is written can be broken on purpose, and the judge says which."""

from dataclasses import replace
from typing import Any

import pytest

from engine.domain.auction import Status
from engine.domain.messages import Book
from engine.ports.commit import Superseded
from engine.simulation.loop import BEGIN_MS
from tests.simulation.court import (
    OTHER,
    answer,
    asked,
    booked,
    broken,
    judged,
    pretended,
    spoiled,
    written,
)
from tests.simulation.stage import GUEST, sale, staged

# --- P4 ------------------------------------------------------------------------------------------


def test_p4_a_wrong_price() -> None:
    stage = judged()
    asked(stage)
    pretended(stage, spoiled(stage, price=19_501))
    assert broken(stage) == "P4"


def test_p4_an_instant_at_which_nothing_arrived() -> None:
    stage = judged()
    asked(stage)
    written(stage, stage.entry(at_ms=BEGIN_MS + 500))
    assert broken(stage) == "P4"


def test_p4_an_instant_that_was_lifted_to_where_an_earlier_owner_sold() -> None:
    stage = judged()
    stage.database.auctions[1].high_water_ms = BEGIN_MS + 500
    asked(stage)
    written(stage, stage.entry(at_ms=BEGIN_MS + 500))
    assert stage.judge.breach is None


def test_p4_sold_before_what_was_sold_before_it() -> None:
    stage = judged()
    asked(stage, OTHER, "o")
    stage.wait(500)
    booked(stage)
    written(stage, stage.entry(Book(OTHER, key="o"), at_ms=BEGIN_MS))
    assert broken(stage) == "P4"


# --- P5 ------------------------------------------------------------------------------------------


def test_p5_two_reservations_of_one_key() -> None:
    stage = staged(sale(1), sale(2), judged=True)
    booked(stage)
    stage.judge.asks(GUEST, "k", 2)
    pretended_two = stage.entry(Book(GUEST, key="k"), auction_id=2)
    pretended(stage, pretended_two)
    assert broken(stage) == "P5"


def test_p5_told_of_somebody_elses_seat() -> None:
    stage = judged()
    said = booked(stage, OTHER, "o")
    asked(stage)
    stage.judge.told(GUEST, "k", 1, answer(said))
    assert broken(stage) == "P5"


def test_p5_told_of_another_seat_than_the_key_has() -> None:
    stage = judged()
    said = booked(stage)
    stage.judge.told(GUEST, "k", 1, answer(replace(said, id=said.id + 50)))
    assert broken(stage) == "P5"


# --- P6 ------------------------------------------------------------------------------------------


def test_p6_a_status_that_cannot_follow() -> None:
    stage = judged()
    asked(stage)

    def ended() -> None:
        row = stage.database.auctions[1]
        row.auction = replace(row.auction, status=Status.SCHEDULED)

    written(stage, stage.entry(), ended)
    assert broken(stage) == "P6"


def test_p6_a_revision_without_an_event() -> None:
    stage = judged()
    asked(stage)
    written(stage, stage.entry(), stage.database.events.clear)
    assert broken(stage) == "P6"


def test_p6_more_revisions_than_events() -> None:
    stage = judged()
    asked(stage)

    def skipped() -> None:
        row = stage.database.auctions[1]
        row.auction = replace(row.auction, revision=3)
        stage.database.events[1, 3] = stage.database.events[1, 2]

    written(stage, stage.entry(), skipped)
    assert broken(stage) == "P6"


# --- P8 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stale", [{"fence": 5}, {"expected": 0}])
def test_p8_an_owner_writes_that_is_none_any_more(stale: dict[str, Any]) -> None:
    stage = judged()
    asked(stage)
    pretended(stage, replace(stage.entry(), **stale))
    assert broken(stage) == "P8"


def test_p8_what_was_refused_was_written_all_the_same() -> None:
    stage = judged()
    asked(stage)
    pretended(stage, stage.entry(), Superseded())
    assert broken(stage) == "P8"


def test_p8_what_was_refused_and_not_written_is_counted() -> None:
    stage = judged()
    asked(stage)
    written(stage, replace(stage.entry(), fence=5))
    assert stage.judge.breach is None
    assert stage.judge.seen["Superseded"] == 1
