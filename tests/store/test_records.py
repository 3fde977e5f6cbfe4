"""What entries are made of when they are stored."""

from dataclasses import replace

import pytest

from engine.domain.auction import Status
from engine.domain.decision import State
from engine.domain.ledger import EMPTY
from engine.domain.messages import Book, CancelAuction, CheckIn
from engine.ports.commit import Committed, Entry, Loaded
from engine.store.records import event_payload, ordered, seats_freed
from tests.contracts.turns import CLASS_MS, ENDS_MS, NOON_MS, Owner, a_sale


@pytest.fixture
def owner() -> Owner:
    return Owner(Loaded(State(a_sale(1, seats=3), EMPTY), fence=1, high_water_ms=0))


def test_a_batch_is_ordered_by_auction() -> None:
    entries = [Entry(0, 1, a_sale(auction_id), 0) for auction_id in (3, 1, 2)]
    assert [entry.auction_id for entry in ordered(entries)] == [1, 2, 3]


def test_the_history_shows_price_actor_and_what_is_left(owner: Owner) -> None:
    entry = owner.offers(Book(7), at_ms=NOON_MS)
    assert event_payload(entry.events[0]) == {
        "type": "booked",
        "price": "200.00",
        "actor": "user:7",
        "seats_left": 2,
        "reservation_id": entry.booked[0].id,
        "seat_no": 1,
        "seq": 0,
    }
    owner.state = replace(owner.state, auction=a_sale(1, status=Status.SCHEDULED))
    assert event_payload(owner.lets_pass(NOON_MS).events[0]) == {
        "type": "activated",
        "price": "200.00",
        "actor": "clock",
        "seats_left": 2,
    }


def test_seats_are_freed_by_cancellations_alone(owner: Owner) -> None:
    sold = owner.offers(Book(7), Book(8), Book(9))
    owner.moves_on(sold, Committed(1))
    first = sold.booked[0].id
    assert seats_freed(owner.offers(CheckIn(first, 1), at_ms=CLASS_MS)) == 0
    assert seats_freed(owner.offers(CancelAuction(1), at_ms=ENDS_MS)) == 3
