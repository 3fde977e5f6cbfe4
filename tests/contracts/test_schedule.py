"""What the supervisor asks for: starts in pages, guests who never came, and the sweeping."""

import pytest

from engine.domain.auction import Status
from engine.domain.messages import Book, CancelSeat, CheckIn
from engine.ports.commit import Committed, Due, Flight, Offended
from engine.ports.outbox import OutboxRow
from tests.contracts.conftest import GUEST, OTHER, STAFF, THIRD
from tests.contracts.turns import (
    CLASS_MS,
    MINUTE_MS,
    NOON_MS,
    Owner,
    a_sale,
    books,
    commit,
    ids,
    with_code,
)
from tests.contracts.worlds import SHARDS, SWEEP_BATCH_MAX, World

ALL = frozenset(range(SHARDS))
DAY_MS = 86_400_000


@pytest.fixture
async def sales(world: World) -> None:
    """Two that run, three to come (two at one instant), and what the clock is done with."""
    await world.add_auction(
        a_sale(70, starts_at_ms=NOON_MS + 2 * MINUTE_MS, status=Status.SCHEDULED)
    )
    await world.add_auction(a_sale(6, starts_at_ms=NOON_MS + MINUTE_MS, status=Status.SCHEDULED))
    await world.add_auction(a_sale(3, starts_at_ms=NOON_MS + MINUTE_MS, status=Status.SCHEDULED))
    await world.add_auction(a_sale(5, starts_at_ms=NOON_MS - MINUTE_MS))
    await world.add_auction(a_sale(4, starts_at_ms=NOON_MS))
    for auction_id, status in enumerate(
        (Status.DRAFT, Status.SOLD, Status.EXPIRED, Status.CANCELLED), start=10
    ):
        await world.add_auction(a_sale(auction_id, status=status))


@pytest.mark.usefixtures("sales")
async def test_due_sales_come_in_order_of_their_start(world: World) -> None:
    assert list(await world.schedule.due_before(NOON_MS + MINUTE_MS + 1, ALL, None, 100)) == [
        Due(5, NOON_MS - MINUTE_MS, live=True),
        Due(4, NOON_MS, live=True),
        Due(3, NOON_MS + MINUTE_MS, live=False),
        Due(6, NOON_MS + MINUTE_MS, live=False),
    ]
    assert not await world.schedule.due_before(NOON_MS - MINUTE_MS, ALL, None, 100)


@pytest.mark.usefixtures("sales")
async def test_pages_follow_each_other_without_a_gap(world: World) -> None:
    after, seen = None, []
    while page := await world.schedule.due_before(NOON_MS + 9 * MINUTE_MS, ALL, after, 2):
        assert len(page) <= 2
        seen += [due.auction_id for due in page]
        after = (page[-1].starts_at_ms, page[-1].auction_id)
    assert seen == [5, 4, 3, 6, 70]


@pytest.mark.usefixtures("sales")
async def test_only_the_wanted_shards_are_told(world: World) -> None:
    far_ms = NOON_MS + 9 * MINUTE_MS
    found = await world.schedule.due_before(far_ms, frozenset({3, 70 % SHARDS}), None, 100)
    assert [due.auction_id for due in found] == [3, 6, 70]
    assert not await world.schedule.due_before(far_ms, frozenset(), None, 100)


async def test_guests_who_never_came_are_found(world: World, flight: Flight) -> None:
    owner, other = await Owner.of(world.commits, 1), await Owner.of(world.commits, 2)
    came, cancelled = ids(await books(flight, owner, GUEST, OTHER))
    await commit(
        flight, owner.offers(CheckIn(came, STAFF), CancelSeat(cancelled, STAFF), at_ms=CLASS_MS)
    )
    missing = ids(await books(flight, other, THIRD, GUEST))

    assert not await world.schedule.unattended(CLASS_MS, 10)
    found = await world.schedule.unattended(CLASS_MS + 1, 10)
    assert list(found) == [(2, reservation_id) for reservation_id in missing]
    assert list(await world.schedule.unattended(CLASS_MS + 1, 1)) == [(2, missing[0])]


async def test_codes_are_free_again_a_day_after_the_class(world: World, flight: Flight) -> None:
    owner = await Owner.of(world.commits)
    code = (await books(flight, owner, GUEST)).booked[0].code

    assert await world.schedule.sweep(CLASS_MS + DAY_MS) == 1
    entry = with_code(owner.offers(Book(OTHER)), code)
    assert [type(outcome) for outcome in await commit(flight, entry)] == [Offended]

    await world.schedule.sweep(CLASS_MS + DAY_MS + 1)
    assert [row.code_live for row in await world.reservations(1)] == [False]
    assert await commit(flight, entry) == [Committed(owner.fence)]


async def test_carried_rows_are_kept_a_week(world: World) -> None:
    for row_id in (1, 2):
        await world.add_row(OutboxRow(row_id, "booking_confirmed", GUEST, None, {}))
    await world.outbox.done([1])
    now_ms = await world.now_ms()

    await world.schedule.sweep(now_ms + 7 * DAY_MS - 1_000)
    assert [notice.row.id for notice in await world.notices()] == [1, 2]
    await world.schedule.sweep(now_ms + 7 * DAY_MS + 1_000)
    assert [notice.row.id for notice in await world.notices()] == [2]


async def test_a_sweep_is_bounded(world: World) -> None:
    numbers = range(1, SWEEP_BATCH_MAX + 3)
    for row_id in numbers:
        await world.add_row(OutboxRow(row_id, "booking_confirmed", GUEST, None, {}))
    await world.outbox.done(numbers)
    late_ms = await world.now_ms() + 8 * DAY_MS
    for left in (2, 0):
        await world.schedule.sweep(late_ms)
        assert len(await world.notices()) == left
