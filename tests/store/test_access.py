"""What a failing database means to whoever asked the catalog."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from engine.errors import Busy, HotHourError, NotFound, UnknownOutcome
from engine.store.postgres.access import reading, writing
from engine.store.postgres.pool import ConnectSettings, Pool, connect, open_pool
from tests.database import open_folder
from tests.engine.world import eventually
from tests.store.proxy import Proxy

_WAITS_FOR_A_LOCK = """
select count(*) = 1 from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'
"""
_SUICIDE = "select pg_terminate_backend(pg_backend_pid())"


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database, ConnectSettings(catalog_connections_max=1))
    yield opened
    opened.terminate()


async def write(pool: Pool, sql: str) -> None:
    async with writing(pool) as connection:
        await connection.execute(sql)


async def read(pool: Pool, sql: str) -> None:
    async with reading(pool) as connection:
        await connection.execute(sql)


async def test_a_connection_that_swallows_what_it_is_given_is_given_up(database: str) -> None:
    """The other side has vanished without a word; PostgreSQL's own time-out never comes."""
    settings = ConnectSettings(catalog_connections_max=1, catalog_statement_timeout_ms=200)
    with open_folder() as folder:
        async with Proxy(database).listening(folder) as proxy:
            pool = await open_pool(proxy.dsn, settings)
            for wire in proxy.wires:
                wire.up.hold()
                wire.down.hold()
            with pytest.raises(Busy):
                async with asyncio.timeout(15):
                    await read(pool, "select 1")
            await read(pool, "select 1")
            pool.terminate()


async def test_a_connection_lost_while_reading_is_busy(pool: Pool) -> None:
    with pytest.raises(Busy):
        await read(pool, _SUICIDE)


async def test_a_connection_lost_while_writing_is_an_unknown_outcome(pool: Pool) -> None:
    with pytest.raises(UnknownOutcome):
        await write(pool, _SUICIDE)


async def test_the_next_one_finds_a_new_connection(pool: Pool) -> None:
    with pytest.raises(Busy):
        await read(pool, _SUICIDE)
    await read(pool, "select 1")


async def test_what_postgresql_gave_up_is_busy(pool: Pool) -> None:
    for doing in (read, write):
        with pytest.raises(Busy):
            await doing(pool, "set statement_timeout = 1; select pg_sleep(1)")


async def test_a_mistake_of_ours_is_not_hidden(pool: Pool) -> None:
    for doing in (read, write):
        with pytest.raises(asyncpg.UndefinedTableError):
            await doing(pool, "select * from nowhere")
        with pytest.raises(asyncpg.CheckViolationError):
            await doing(pool, "insert into studio (name) values ('')")
    with pytest.raises(asyncpg.DataError):
        async with reading(pool) as connection:
            await connection.fetchval("select $1::int", "one")


async def test_a_refusal_raised_inside_passes(pool: Pool) -> None:
    for way in (reading, writing):
        with pytest.raises(NotFound):
            async with way(pool):
                raise NotFound()


async def test_no_database_is_busy(database: str) -> None:
    pool = await open_pool(database)
    pool.terminate()
    answers: list[HotHourError] = []
    for doing in (read, write):
        with pytest.raises(Busy) as refused:
            await doing(pool, "select 1")
        answers.append(refused.value)
    assert all(answer.retryable for answer in answers)


async def test_no_free_connection_for_too_long_is_busy(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.store.postgres.access._ACQUIRE_TIMEOUT_S", 0.05)
    async with reading(pool):
        with pytest.raises(Busy):
            await read(pool, "select 1")
    await read(pool, "select 1")


async def test_a_commit_whose_answer_is_lost_is_an_unknown_outcome(
    pool: Pool, database: str
) -> None:
    """Killed while it waits for a lock in its transaction: whoever asked cannot know."""
    holder = await connect(database)
    try:
        await holder.execute("begin; lock table studio in access exclusive mode")
        async with pool.acquire() as connection:
            pid = await connection.fetchval("select pg_backend_pid()")
        waiting = asyncio.create_task(write(pool, "insert into studio (name) values ('x')"))

        async def blocked() -> bool:
            waits: bool = await holder.fetchval(_WAITS_FOR_A_LOCK, pid)
            return waits

        await eventually(blocked)
        await holder.fetchval("select pg_terminate_backend($1)", pid)
        with pytest.raises(UnknownOutcome):
            await waiting
    finally:
        await holder.close()
