"""Seats that come back, and turns that change reservations and nothing public."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from engine.domain.auction import Status
from engine.domain.ledger import ReservationStatus
from engine.domain.messages import Book, CancelAuction, CancelSeat, CheckIn, GiveBack, Undo
from engine.ports.commit import Committed, Flight, Superseded
from engine.store.memory.database import AuctionRow
from tests.contracts.conftest import GUEST, OTHER, STAFF, THIRD, snapshot
from tests.contracts.turns import CLASS_MS, ENDS_MS, MINUTE_MS, NOON_MS, Owner, books, commit, ids
from tests.contracts.worlds import World


async def test_a_seat_given_back_and_sold_again_in_one_turn(world: World, flight: Flight) -> None:
    owner = await Owner.of(world.commits)
    sold = await books(flight, owner, GUEST, OTHER)
    at_ms = NOON_MS + 2 * MINUTE_MS
    entry = owner.offers(GiveBack(ids(sold)[0], GUEST), Book(THIRD), at_ms=at_ms)
    assert entry.booked[0].seat_no == 1

    assert await commit(flight, entry) == [Committed(owner.fence)]

    first, _, again = await world.reservations(1)
    assert first.reservation.status is ReservationStatus.CANCELLED
    assert (first.reservation.given_back, first.reservation.changed_at_ms) == (True, at_ms)
    assert (first.changed_by, first.reason, first.late) == (GUEST, None, False)
    assert (again.reservation.user_id, again.reservation.seat_no) == (THIRD, 1)
    row = await world.auction(1)
    assert (row.auction.status, row.auction.seats_left) == (Status.SOLD, 0)
    assert [event.kind for event in await world.events(1)][2:] == ["relisted", "booked"]


async def test_a_relisted_sale_is_frozen_no_more(world: World, flight: Flight) -> None:
    owner = await Owner.of(world.commits)
    sold = await books(flight, owner, GUEST, OTHER)
    assert (await world.auction(1)).auction.frozen_at_ms is not None
    await commit(flight, owner.offers(GiveBack(ids(sold)[0], GUEST)))
    row = await world.auction(1)
    assert (row.auction.status, row.auction.frozen_at_ms) == (Status.ACTIVE, None)


async def test_a_guest_the_studio_cancelled_may_book_again(world: World, flight: Flight) -> None:
    owner = await Owner.of(world.commits)
    sold = await books(flight, owner, GUEST)
    cancelled = owner.offers(CancelSeat(ids(sold)[0], STAFF, "Çift kayıt"))
    owner.moves_on(cancelled, (await commit(flight, cancelled))[0])
    await books(flight, owner, GUEST)
    first, again = await world.reservations(1)
    assert (first.changed_by, first.reason) == (STAFF, "Çift kayıt")
    assert not first.reservation.given_back
    assert again.reservation.holds_seat


async def test_a_late_cancellation_by_the_studio_is_stored_as_one(
    world: World, flight: Flight
) -> None:
    owner = await Owner.of(world.commits)
    sold = await books(flight, owner, GUEST)
    await commit(flight, owner.offers(CancelSeat(ids(sold)[0], STAFF), at_ms=CLASS_MS - 1))
    (row,) = await world.reservations(1)
    assert row.late


async def test_a_cancelled_class_cancels_its_seats(world: World, flight: Flight) -> None:
    owner = await Owner.of(world.commits)
    await books(flight, owner, GUEST, OTHER)
    entry = owner.offers(CancelAuction(STAFF, "Hoca hasta"), at_ms=ENDS_MS + 1)
    assert await commit(flight, entry) == [Committed(owner.fence)]
    rows = await world.reservations(1)
    assert {row.reservation.status for row in rows} == {ReservationStatus.CANCELLED}
    assert {row.reason for row in rows} == {"Hoca hasta"}
    row = await world.auction(1)
    assert (row.auction.status, row.auction.seats_left) == (Status.CANCELLED, 2)
    assert row.auction.frozen_at_ms == NOON_MS + 2
    updates = [n.row for n in await world.notices() if n.row.topic == "reservation_updated"]
    assert {(row.user_id, row.payload["reason"]) for row in updates} == {
        (GUEST, "Hoca hasta"),
        (OTHER, "Hoca hasta"),
    }


async def test_a_check_in_leaves_the_public_facts_alone(world: World, flight: Flight) -> None:
    owner = await Owner.of(world.commits)
    sold = await books(flight, owner, GUEST)
    before = await world.auction(1)
    public = before.auction
    entry = owner.offers(CheckIn(ids(sold)[0], STAFF), at_ms=NOON_MS + 9)
    commit_id = uuid4()

    assert await commit(flight, entry, commit_id=commit_id) == [Committed(owner.fence)]

    (row,) = await world.reservations(1)
    assert row.reservation.status is ReservationStatus.COMPLETED
    assert (row.reservation.changed_at_ms, row.changed_by) == (NOON_MS + 9, STAFF)
    assert await world.auction(1) == AuctionRow(public, owner.fence, commit_id, NOON_MS + 10)
    assert len(await world.events(1)) == 1


async def test_an_undone_check_in_is_written_as_one(world: World, flight: Flight) -> None:
    owner = await Owner.of(world.commits)
    first, _ = ids(await books(flight, owner, GUEST, OTHER))
    for message in (CheckIn(first, STAFF), Undo(first, STAFF)):
        entry = owner.offers(message, at_ms=CLASS_MS)
        owner.moves_on(entry, (await commit(flight, entry))[0])
    row, _ = await world.reservations(1)
    assert row.reservation.status is ReservationStatus.PENDING_ON_SITE
    assert (row.reservation.changed_at_ms, row.changed_by) == (CLASS_MS, STAFF)
    assert (await world.auction(1)).auction.revision == 2


async def test_check_ins_of_two_guests_meet_at_one_revision_and_both_hold(
    world: World, flight: Flight
) -> None:
    owner = await Owner.of(world.commits)
    first, second = ids(await books(flight, owner, GUEST, OTHER))
    for entry in (
        owner.offers(CheckIn(first, STAFF), at_ms=CLASS_MS),
        owner.offers(CheckIn(second, STAFF), at_ms=CLASS_MS),
    ):
        assert await commit(flight, entry) == [Committed(owner.fence)]
    rows = await world.reservations(1)
    assert {row.reservation.status for row in rows} == {ReservationStatus.COMPLETED}


async def test_seats_that_come_back_after_the_end_are_each_counted(
    world: World, flight: Flight
) -> None:
    owner = await Owner.of(world.commits)
    first, second = ids(await books(flight, owner, GUEST, OTHER))
    for n, reservation_id in enumerate((first, second), start=1):
        entry = owner.offers(CancelSeat(reservation_id, STAFF), at_ms=ENDS_MS + n)
        # The sale had sold out, so it has no end to come: nothing public but the free seat.
        assert not entry.events
        owner.moves_on(entry, (await commit(flight, entry))[0])
        row = await world.auction(1)
        assert (row.auction.status, row.auction.seats_left) == (Status.SOLD, n)


async def test_two_seats_that_come_back_at_one_revision_do_not_undo_each_other(
    world: World, flight: Flight
) -> None:
    owner = await Owner.of(world.commits)
    first, second = ids(await books(flight, owner, GUEST, OTHER))
    one = owner.offers(CancelSeat(first, STAFF), at_ms=ENDS_MS + 1)
    two = owner.offers(CancelSeat(second, STAFF), at_ms=ENDS_MS + 1)
    assert (one.expected, one.fence) == (two.expected, two.fence)

    assert await commit(flight, one) == [Committed(owner.fence)]
    assert await commit(flight, two) == [Superseded()]

    assert (await world.auction(1)).auction.seats_left == 1
    rows = await world.reservations(1)
    assert [row.reservation.holds_seat for row in rows] == [False, True]


@pytest.mark.parametrize(
    "smuggled",
    [
        {"status": Status.ACTIVE},
        {"turbo_started_at_ms": NOON_MS + 1},
        {"frozen_at_ms": None},
        {"seats_left": 2},
        {"seats_left": 0},
    ],
)
async def test_without_a_revision_nothing_public_is_changed(
    world: World, flight: Flight, smuggled: dict[str, Any]
) -> None:
    owner = await Owner.of(world.commits)
    first, _ = ids(await books(flight, owner, GUEST, OTHER))
    entry = owner.offers(CancelSeat(first, STAFF), at_ms=ENDS_MS + 1)
    before = await snapshot(world)
    wrong = replace(entry, after=replace(entry.after, **smuggled))
    assert await commit(flight, wrong) == [Superseded()]
    assert await snapshot(world) == before
