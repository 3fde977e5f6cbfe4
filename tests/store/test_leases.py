"""A late beat and a claim of the same shards, at the same time."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.store.postgres.pool import Connection, connect
from tests.contracts.worlds import SHARDS, PostgresWorld
from tests.store.until import until_a_lock_is_awaited

ALL = frozenset(range(SHARDS))
TTL_MS, NOW_MS = 60_000, 1_767_268_800_000


@pytest.fixture
async def world(database: str) -> AsyncIterator[PostgresWorld]:
    world = await PostgresWorld.open(database)
    yield world
    await world.close()


@pytest.fixture
async def rival(database: str) -> AsyncIterator[Connection]:
    connection = await connect(database)
    yield connection
    await connection.close()


async def test_who_beats_late_while_being_robbed_sees_that_it_was(
    world: PostgresWorld, rival: Connection
) -> None:
    """Else both would believe that they own the shards, and both would say no in their name."""
    one = await world.leases.join("one", TTL_MS)
    await world.leases.renew("one", one.incarnation, TTL_MS, NOW_MS)
    await world.pass_ms(2 * TTL_MS)
    await world.leases.join("two", TTL_MS)
    # The other member's renewal, half done: it has locked who is gone and taken the shards.
    await rival.execute(
        "begin; select from node where id = 'one' for no key update;"
        " update shard set node_id = 'two'"
    )
    late = asyncio.ensure_future(world.leases.renew("one", one.incarnation, TTL_MS, NOW_MS))
    await until_a_lock_is_awaited(world)
    await rival.execute("commit")
    assert not await late


async def test_nobody_is_robbed_while_beating(world: PostgresWorld, rival: Connection) -> None:
    one = await world.leases.join("one", TTL_MS)
    await world.leases.renew("one", one.incarnation, TTL_MS, NOW_MS)
    await world.pass_ms(2 * TTL_MS)
    two = await world.leases.join("two", TTL_MS)
    await rival.execute(
        "begin; update node set lease_until = now() + interval '1 minute' where id = 'one'"
    )
    assert set(await world.leases.renew("two", two.incarnation, TTL_MS, NOW_MS)) == frozenset()
    await rival.execute("commit")
    assert set(await world.leases.renew("one", one.incarnation, TTL_MS, NOW_MS)) == ALL
