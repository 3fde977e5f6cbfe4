"""Whose an auction is, when more than one node believes it: takeovers need the shard."""

import asyncio

import pytest

from engine.domain.messages import Book
from engine.errors import NoOwner, NotFound, Sold
from engine.ports.leases import Tenure
from engine.store.memory.commit import MemoryCommitStore
from engine.store.memory.leases import MemoryLeaseStore
from tests.engine.small_world import QUICK, small
from tests.engine.world import eventually, quick


async def test_whoever_lost_a_shard_without_knowing_takes_nothing_from_its_new_owner() -> None:
    """Else the new owner would go on saying no from a memory that nobody corrects."""
    settings = quick(QUICK, lease_ttl_ms=60_000, lease_renew_ms=60_000)
    async with small(settings) as world:
        auction = world.sale(1)
        other = MemoryLeaseStore(world.db)
        joined = await other.join("b", 60_000)
        for shard in world.db.shards:
            world.db.shards[shard] = "b"
        (new,) = await MemoryCommitStore(world.db).take_over(
            [auction], Tenure("b", joined.incarnation)
        )
        with pytest.raises(NoOwner):
            await world.node.directory.ask(auction, Book(1))
        assert world.db.auctions[auction].fence == new.fence
        with pytest.raises(NotFound):
            await world.node.directory.ask(404, Book(1))
        assert world.node.directory.get(auction) is None


async def test_an_auction_that_was_somebody_elses_for_a_while_is_loaded_anew() -> None:
    """What happened there meanwhile is not in this node's memory, and its lease is good again."""
    settings = quick(QUICK, lease_ttl_ms=60_000, lease_renew_ms=60_000)
    async with small(settings) as world:
        auction = world.sale(1)
        await world.node.directory.ask(auction, Book(1))
        before = world.node.directory.get(auction)
        for shard in world.db.shards:
            world.db.claims[shard] += 2
        gained, lost = await world.node.membership.renew()
        world.node.supervisor.shards_changed(gained, lost)
        with pytest.raises(Sold):
            await world.node.directory.ask(auction, Book(2))
        assert world.node.directory.get(auction) is not before


async def test_a_sale_the_clock_wants_is_wanted_on_until_its_owner_is_known() -> None:
    async with small(quick(QUICK, lease_renew_ms=60_000, lease_ttl_ms=60_000)) as world:
        for shard in world.db.shards:
            world.db.shards[shard] = None
        auction = world.sale(1)
        world.node.supervisor.published(auction, world.node.clock.now_ms())
        await asyncio.sleep(0.05)
        assert world.node.directory.get(auction) is None
        await world.node.membership.renew()
        await eventually(lambda: world.node.directory.get(auction) is not None)
