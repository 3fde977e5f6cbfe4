"""What guests did and were told."""

import json

import pytest

from loadtests.scenarios.ledger import Ledger, Press, Win

WIN = Win("key-a", 101, 7, 11, 1, "375.00", "HOT-2221")


def test_a_press_is_open_until_its_answer_is_known() -> None:
    ledger = Ledger()
    ledger.pressed("key-a", 7, 11)
    ledger.pressed("key-b", 7, 12)
    ledger.pressed("key-c", 7, 13)
    ledger.won(WIN)
    ledger.refused("key-b", 7, "SOLD")
    assert ledger.open == {"key-c": Press(7, 13)}
    assert ledger.wins == [WIN]


def test_only_sold_says_that_no_seat_is_left() -> None:
    ledger = Ledger()
    for auction_id, code in ((7, "PRICE_ABOVE_MAX"), (8, "SOLD"), (9, "EXPIRED")):
        ledger.pressed("key", auction_id, 11)
        ledger.refused("key", auction_id, code)
    assert ledger.sold_out == {8}


def test_a_workers_entries_travel_to_the_master() -> None:
    worker, master = Ledger(travels=True), Ledger()
    worker.sale(7)
    worker.pressed("key-a", 7, 11)
    master.add(json.loads(json.dumps(worker.fresh())))
    assert master.open == {"key-a": Press(7, 11)}
    worker.won(WIN)
    worker.pressed("key-b", 7, 12)
    worker.refused("key-b", 7, "SOLD")
    master.add(json.loads(json.dumps(worker.fresh())))
    assert (master.wins, master.open, master.sold_out, master.opened) == ([WIN], {}, {7}, {7})
    assert worker.fresh() == []


def test_what_does_not_travel_is_not_kept_for_it() -> None:
    ledger = Ledger()
    ledger.sale(7)
    assert ledger.fresh() == []


def test_an_entry_of_another_kind_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no such entry"):
        Ledger().add([["lost", 7]])
