"""Each contract is held by both kinds of store."""

from collections.abc import AsyncIterator

import pytest

from engine.ports.commit import Flight
from engine.store.postgres.pool import Connection
from tests.contracts.turns import a_sale
from tests.contracts.worlds import MemoryWorld, PostgresWorld, World
from tests.database import dsn_for

GUEST, OTHER, THIRD, STAFF = 11, 12, 13, 99


@pytest.fixture(scope="session")
async def shared_database(
    postgres_server: str, admin: Connection, template: str
) -> AsyncIterator[str]:
    """One migrated database for all contracts: emptying it is much quicker than making it."""
    await admin.execute(f"create database contracts template {template} strategy wal_log")
    yield dsn_for(postgres_server, "contracts")
    await admin.execute("drop database contracts with (force)")


@pytest.fixture(params=["memory", "postgres"])
def place(request: pytest.FixtureRequest) -> str | None:
    """A database's address; None: in memory."""
    return None if request.param == "memory" else str(request.getfixturevalue("shared_database"))


@pytest.fixture
async def world(place: str | None) -> AsyncIterator[World]:
    """The stores under contract, with nothing in them."""
    world: World = MemoryWorld() if place is None else await PostgresWorld.open(place)
    yield world
    await world.close()


@pytest.fixture
async def flight(world: World) -> AsyncIterator[Flight]:
    """Two running sales of two seats, guests who may book, and a connection that commits."""
    await world.add_guests(GUEST, OTHER, THIRD)
    await world.add_auction(a_sale(1))
    await world.add_auction(a_sale(2))
    flight = await world.commits.open_flight()
    yield flight
    await flight.close()


async def snapshot(world: World) -> object:
    """All that a commit may write to those two sales, but for their fences."""
    rows = [await world.auction(auction_id) for auction_id in (1, 2)]
    return (
        [(row.auction, row.last_commit_id, row.high_water_ms) for row in rows],
        [await world.reservations(auction_id) for auction_id in (1, 2)],
        [await world.events(auction_id) for auction_id in (1, 2)],
        await world.notices(),
    )
