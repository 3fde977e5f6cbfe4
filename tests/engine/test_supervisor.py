"""Who is loaded when: due sales, asked-for sales, gained shards; and who is let go."""

import asyncio
from dataclasses import replace

import pytest

from engine.domain.auction import Status
from engine.domain.messages import Book, Look
from engine.errors import Busy, NoOwner
from engine.store.memory.commit import MemoryCommitStore
from engine.store.memory.database import MemoryDatabase
from engine.store.memory.leases import MemoryLeaseStore
from tests.engine.small_world import QUICK, auction_of, small
from tests.engine.world import clock_of, eventually, quick

LIVELY = quick(QUICK, passivate_after_ms=80, activate_lead_ms=100)


async def test_at_start_running_sales_are_loaded_and_what_they_missed_is_made_up() -> None:
    clock = clock_of(QUICK)
    db = MemoryDatabase(clock, guests={1})
    now_ms = clock.now_ms()
    for number, (start, end) in enumerate([(-900, -100), (-900, 5_000), (400_000, 900_000)], 1):
        db.add_auction(
            auction_of(number, now_ms, starts_in_ms=start, ends_in_ms=end, drop_every_ms=100)
        )
    async with small(db=db) as world:
        await eventually(lambda: db.auctions[1].auction.status is Status.EXPIRED)
        await eventually(lambda: db.auctions[2].auction.status is Status.ACTIVE)
        kinds = [db.events[1, revision].kind for revision in (2, 3)]
        assert kinds == ["activated", "expired"]
        assert [db.events[1, r].at_ms - now_ms for r in (2, 3)] == [-900, -100]
        assert world.node.directory.get(3) is None, "a row on the heap, not an actor"


async def test_a_sale_that_was_just_published_opens_on_time() -> None:
    async with small(LIVELY) as world:
        auction = world.sale(1, starts_in_ms=250, ends_in_ms=5_000, drop_every_ms=100)
        world.node.supervisor.published(auction, world.node.clock.now_ms() + 250)
        await asyncio.sleep(0.05)
        assert world.node.directory.get(auction) is None
        await eventually(lambda: world.db.auctions[1].auction.status is Status.ACTIVE)
        late_ms = world.node.clock.now_ms() - world.db.events[1, 2].at_ms
        assert 0 <= late_ms < 1_000


async def test_a_sale_beyond_the_horizon_is_found_when_it_comes_nearer() -> None:
    settings = quick(LIVELY, horizon_ms=200)
    async with small(settings) as world:
        world.sale(1, starts_in_ms=500, ends_in_ms=5_000, drop_every_ms=100)
        world.node.supervisor.published(1, world.node.clock.now_ms() + 500)
        await eventually(lambda: world.db.auctions[1].auction.status is Status.ACTIVE)


async def test_an_actor_nobody_needs_is_let_go_and_comes_back_when_asked() -> None:
    async with small(LIVELY) as world:
        sold, running = world.sale(1), world.sale(2)
        await world.node.directory.ask(sold, Book(1))
        await world.node.directory.ask(running, Look())
        await eventually(lambda: world.node.directory.get(sold) is None)
        assert world.node.directory.get(running) is not None, "a running sale stays"
        answer = await world.node.directory.ask(sold, Look())
        assert answer.auction.status is Status.SOLD  # type: ignore[union-attr]


async def test_a_scheduled_sale_that_was_looked_at_is_let_go_and_still_opens() -> None:
    settings = quick(LIVELY, lease_ttl_ms=200, lease_renew_ms=50)
    async with small(settings) as world:
        auction = world.sale(1, starts_in_ms=1_000, ends_in_ms=9_000, drop_every_ms=100)
        await world.node.directory.ask(auction, Look())
        await eventually(lambda: world.node.directory.get(auction) is None)
        await eventually(lambda: world.db.auctions[1].auction.status is Status.ACTIVE)


async def test_when_a_member_is_gone_its_sales_go_on_here() -> None:
    settings = quick(QUICK, lease_ttl_ms=300, lease_renew_ms=50)
    async with small(settings, node_id="a") as first:
        auction = first.sale(1, ends_in_ms=1_500, drop_every_ms=100)
        await first.node.directory.ask(auction, Look())
        async with small(settings, db=first.db, node_id="b") as second:
            with pytest.raises(NoOwner):
                await second.node.directory.ask(auction, Book(1))
            for task in first.node._tasks:
                task.cancel()  # it is stopped in its tracks, and keeps believing
            await eventually(lambda: second.node.membership.owns(auction))
            await eventually(lambda: second.node.directory.get(auction) is not None)
            await second.node.directory.ask(auction, Book(1))
            with pytest.raises(NoOwner):
                await first.node.directory.ask(auction, Book(2))
            assert first.held(auction) == [1]


async def test_shards_that_are_lost_take_their_actors_along() -> None:
    settings = quick(QUICK, lease_ttl_ms=2_000, lease_renew_ms=20)
    async with small(settings) as world:
        auction = world.sale(1)
        await world.node.directory.ask(auction, Look())
        other = MemoryLeaseStore(world.db)
        joined = await other.join("b", 60_000, world.node.clock.now_ms())
        for shard in world.db.shards:
            world.db.shards[shard] = "b"
        await eventually(lambda: world.node.directory.get(auction) is None)
        with pytest.raises(NoOwner):
            await world.node.directory.ask(auction, Book(1))
        await other.leave("b", joined.incarnation)


async def test_what_could_not_be_loaded_is_loaded_when_the_database_is_back() -> None:
    async with small() as world:
        auction = world.sale(1, ends_in_ms=400, drop_every_ms=100)
        world.faults.away = True
        with pytest.raises(Busy):
            await world.node.directory.ask(auction, Look())
        world.faults.away = False
        await eventually(lambda: world.db.auctions[1].auction.status is Status.EXPIRED)


async def test_a_hundred_thousand_scheduled_sales_cost_no_actor_and_no_task() -> None:
    clock = clock_of(QUICK)
    db = MemoryDatabase(clock, guests={1})
    soon = auction_of(0, clock.now_ms(), starts_in_ms=500_000, ends_in_ms=900_000)
    late = auction_of(0, clock.now_ms(), starts_in_ms=5_000_000, ends_in_ms=9_000_000)
    for number in range(1, 100_001):
        db.add_auction(replace(soon if number % 10 == 0 else late, id=number))
    async with small(db=db) as world:
        assert len(world.node.directory) == 0
        assert len(world.node.timers) == 10_000
        tasks = [t for t in asyncio.all_tasks() if not t.done()]
        assert len(tasks) < 30


async def test_draining_sees_through_what_was_taken_in() -> None:
    async with small() as world:
        auction = world.sale(1, seats=100)
        await world.node.directory.ask(auction, Look())
        asks = [
            asyncio.ensure_future(world.node.directory.ask(auction, Book(u))) for u in range(1, 51)
        ]
        await asyncio.sleep(0)
        await world.node.drain()
        answers = await asyncio.gather(*asks)
        assert len(answers) == 50
        assert len(world.held(auction)) == 50
        assert not world.node.bookable
        assert len(world.node.directory) == 0


async def test_a_taken_over_auction_is_loaded_again_soon() -> None:
    async with small() as world:
        auction = world.sale(1)
        await world.node.directory.ask(auction, Look())
        await MemoryCommitStore(world.db).take_over([auction])
        with pytest.raises(NoOwner):
            await world.node.directory.ask(auction, Book(1))
        await eventually(lambda: world.node.directory.get(auction) is not None)
