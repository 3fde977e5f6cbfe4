"""Several carriers at once."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.ports.outbox import OutboxRow
from engine.store.postgres.pool import Connection, connect
from tests.contracts.worlds import PostgresWorld

LEASE_MS = 30_000


@pytest.fixture
async def world(database: str) -> AsyncIterator[PostgresWorld]:
    world = await PostgresWorld.open(database)
    for row_id in range(1, 101):
        await world.add_row(OutboxRow(row_id, "mail.invite", None, None, {"n": row_id}))
    yield world
    await world.close()


@pytest.fixture
async def rival(database: str) -> AsyncIterator[Connection]:
    connection = await connect(database)
    yield connection
    await connection.close()


async def test_each_row_goes_to_one_carrier(world: PostgresWorld) -> None:
    claims = await asyncio.gather(*(world.outbox.claim(10, LEASE_MS) for _ in range(12)))
    ids = [row.id for rows in claims for row in rows]
    assert sorted(ids) == list(range(1, 101))


async def test_a_row_in_somebody_elses_hands_is_passed_over(
    world: PostgresWorld, rival: Connection
) -> None:
    await rival.execute("begin; select from outbox where id <= 5 for update")
    claimed = await world.outbox.claim(10, LEASE_MS)
    assert [row.id for row in claimed] == list(range(6, 16))
    await rival.execute("rollback")
