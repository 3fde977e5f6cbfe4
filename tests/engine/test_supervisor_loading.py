"""Who is loaded together, page by page, and who stays because there is work in hand."""

import asyncio

from engine.domain.auction import Status
from engine.domain.messages import AuctionIs, Book, Booked, CheckIn, Look
from engine.errors import Internal
from engine.store.memory.database import MemoryDatabase
from tests.engine.small_world import QUICK, auction_of, small
from tests.engine.world import clock_of, eventually, quick


async def test_sales_are_looked_for_page_by_page() -> None:
    clock = clock_of(QUICK)
    db = MemoryDatabase(clock)
    for number in range(1, 8):
        db.add_auction(auction_of(number, clock.now_ms()))
    async with small(quick(QUICK, horizon_page_max=2), db=db):
        await eventually(
            lambda: all(row.auction.status is Status.ACTIVE for row in db.auctions.values())
        )


async def test_an_actor_at_work_is_not_let_go_however_long_that_takes() -> None:
    async with small(quick(QUICK, passivate_after_ms=50)) as world:
        sold = await world.node.directory.ask(world.sale(1), Book(1))
        assert isinstance(sold, Booked)
        world.faults.hold = asyncio.Event()
        here = asyncio.ensure_future(
            world.node.directory.ask(1, CheckIn(sold.reservation.id, by=9))
        )
        await eventually(lambda: len(world.faults.batches) == 2)
        actor = world.node.directory.get(1)
        assert actor is not None
        await eventually(lambda: world.node.clock.now_ms() > actor.used_ms + 50)
        await world.node.supervisor._retire()
        assert world.node.directory.get(1) is actor
        world.faults.hold.set()
        await here


async def test_who_asks_for_others_does_not_hear_of_a_sale_that_cannot_be_read() -> None:
    async with small() as world:
        world.faults.unreadable_auctions = {2}
        asks = (world.node.directory.ask(world.sale(n), Look()) for n in (1, 2, 3))
        answers = await asyncio.gather(*asks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [AuctionIs, Internal, AuctionIs]
