"""The rows that benchmarks start from, in the newest shape of the database."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from engine.domain.auction import Status
from engine.store.postgres.pool import connect
from loadtests.bench import sales
from loadtests.bench.figures import Broken
from loadtests.bench.sales import Sales, add, lately, now_ms, taken_over
from tests.engine.world import running


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(database)
    yield opened
    await opened.close()


async def test_sales_start_so_far_apart(connection: asyncpg.Connection) -> None:
    start_ms = now_ms()
    ids = await add(connection, 5, Sales(starts_at_ms=start_ms, apart_ms=2.5, live=False))
    rows = await connection.fetch("select id, starts_at, status from auction order by id")
    assert [row["id"] for row in rows] == ids
    assert [row["starts_at"] - start_ms for row in rows] == [0, 2, 5, 7, 10]
    assert {row["status"] for row in rows} == {"SCHEDULED"}


async def test_live_sales_are_as_a_node_would_have_left_them(
    database: str, connection: asyncpg.Connection
) -> None:
    ids = await add(connection, 3, lately())
    async with running(database) as world:
        await taken_over(connection, ids)
        auctions = [await world.node.directory.view(auction_id) for auction_id in ids]
        assert {auction.status for auction in auctions} == {Status.ACTIVE}
        # Nothing was left for the clock to do: the stored revision still stands.
        assert {auction.revision for auction in auctions} == {2}


async def test_sales_that_no_node_takes_end_the_run(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sales, "TAKEN_OVER_WITHIN_S", 0.1)
    ids = await add(connection, 3, lately())
    with pytest.raises(Broken, match="not loaded"):
        await taken_over(connection, ids)
