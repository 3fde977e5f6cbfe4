"""Committed facts on their way onward: each to one carrier at a time, none forgotten."""

import pytest

from engine.domain.messages import Book
from engine.ports.commit import Flight
from engine.ports.outbox import OutboxRow
from engine.store.records import HAND_OVER_MS, NOTICE_OVERLAP_MS
from tests.contracts.conftest import GUEST, OTHER
from tests.contracts.turns import Owner, books, commit
from tests.contracts.worlds import World

LEASE_MS = 30_000


def notice(row_id: int, user_id: int = GUEST, topic: str = "booking_confirmed") -> OutboxRow:
    return OutboxRow(row_id, topic, user_id, 1, {"booking_code": f"HOT-{row_id}", "n": row_id})


@pytest.fixture
async def rows(world: World, flight: Flight) -> list[OutboxRow]:
    """Three notices, a second apart, the ids not in the order of time."""
    made = [notice(50), notice(20), notice(30)]
    for row in made:
        await world.add_row(row)
        await world.pass_ms(1_000)
    return made


async def test_due_rows_are_claimed_oldest_first(world: World, rows: list[OutboxRow]) -> None:
    assert list(await world.outbox.claim(2, LEASE_MS)) == rows[:2]
    assert list(await world.outbox.claim(9, LEASE_MS)) == rows[2:]


async def test_a_claimed_row_is_hidden_until_its_lease_is_over(
    world: World, rows: list[OutboxRow]
) -> None:
    await world.outbox.claim(9, LEASE_MS)
    await world.pass_ms(LEASE_MS - 1_000)
    assert not await world.outbox.claim(9, LEASE_MS)
    await world.pass_ms(1_000)
    assert {row.id for row in await world.outbox.claim(9, LEASE_MS)} == {row.id for row in rows}


async def test_a_carried_row_is_not_due_any_more(world: World, rows: list[OutboxRow]) -> None:
    await world.outbox.done([rows[0].id, rows[1].id, 404])
    assert list(await world.outbox.claim(9, LEASE_MS)) == rows[2:]
    await world.outbox.again(rows[0].id, 0)
    await world.pass_ms(2 * LEASE_MS)
    assert [row.id for row in await world.outbox.claim(9, LEASE_MS)] == [rows[2].id]


async def test_a_row_that_could_not_be_carried_comes_again_and_counts_it(
    world: World, rows: list[OutboxRow]
) -> None:
    await world.outbox.claim(9, LEASE_MS)
    await world.outbox.done([row.id for row in rows[1:]])
    await world.outbox.again(rows[0].id, 5_000)
    assert not await world.outbox.claim(9, LEASE_MS)
    await world.pass_ms(5_000)
    (again,) = await world.outbox.claim(9, LEASE_MS)
    assert (again.id, again.attempts) == (rows[0].id, 1)


async def test_a_new_row_is_left_to_the_hand_over_for_a_while(world: World, flight: Flight) -> None:
    entry = await books(flight, await Owner.of(world.commits), GUEST)
    await world.pass_ms(HAND_OVER_MS - 2_000)
    assert not await world.outbox.claim(9, LEASE_MS)
    await world.pass_ms(2_000)
    assert [row.id for row in await world.outbox.claim(9, LEASE_MS)] == [entry.notices[0].id]


@pytest.mark.usefixtures("rows")
async def test_a_guest_hears_what_was_missed_oldest_first(world: World) -> None:
    await world.add_row(notice(60, user_id=OTHER))
    await world.add_row(notice(70, topic="mail.verify_email"))
    await world.outbox.done([50])
    found = await world.outbox.missed(GUEST, 0, 9)
    assert [row.id for row in found] == [50, 20, 30]
    assert [row.id for row in await world.outbox.missed(GUEST, 0, 2)] == [50, 20]
    assert not await world.outbox.missed(404, 0, 9)


async def test_what_was_missed_overlaps_rather_than_skips(
    world: World, rows: list[OutboxRow]
) -> None:
    """A transaction that began earlier may commit later, and ids say nothing about time."""
    since_old = await world.outbox.missed(GUEST, rows[2].id, 9)
    assert [row.id for row in since_old] == [50, 20, 30]
    await world.pass_ms(NOTICE_OVERLAP_MS)
    await world.add_row(notice(10))
    await world.pass_ms(NOTICE_OVERLAP_MS // 2)
    await world.add_row(notice(15))
    since_new = await world.outbox.missed(GUEST, 15, 9)
    assert [row.id for row in since_new] == [10, 15]


@pytest.mark.usefixtures("rows")
async def test_a_strangers_notice_is_no_place_to_start_from(world: World) -> None:
    await world.pass_ms(10 * NOTICE_OVERLAP_MS)
    await world.add_row(notice(60, user_id=OTHER))
    assert [row.id for row in await world.outbox.missed(GUEST, 60, 9)] == [50, 20, 30]


@pytest.mark.usefixtures("rows")
async def test_the_latest_notice_is_the_highest_id(world: World) -> None:
    await world.add_row(notice(70, topic="mail.verify_email"))
    assert await world.outbox.latest(GUEST) == 50
    assert await world.outbox.latest(OTHER) == 0


async def test_a_row_without_a_receiver_is_carried_too(world: World) -> None:
    await world.add_row(OutboxRow(1, "mail.invite", None, None, {}))
    assert [row.user_id for row in await world.outbox.claim(9, LEASE_MS)] == [None]


async def test_a_booking_and_its_notice_are_claimed_with_their_fields(
    world: World, flight: Flight
) -> None:
    owner = await Owner.of(world.commits)
    entry = owner.offers(Book(GUEST))
    await commit(flight, entry)
    await world.pass_ms(HAND_OVER_MS)
    (row,) = await world.outbox.claim(1, LEASE_MS)
    assert row.payload["id"] == entry.booked[0].id
    assert (row.topic, row.user_id, row.auction_id) == ("booking_confirmed", GUEST, 1)
