"""Who is loaded when: due sales, asked-for sales, gained shards; and who is let go."""

import asyncio
from dataclasses import replace

import pytest

from engine.actor import AuctionActor
from engine.domain.auction import Status
from engine.domain.messages import AuctionIs, Book, Booked, Look
from engine.errors import Busy, Draining, Internal, NoOwner
from engine.ports.commit import Due, Unavailable
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
        joined = await other.join("b", 60_000)
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
        world.node.supervisor.published(auction, world.node.clock.now_ms())
        await asyncio.sleep(0.05)
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


async def test_a_sale_from_a_far_future_stays_closed_and_its_neighbours_open() -> None:
    async with small() as world:
        sales = [world.sale(number) for number in range(1, 6)]
        ahead_ms = QUICK.high_water_ahead_ms_max + 60_000
        world.db.auctions[3].high_water_ms = world.node.clock.now_ms() + ahead_ms
        asks = (world.node.directory.ask(auction, Look()) for auction in sales)
        answers = await asyncio.gather(*asks, return_exceptions=True)
        assert isinstance(answers.pop(2), Internal)
        assert all(isinstance(answer, AuctionIs) for answer in answers)
        assert world.told.crashes > 0
        assert world.node.clock.now_ms() < world.db.auctions[3].high_water_ms


async def test_a_sale_that_cannot_be_read_keeps_nobody_else_from_opening() -> None:
    clock = clock_of(QUICK)
    db = MemoryDatabase(clock, guests={1})
    for number in range(1, 8):
        db.add_auction(auction_of(number, clock.now_ms(), ends_in_ms=300, drop_every_ms=100))
    async with small(quick(QUICK, cooldown_ms=50), db=db) as world:
        world.faults.unreadable_auctions = {5}
        others = [row.auction.id for row in db.auctions.values() if row.auction.id != 5]

        def ended(auction: int) -> bool:
            return db.auctions[auction].auction.status is Status.EXPIRED

        await eventually(lambda: all(ended(auction) for auction in others))
        world.faults.unreadable_auctions.clear()
        await eventually(lambda: ended(5))


async def test_whoever_comes_after_an_actor_that_was_let_go_is_loaded_for_itself() -> None:
    async with small(quick(QUICK, unsent_timeout_ms=5_000)) as world:
        auction = world.sale(1, seats=2)
        directory = world.node.directory
        world.faults.hold_loads = asyncio.Event()
        first = asyncio.ensure_future(directory.ask(auction, Book(1)))
        await asyncio.sleep(0.01)
        let_go = directory.get(auction)
        assert let_go is not None
        directory.remove(let_go)
        let_go.stop(NoOwner())
        second = asyncio.ensure_future(directory.ask(auction, Book(2)))
        await asyncio.sleep(0.01)
        world.faults.hold_loads.set()
        assert isinstance(await second, Booked)
        with pytest.raises(NoOwner):
            await first
        successor = directory.get(auction)
        assert successor is not None
        assert successor._fence == world.db.auctions[auction].fence
        resyncs = [p for p in world.watcher.publications if b"resync" in p.frames[0].payload]
        assert len(resyncs) == 1, "it was started once"


async def test_asking_during_an_outage_leaves_nothing_behind() -> None:
    async with small() as world:
        world.faults.away = True
        asks = (world.node.directory.ask(number, Look()) for number in range(1, 101))
        answers = await asyncio.gather(*asks, return_exceptions=True)
        assert all(isinstance(answer, Busy) for answer in answers)
        assert len(world.node.directory) == 0
        assert len(world.node.timers) == 0


async def test_past_its_bound_asking_for_what_is_not_loaded_is_busy_at_once() -> None:
    settings = quick(QUICK, activate_batch_max=2, unsent_timeout_ms=60_000)
    async with small(settings) as world:
        world.faults.hold_loads = asyncio.Event()
        asks = []
        for number in (1, 2, 3):
            auction = world.sale(number)
            asks.append(asyncio.ensure_future(world.node.directory.ask(auction, Look())))
            await asyncio.sleep(0.01)  # the first is being loaded, the others are the next batch
        with pytest.raises(Busy):
            await world.node.directory.ask(world.sale(4), Look())
        world.faults.hold_loads.set()
        assert all(isinstance(answer, AuctionIs) for answer in await asyncio.gather(*asks))


async def test_a_sale_that_is_due_while_somebody_asks_in_vain_is_brought_all_the_same() -> None:
    settings = quick(QUICK, activate_lead_ms=0, backoff_ms_max=20)
    async with small(settings) as world:
        auction = world.sale(1, starts_in_ms=50, ends_in_ms=400, drop_every_ms=100)
        world.faults.hold_loads = asyncio.Event()
        asked = asyncio.ensure_future(world.node.directory.ask(auction, Look()))
        await asyncio.sleep(0)
        world.node.supervisor.published(auction, world.node.clock.now_ms() + 50)
        await asyncio.sleep(0.1)  # the clock wants it, and the actor is being loaded
        held, world.faults.hold_loads = world.faults.hold_loads, None
        world.faults.lost_loads = 1
        held.set()
        with pytest.raises(Busy):
            await asked
        await eventually(lambda: world.db.auctions[auction].auction.status is Status.EXPIRED)


async def test_looking_ahead_leaves_room_for_others() -> None:
    clock = clock_of(QUICK)
    db = MemoryDatabase(clock, guests={1})
    soon = auction_of(0, clock.now_ms(), starts_in_ms=500_000, ends_in_ms=900_000)
    for number in range(1, 5_001):
        db.add_auction(replace(soon, id=number))
    async with small(db=db) as world:
        scan = asyncio.ensure_future(world.node.supervisor.scan(world.node.membership.shards))
        chances = 0
        while not scan.done():
            await asyncio.sleep(0)
            chances += 1
        assert chances > 3


async def test_the_lease_is_renewed_while_what_was_gained_cannot_be_looked_at() -> None:
    settings = quick(QUICK, lease_renew_ms=20)
    async with small(settings) as world:
        for shard in world.db.shards:
            world.db.shards[shard] = None
        world.node.membership.shards = frozenset()  # all of them will be gained anew
        due_before = world.node.supervisor._schedule.due_before

        async def away(*_: object) -> list[Due]:
            raise Unavailable("away")

        world.node.supervisor._schedule.due_before = away  # type: ignore[method-assign,assignment]
        await eventually(lambda: world.node.membership.owns(1))
        valid_until_ns = world.node.membership._valid_until_ns
        await eventually(lambda: world.node.membership._valid_until_ns > valid_until_ns)
        auction = world.sale(1, ends_in_ms=100, drop_every_ms=50)
        world.node.supervisor._schedule.due_before = due_before  # type: ignore[method-assign]
        await eventually(lambda: world.db.auctions[auction].auction.status is Status.EXPIRED)


async def test_draining_takes_nothing_more_from_anybody() -> None:
    async with small() as world:
        auction = world.sale(1, seats=5)
        await world.node.directory.ask(auction, Look())
        held = world.faults.hold = asyncio.Event()
        taken = asyncio.ensure_future(world.node.directory.ask(auction, Book(1)))
        await eventually(lambda: len(world.faults.batches) == 2)
        draining = asyncio.ensure_future(world.node.drain())
        await asyncio.sleep(0)
        with pytest.raises(Draining):
            await world.node.directory.ask(auction, Book(2))
        held.set()
        assert isinstance(await taken, Booked)
        await draining
        assert world.held(auction) == [1]


async def test_draining_waits_for_those_being_loaded_without_spinning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with small() as world:
        auction = world.sale(1)
        world.faults.hold_loads = asyncio.Event()
        taken = asyncio.ensure_future(world.node.directory.ask(auction, Book(1)))
        await asyncio.sleep(0.01)
        finished, looks = AuctionActor.finished, []

        async def counted(actor: AuctionActor) -> None:
            looks.append(actor)
            await finished(actor)

        monkeypatch.setattr(AuctionActor, "finished", counted)
        draining = asyncio.ensure_future(world.node.drain())
        await asyncio.sleep(0.05)
        world.faults.hold_loads.set()
        assert isinstance(await taken, Booked)
        await draining
        assert len(looks) == 1


async def test_nobody_comes_back_once_it_is_drained() -> None:
    async with small(quick(QUICK, crash_window_ms=1)) as world:
        running, coming = world.sale(1), world.sale(2, starts_in_ms=0)
        await world.node.directory.ask(running, Look())
        await world.node.drain()
        now_ms = world.node.clock.now_ms()
        world.node.supervisor.published(coming, now_ms)
        await world.node.supervisor.scan(world.node.membership.shards)
        await asyncio.sleep(0.05)
        assert len(world.node.directory) == 0
        assert world.db.auctions[coming].auction.status is Status.SCHEDULED


async def test_a_cool_down_is_not_cut_short_by_forgetting_the_crashes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = quick(
        QUICK, crashes_max=0, crash_window_ms=10, cooldown_ms=60_000, passivate_after_ms=40
    )
    async with small(settings) as world:
        auction = world.sale(1)

        def broken(*_: object) -> AuctionIs:
            raise ZeroDivisionError

        monkeypatch.setattr("engine.turn.decide", broken)
        with pytest.raises(Internal):
            await world.node.directory.ask(auction, Look())
        monkeypatch.undo()
        await asyncio.sleep(0.1)  # long enough for the supervisor to tidy up
        with pytest.raises(Busy) as busy:
            await world.node.directory.ask(auction, Look())
        assert busy.value.retry_after_ms > 50_000
