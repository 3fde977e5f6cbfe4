"""From an auction's id to its actor, or to a refusal that may be tried again."""

import asyncio

import pytest

from engine.domain.messages import Book, Look
from engine.errors import Draining, NoOwner, NotFound
from engine.ports.commit import StoreError
from tests.engine.small_world import QUICK, small
from tests.engine.world import quick


async def test_a_view_comes_from_the_actor_or_else_from_the_store_and_moves_no_fence() -> None:
    async with small() as world:
        auction = world.sale(1)
        seen = await world.node.directory.view(auction)
        assert (seen.id, world.db.auctions[1].fence) == (1, 0)
        assert world.node.directory.get(auction) is None
        await world.node.directory.ask(auction, Book(1))
        world.faults.away = True
        assert (await world.node.directory.view(auction)).seats_left == 0
        with pytest.raises(StoreError):
            await world.node.directory.view(2)
        world.faults.away = False
        with pytest.raises(NotFound):
            await world.node.directory.view(2)


async def test_questions_that_arrive_while_an_actor_is_loaded_wait_for_it_together() -> None:
    async with small() as world:
        auction = world.sale(1)
        await asyncio.gather(*(world.node.directory.ask(auction, Look()) for _ in range(100)))
        assert len(world.node.directory) == 1
        assert world.db.auctions[1].fence == 1, "loaded once"


async def test_a_shard_of_another_node_is_refused_at_once() -> None:
    async with small(node_id="a") as first, small(db=first.db, node_id="b") as second:
        auction = first.sale(1)
        with pytest.raises(NoOwner):
            await second.node.directory.ask(auction, Book(1))
        await first.node.directory.ask(auction, Book(1))


async def test_a_closed_directory_says_draining() -> None:
    async with small() as world:
        auction = world.sale(1)
        world.node.directory.close()
        with pytest.raises(Draining):
            await world.node.directory.ask(auction, Book(1))


async def test_the_depth_of_all_mailboxes_is_known() -> None:
    async with small(quick(QUICK, unsent_timeout_ms=5_000)) as world:
        auction = world.sale(1)
        asks = [asyncio.ensure_future(world.node.directory.ask(auction, Look())) for _ in range(7)]
        await asyncio.sleep(0)
        assert world.node.directory.waiting == 7
        await asyncio.gather(*asks)
        assert world.node.directory.waiting == 0
        assert [actor.auction_id for actor in world.node.directory] == [1]


async def test_an_actor_that_ends_late_does_not_take_its_successor_along() -> None:
    async with small() as world:
        await world.node.directory.ask(world.sale(1), Look())
        earlier = world.node.directory.get(1)
        assert earlier is not None
        world.node.directory.remove(earlier)
        await world.node.directory.ask(1, Look())
        successor = world.node.directory.get(1)
        world.node.directory.remove(earlier)
        assert successor is not None
        assert world.node.directory.get(1) is successor
