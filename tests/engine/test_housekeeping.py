"""What is tidied by itself: guests who never came, and rows that are old."""

from engine.domain.ledger import ReservationStatus
from engine.domain.messages import Book, Booked, CheckIn
from engine.housekeeping import UNATTENDED_AFTER_MS, Housekeeping
from engine.store.memory.schedule import MemoryScheduleStore
from tests.engine.hand_clock import HandClock
from tests.engine.small_world import QUICK, SmallWorld, small
from tests.engine.world import quick


def at(world: SmallWorld, now_ms: int) -> Housekeeping:
    schedule = MemoryScheduleStore(world.db, sweep_batch_max=100)
    return Housekeeping(
        schedule, world.node.directory, HandClock(now_ms), QUICK, world.node._codes_in_use
    )


async def test_a_day_after_the_class_who_was_not_checked_in_has_not_come() -> None:
    async with small() as world:
        auction = world.sale(1, seats=2)
        came = await world.node.directory.ask(auction, Book(1))
        stayed_away = await world.node.directory.ask(auction, Book(2))
        assert isinstance(came, Booked)
        assert isinstance(stayed_away, Booked)
        await world.node.directory.ask(auction, CheckIn(came.reservation.id, by=9))
        class_at_ms = world.db.auctions[1].auction.terms.class_at_ms

        await at(world, class_at_ms + UNATTENDED_AFTER_MS).round()
        assert world.held(auction) == [1, 2]
        status = world.db.reservations[stayed_away.reservation.id].reservation.status
        assert status is ReservationStatus.PENDING_ON_SITE, "a day is not over at its last instant"

        world.node.clock._anchor_wall_ns += (class_at_ms + UNATTENDED_AFTER_MS) * 1_000_000
        await at(world, class_at_ms + UNATTENDED_AFTER_MS + 1).round()
        statuses = {
            r.reservation.user_id: r.reservation.status for r in world.db.reservations.values()
        }
        assert statuses == {1: ReservationStatus.COMPLETED, 2: ReservationStatus.NO_SHOW}
        assert not any(row.code_live for row in world.db.reservations.values())
        assert world.told.codes_share == 0


async def test_who_has_not_come_after_the_grace_still_has_the_rest_of_the_day() -> None:
    async with small() as world:
        booked = await world.node.directory.ask(world.sale(1), Book(1))
        assert isinstance(booked, Booked)
        hour_over_ms = world.db.auctions[1].auction.terms.class_at_ms + 3_600_000
        ahead_ms = hour_over_ms - world.node.clock.now_ms()
        world.node.clock._anchor_wall_ns += ahead_ms * 1_000_000
        await at(world, hour_over_ms).round()
        stored = world.db.reservations[booked.reservation.id].reservation
        assert stored.status is ReservationStatus.PENDING_ON_SITE


async def test_how_full_the_space_of_codes_is_gets_told_each_round() -> None:
    async with small() as world:
        auction = world.sale(1, seats=3)
        for user in (1, 2, 3):
            await world.node.directory.ask(auction, Book(user))
        await at(world, world.node.clock.now_ms()).round()
        assert world.told.codes_share == 3 / 31**4


async def test_rounds_come_by_themselves_and_survive_other_nodes_auctions() -> None:
    async with small(quick(QUICK, sweep_every_ms=10), node_id="a") as first:
        auction = first.sale(1)
        booked = await first.node.directory.ask(auction, Book(1))
        assert isinstance(booked, Booked)
        async with small(db=first.db, node_id="b") as second:
            class_at_ms = first.db.auctions[1].auction.terms.class_at_ms
            await at(second, class_at_ms + UNATTENDED_AFTER_MS + 1).round()
            status = first.db.reservations[booked.reservation.id].reservation.status
            assert status is ReservationStatus.PENDING_ON_SITE
