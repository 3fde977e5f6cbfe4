"""At which instant a message is decided, however long it waited for others."""

import asyncio

from engine.actor import AuctionActor
from engine.domain.messages import Book, Booked, Look, Reply
from tests.engine.small_world import QUICK, SmallWorld, small
from tests.engine.world import eventually, quick


async def in_commit(world: SmallWorld, auction: int) -> tuple[AuctionActor, asyncio.Event]:
    """An actor whose commit is on its way, for guest 1, and what lets it go on."""
    await world.node.directory.ask(auction, Look())
    actor = world.node.directory.get(auction)
    assert actor is not None
    await actor.finished()
    world.faults.hold = held = asyncio.Event()
    before = len(world.faults.batches)
    actor.tell(Book(1))
    await eventually(lambda: len(world.faults.batches) > before)
    return actor, held


async def accepted(reply: asyncio.Future[Reply]) -> int:
    async with asyncio.timeout(15):
        answer = await reply
    assert isinstance(answer, Booked)
    return answer.reservation.accepted_at_ms


async def test_a_press_has_the_price_of_its_arrival_however_long_it_waits() -> None:
    async with small() as world:
        actor, held = await in_commit(world, world.sale(1, seats=2, drop_every_ms=20))
        press = actor.tell(Book(2))
        arrived_by_ms = world.node.clock.now_ms()
        await eventually(lambda: world.node.clock.now_ms() > arrived_by_ms + 50)
        held.set()
        assert await accepted(press) <= arrived_by_ms


async def test_the_end_does_not_overtake_who_came_before_it() -> None:
    async with small(quick(QUICK, turn_messages_max=1)) as world:
        auction = world.sale(1, seats=4, ends_in_ms=1_000, drop_every_ms=100)
        actor, held = await in_commit(world, auction)
        presses = [actor.tell(Book(guest)) for guest in (2, 3, 4)]
        ends_at_ms = world.db.auctions[auction].auction.terms.ends_at_ms
        assert world.node.clock.now_ms() < ends_at_ms, "INCONCLUSIVE: they came too late"
        await eventually(lambda: world.node.clock.now_ms() > ends_at_ms)
        held.set()
        assert all([await accepted(press) < ends_at_ms for press in presses])
