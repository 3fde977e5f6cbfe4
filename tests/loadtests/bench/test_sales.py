import asyncpg
import pytest

from engine.store.postgres.pool import connect
from loadtests.bench import sales
from loadtests.bench.figures import Broken
from loadtests.bench.sales import Sales, add, lately, taken_over
from tests.engine.world import running


@pytest.fixture
async def connection(database: str) -> asyncpg.Connection:
    return await connect(database)
