"""The commit: a turn is stored whole, or it is said why not, and neighbours never suffer."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from engine.domain.auction import Status
from engine.domain.messages import Book
from engine.ports.commit import Committed, Flight, Superseded, Unavailable
from engine.store.memory.database import AuctionRow, EventRow, ReservationRow
from engine.store.records import HAND_OVER_MS
from tests.contracts.conftest import GUEST, OTHER, THIRD, snapshot
from tests.contracts.turns import ENDS_MS, MINUTE_MS, NOON_MS, Owner, a_sale, books, commit
from tests.contracts.worlds import World

KEY = "0123456789abcdef"


async def test_a_booking_is_written_with_all_that_belongs_to_it(
    world: World, flight: Flight
) -> None:
    owner, commit_id = await Owner.of(world.commits), uuid4()
    at_ms = NOON_MS + 5 * MINUTE_MS
    entry = owner.offers(Book(GUEST, key=KEY, max_price=19_500), at_ms=at_ms)

    assert await commit(flight, entry, commit_id=commit_id) == [Committed(owner.fence)]

    (sold,) = entry.booked
    assert sold.price == 19_000
    assert await world.auction(1) == AuctionRow(entry.after, owner.fence, commit_id, at_ms + 1)
    assert await world.reservations(1) == [ReservationRow(sold)]
    payload = {
        "type": "booked",
        "price": "190.00",
        "actor": f"user:{GUEST}",
        "seats_left": 1,
        "reservation_id": sold.id,
        "seat_no": 1,
        "seq": 0,
    }
    assert await world.events(1) == [EventRow(1, 1, "booked", at_ms, payload, commit_id)]
    (notice,) = await world.notices()
    assert notice.row.id == entry.notices[0].id
    assert (notice.row.user_id, notice.row.auction_id, notice.row.attempts) == (GUEST, 1, 0)
    assert notice.row.topic == "booking_confirmed"
    assert notice.row.payload["booking_code"] == sold.code
    assert notice.row.payload["locked_price"] == "190.00"
    assert (notice.due_at_ms - notice.created_at_ms, notice.done_at_ms) == (HAND_OVER_MS, None)


async def test_several_turns_of_a_batch_are_each_written(world: World, flight: Flight) -> None:
    one, two = await Owner.of(world.commits, 1), await Owner.of(world.commits, 2)
    entries = two.offers(Book(THIRD)), one.offers(Book(GUEST), Book(OTHER))

    assert await commit(flight, *entries) == [Committed(two.fence), Committed(one.fence)]

    assert (await world.auction(1)).auction.status is Status.SOLD
    assert (await world.auction(1)).auction.frozen_at_ms == NOON_MS + 2
    assert [row.revision for row in await world.events(1)] == [1, 2]
    assert [row.reservation.seat_no for row in await world.reservations(1)] == [1, 2]
    assert [row.reservation.user_id for row in await world.reservations(2)] == [THIRD]
    assert len(await world.notices()) == 3


async def test_an_empty_batch_is_nothing(flight: Flight) -> None:
    assert await flight.commit(uuid4(), []) == {}


async def test_what_the_clock_does_is_written(world: World, flight: Flight) -> None:
    await world.add_auction(a_sale(3, status=Status.SCHEDULED))
    owner = await Owner.of(world.commits, 3)
    entry = owner.lets_pass(ENDS_MS + 7)

    assert await commit(flight, entry) == [Committed(owner.fence)]

    row = await world.auction(3)
    assert (row.auction.status, row.auction.revision) == (Status.EXPIRED, 2)
    assert row.high_water_ms == ENDS_MS + 7
    told = [(event.kind, event.at_ms) for event in await world.events(3)]
    assert told == [("activated", NOON_MS), ("expired", ENDS_MS)]
    assert (await world.events(3))[0].payload["actor"] == "clock"


async def test_the_high_water_mark_never_falls(world: World, flight: Flight) -> None:
    owner = await Owner.of(world.commits)
    await books(flight, owner, GUEST, at_ms=NOON_MS + MINUTE_MS)
    entry = owner.offers(Book(OTHER), at_ms=NOON_MS + 5)
    await commit(flight, entry)
    assert (await world.auction(1)).high_water_ms == NOON_MS + MINUTE_MS + 1


@pytest.mark.parametrize("stale", [{"fence": -1}, {"fence": 10**9}])
async def test_under_another_fence_nothing_is_written_and_the_neighbour_is(
    world: World, flight: Flight, stale: dict[str, Any]
) -> None:
    owner, neighbour = await Owner.of(world.commits, 1), await Owner.of(world.commits, 2)
    entry = replace(owner.offers(Book(GUEST)), **stale)

    outcomes = await commit(flight, entry, neighbour.offers(Book(OTHER)))

    assert outcomes == [Superseded(), Committed(neighbour.fence)]
    assert not await world.reservations(1)
    assert not await world.events(1)
    assert (await world.auction(1)).last_commit_id is None
    assert len(await world.notices()) == 1


async def test_at_another_revision_nothing_is_written(world: World, flight: Flight) -> None:
    owner = await Owner.of(world.commits)
    late = owner.offers(Book(OTHER))
    await books(flight, owner, GUEST)
    before = await snapshot(world)

    # The late turn sold the first seat too: its winner is in the way, but its whole state is old.
    assert await commit(flight, late) == [Superseded()]
    assert await snapshot(world) == before


async def test_at_another_revision_what_is_in_nobodys_way_is_not_written_either(
    world: World, flight: Flight
) -> None:
    owner = await Owner.of(world.commits)
    late = owner.lets_pass(ENDS_MS)
    await books(flight, owner, GUEST)
    before = await snapshot(world)

    assert await commit(flight, late) == [Superseded()]
    assert await snapshot(world) == before


async def test_an_unknown_auction_is_superseded(world: World, flight: Flight) -> None:
    entry = (await Owner.of(world.commits)).offers(Book(GUEST))
    strange = replace(entry, after=replace(entry.after, id=404), booked=(), notices=())
    assert await commit(flight, strange) == [Superseded()]


async def test_of_two_flights_on_the_same_auctions_one_commits_each(
    world: World, flight: Flight
) -> None:
    numbers = range(100, 150)
    for auction_id in numbers:
        await world.add_auction(a_sale(auction_id))
    rivals = [await world.commits.open_flight(), flight]
    loaded = {mine.state.auction.id: mine for mine in await world.commits.take_over(numbers)}

    async def sell(rival: Flight, guest: int) -> list[object]:
        entries = [Owner(loaded[auction_id]).offers(Book(guest)) for auction_id in numbers]
        return list(await commit(rival, *entries))

    one, two = await asyncio.gather(sell(rivals[0], GUEST), sell(rivals[1], OTHER))
    await rivals[0].close()

    for auction_id, first, second in zip(numbers, one, two, strict=True):
        assert {type(first), type(second)} == {Committed, Superseded}
        assert len(await world.reservations(auction_id)) == 1
        assert (await world.auction(auction_id)).auction.revision == 1


async def test_a_closed_flight_carries_nothing(world: World, flight: Flight) -> None:
    entry = (await Owner.of(world.commits)).offers(Book(GUEST))
    await flight.close()
    with pytest.raises(Unavailable):
        await commit(flight, entry)
    assert not await world.reservations(1)
