"""Idempotency keys in PostgreSQL: one claims, one answer, no lock held in between."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.errors import Busy
from engine.ports.keys import Kept
from engine.store.postgres.keys import PostgresKeys
from engine.store.postgres.pool import ConnectSettings, Pool, open_pool

KEY, OTHER_KEY = "k" * 16, "m" * 16
PRINT, OTHER_PRINT = b"p" * 32, b"q" * 32
TTL_MS = 60_000


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database, ConnectSettings())
    yield opened
    await opened.close()


@pytest.fixture
async def guests(pool: Pool) -> tuple[int, int]:
    """Two accounts."""
    rows = await pool.fetch(
        """insert into account (email, full_name)
           values ('a@x.tr', 'A'), ('b@x.tr', 'B') returning id"""
    )
    return rows[0]["id"], rows[1]["id"]


@pytest.fixture
def keys(pool: Pool) -> PostgresKeys:
    return PostgresKeys(pool)


async def test_the_first_claims_and_the_second_sees_that(
    keys: PostgresKeys, guests: tuple[int, int]
) -> None:
    assert await keys.claim(guests[0], KEY, PRINT, TTL_MS) is None
    assert await keys.claim(guests[0], KEY, OTHER_PRINT, TTL_MS) == Kept(PRINT, 0, b"")


async def test_of_many_at_once_exactly_one_claims(
    keys: PostgresKeys, guests: tuple[int, int]
) -> None:
    found = await asyncio.gather(*(keys.claim(guests[0], KEY, PRINT, TTL_MS) for _ in range(50)))
    assert found.count(None) == 1


async def test_an_answer_is_kept_and_never_replaced(
    keys: PostgresKeys, guests: tuple[int, int]
) -> None:
    await keys.claim(guests[0], KEY, PRINT, TTL_MS)
    await keys.settle(guests[0], KEY, Kept(PRINT, 201, b'{"id":1}'))
    await keys.settle(guests[0], KEY, Kept(PRINT, 201, b'{"id":2}'))
    await keys.release(guests[0], KEY)
    assert await keys.claim(guests[0], KEY, PRINT, 0) == Kept(PRINT, 201, b'{"id":1}')


async def test_a_released_key_is_free_again(keys: PostgresKeys, guests: tuple[int, int]) -> None:
    await keys.claim(guests[0], KEY, PRINT, TTL_MS)
    await keys.release(guests[0], KEY)
    assert await keys.claim(guests[0], KEY, OTHER_PRINT, TTL_MS) is None


async def test_keys_belong_to_an_account(keys: PostgresKeys, guests: tuple[int, int]) -> None:
    await keys.claim(guests[0], KEY, PRINT, TTL_MS)
    assert await keys.claim(guests[1], KEY, PRINT, TTL_MS) is None
    assert await keys.claim(guests[0], OTHER_KEY, PRINT, TTL_MS) is None


async def test_a_stale_claim_is_taken_over_by_one_alone(
    keys: PostgresKeys, pool: Pool, guests: tuple[int, int]
) -> None:
    await keys.claim(guests[0], KEY, PRINT, TTL_MS)
    await pool.execute("update idempotency_key set created_at = now() - interval '61 s'")
    found = await asyncio.gather(
        *(keys.claim(guests[0], KEY, OTHER_PRINT, TTL_MS) for _ in range(20))
    )
    assert found.count(None) == 1
    assert set(found) == {None, Kept(OTHER_PRINT, 0, b"")}


async def test_without_a_database_it_is_busy(database: str) -> None:
    pool = await open_pool(database, ConnectSettings())
    await pool.close()
    keys = PostgresKeys(pool)
    for attempt in (
        keys.claim(1, KEY, PRINT, TTL_MS),
        keys.settle(1, KEY, Kept(PRINT, 201, b"")),
        keys.release(1, KEY),
    ):
        with pytest.raises(Busy):
            await attempt
