"""Sweeping what only PostgreSQL holds: answers under Idempotency-Keys."""

from collections.abc import AsyncIterator

import pytest

from engine.store.records import KEY_ANSWER_LIFE_MS
from tests.contracts.worlds import SWEEP_BATCH_MAX, PostgresWorld

GUEST = 11


@pytest.fixture
async def world(database: str) -> AsyncIterator[PostgresWorld]:
    world = await PostgresWorld.open(database)
    await world.add_guests(GUEST)
    yield world
    await world.close()


async def keys(world: PostgresWorld) -> list[str]:
    rows = await world.connection.fetch("select key from idempotency_key order by key")
    return [row["key"] for row in rows]


async def add_key(world: PostgresWorld, key: str, age_ms: int) -> None:
    await world.connection.execute(
        "insert into idempotency_key (account_id, key, fingerprint, status, body, created_at)"
        " values ($1, $2, '', 201, '', $3)",
        GUEST,
        key,
        await world.now_ms() - age_ms,
    )


async def test_answers_are_forgotten_after_a_day_oldest_first(world: PostgresWorld) -> None:
    for n in range(SWEEP_BATCH_MAX + 1):
        await add_key(world, f"{n:016}", KEY_ANSWER_LIFE_MS + 9_000 - n * 1_000)
    await add_key(world, "f" * 16, KEY_ANSWER_LIFE_MS - 60_000)

    await world.schedule.sweep(await world.now_ms())
    assert await keys(world) == [f"{SWEEP_BATCH_MAX:016}", "f" * 16]
    await world.schedule.sweep(await world.now_ms())
    assert await keys(world) == ["f" * 16]
