"""Who travels with whom, in which order, and who has waited too long."""

from collections.abc import Iterator

import pytest

from engine.domain.decision import State
from engine.domain.ledger import EMPTY
from engine.domain.messages import Book
from engine.errors import Busy
from engine.gathering import Gathering, Waiting
from engine.ports.commit import Entry, Loaded, Superseded
from tests.contracts.turns import Owner, a_sale


def an_owner(auction_id: int) -> Owner:
    return Owner(Loaded(State(a_sale(auction_id), EMPTY), fence=1, high_water_ms=0))


class Queue:
    """A gathering, and what was put into it."""

    def __init__(self) -> None:
        self.gathering = Gathering()
        self.settled = 0

    def waiting(self, auction_id: int, user_id: int = 7, key: str | None = None) -> Waiting:
        return self.of(an_owner(auction_id).offers(Book(user_id, key=key)))

    def of(self, entry: Entry, *, queued_ns: int = 0) -> Waiting:
        waiting = Waiting(entry, queued_ns, self._settle)
        self.gathering.add(waiting)
        return waiting

    def _settle(self) -> None:
        self.settled += 1


@pytest.fixture
async def queue() -> Queue:
    return Queue()


def ids(batch: list[Waiting]) -> Iterator[int]:
    return (waiting.entry.auction_id for waiting in batch)


async def test_the_oldest_travel_first(queue: Queue) -> None:
    for auction_id in (3, 1, 2):
        queue.waiting(auction_id)
    assert list(ids(queue.gathering.next_batch(2))) == [3, 1]
    assert list(ids(queue.gathering.next_batch(2))) == [2]
    assert queue.gathering.next_batch(2) == []


async def test_two_entries_of_one_auction_travel_one_after_the_other(queue: Queue) -> None:
    first, second, other = queue.waiting(1), queue.waiting(1), queue.waiting(2)
    assert queue.gathering.next_batch(9) == [first, other]
    assert queue.gathering.next_batch(9) == [second]


async def test_one_guests_key_travels_once_a_batch(queue: Queue) -> None:
    first = queue.waiting(1, key="one-and-the-same-key")
    again = queue.waiting(2, key="one-and-the-same-key")
    other = queue.waiting(3, user_id=8, key="one-and-the-same-key")
    assert queue.gathering.next_batch(9) == [first, other]
    assert queue.gathering.next_batch(9) == [again]


async def test_what_was_lost_goes_first_and_alone_once_it_is_suspect(queue: Queue) -> None:
    fresh, lost = queue.waiting(1), queue.waiting(2)
    queue.gathering.next_batch(9)
    queue.gathering.add(fresh)
    lost.lost = 1
    queue.gathering.add(lost)
    assert queue.gathering.next_batch(9) == [lost, fresh]
    lost.lost = 2
    for waiting in (fresh, lost):
        queue.gathering.add(waiting)
    assert queue.gathering.next_batch(9) == [lost]
    assert queue.gathering.next_batch(9) == [fresh]


async def test_what_was_not_sent_is_next_unless_it_is_settled(queue: Queue) -> None:
    first, second, third = (queue.waiting(n) for n in (1, 2, 3))
    batch = queue.gathering.next_batch(2)
    first.is_(Superseded())
    queue.gathering.put_back(batch)
    assert queue.gathering.next_batch(9) == [second, third]


async def test_what_a_caller_that_went_away_had_asked_for_still_travels(queue: Queue) -> None:
    waiting = queue.waiting(1)
    waiting.outcome.cancel()
    queue.gathering.put_back(queue.gathering.next_batch(9))
    assert queue.gathering.next_batch(9) == [waiting]
    assert queue.settled == 0
    waiting.is_(Superseded())
    assert queue.settled == 1


async def test_only_the_first_word_about_an_entry_counts(queue: Queue) -> None:
    waiting = queue.waiting(1)
    waiting.is_(Superseded())
    waiting.fails(Busy())
    assert isinstance(await waiting.outcome, Superseded)
    assert queue.settled == 1


@pytest.mark.parametrize(
    ("waits", "flying", "flights", "share"),
    [(200, 0, 2, 100), (50, 100, 2, 75), (60, 0, 2, 32), (1_000, 0, 2, 256), (90, 0, 1, 90)],
)
async def test_flights_share_what_there_is(
    queue: Queue, waits: int, flying: int, flights: int, share: int
) -> None:
    for auction_id in range(1, waits + 1):
        queue.waiting(auction_id)
    assert queue.gathering.share(flying=flying, flights=flights, most=256) == share


async def test_who_was_never_sent_hears_busy_in_time_and_who_was_stays(queue: Queue) -> None:
    old, young = (queue.of(an_owner(n).offers(Book(7)), queued_ns=n) for n in (1, 2))
    lost = queue.waiting(3)
    lost.lost = 1
    queue.gathering.next_batch(9)
    queue.gathering.put_back([old, young, lost])
    queue.gathering.expire(2)
    assert queue.gathering.fresh
    with pytest.raises(Busy):
        await old.outcome
    assert queue.gathering.next_batch(1) == [lost]
    queue.gathering.give_up()
    with pytest.raises(Busy):
        await young.outcome
    assert queue.gathering.next_batch(9) == []
