"""Connections for short statements: few, used again, thrown away after any error."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from engine.ports.commit import Ambiguous, Unavailable
from engine.store.postgres.lane import Lane

PID = "select pg_backend_pid()"


@pytest.fixture
async def lane(database: str) -> AsyncIterator[Lane]:
    lane = Lane(database, connections_max=1, timeout_ms=150)
    yield lane
    await lane.close()


async def pid(lane: Lane) -> int:
    async with lane.reading() as connection:
        found: int = await connection.fetchval(PID)
    return found


async def test_a_connection_is_used_again(lane: Lane) -> None:
    assert await pid(lane) == await pid(lane)


async def test_it_is_thrown_away_after_an_error(lane: Lane) -> None:
    before = await pid(lane)
    with pytest.raises(Ambiguous):
        async with lane.writing() as connection:
            await connection.execute("select 1 / 0")
    assert connection.is_closed()
    assert await pid(lane) != before


async def test_what_only_reads_is_unavailable_when_it_fails(lane: Lane) -> None:
    with pytest.raises(Unavailable):
        async with lane.reading() as connection:
            await connection.execute("select 1 / 0")


async def test_one_that_died_while_idle_is_not_given_out(lane: Lane) -> None:
    async with lane.reading() as connection:
        before = await connection.fetchval(PID)
    connection.terminate()
    assert await pid(lane) != before


async def test_an_answer_is_not_waited_for_for_ever(lane: Lane) -> None:
    with pytest.raises(Ambiguous, match="TimeoutError"):
        async with lane.writing() as connection:
            await connection.execute("select pg_sleep(10)")
    assert connection.is_closed()


async def test_a_place_is_not_waited_for_for_ever(lane: Lane) -> None:
    """Who has it may keep it for as long as others wait, and had to be connected first."""

    async def sit() -> None:
        async with lane.writing():
            await asyncio.Event().wait()

    first, second = await asyncio.gather(sit(), sit(), return_exceptions=True)
    assert isinstance(first, Ambiguous)
    assert isinstance(second, Unavailable)
    assert await pid(lane)


async def test_places_are_given_back_by_who_is_cancelled(lane: Lane) -> None:
    inside = asyncio.Event()

    async def sit() -> None:
        async with lane.writing():
            inside.set()
            await asyncio.Event().wait()

    sitting = asyncio.ensure_future(sit())
    await inside.wait()
    sitting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sitting
    assert await pid(lane)


async def test_no_database_is_unavailable() -> None:
    lane = Lane("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        await pid(lane)
