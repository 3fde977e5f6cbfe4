"""A real PostgreSQL for tests: one server a run, one template, a fresh database a test.

The server is our own embedded one, or HOTHOUR_TEST_DATABASE_URL (a superuser's). With xdist each
worker has a server of its own. fsync is off: nothing here has to outlive the machine.
"""

import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from edge.embedded import Embedded, EmbeddedSettings
from engine.store.postgres.migrate import migrate

FAST = EmbeddedSettings(server_options=(("fsync", "off"), ("full_page_writes", "off")))


def dsn_for(dsn: str, database: str) -> str:
    """The address of another database of the same server."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


def dsn_as(dsn: str, user: str, password: str) -> str:
    """The same database's address for another role."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc.rpartition('@')[2]}"))


@contextmanager
def open_folder() -> Iterator[Path]:
    """A short-lived folder that every user may walk through, as PostgreSQL's user has to."""
    with tempfile.TemporaryDirectory(prefix="hothour-tests-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
async def postgres_server() -> AsyncIterator[str]:
    """A superuser's address of the server, for tests that make databases of their own."""
    given = os.environ.get("HOTHOUR_TEST_DATABASE_URL")
    if given is not None:
        yield given
        return
    with open_folder() as folder:
        async with Embedded(folder, FAST) as postgres:
            yield postgres.dsn


@pytest.fixture(scope="session")
async def admin(postgres_server: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to make and drop databases by."""
    connection = await asyncpg.connect(postgres_server)
    yield connection
    await connection.close()


@pytest.fixture
async def empty_database(postgres_server: str, admin: asyncpg.Connection) -> AsyncIterator[str]:
    """The address of a database with nothing in it; gone after the test."""
    name = f"test_{uuid.uuid4().hex}"
    await admin.execute(f"create database {name} template template0")
    yield dsn_for(postgres_server, name)
    await admin.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
async def template(postgres_server: str, admin: asyncpg.Connection) -> AsyncIterator[str]:
    """The name of a migrated database to copy. Nobody may connect to it: that would forbid it."""
    name = f"template_{uuid.uuid4().hex}"
    await admin.execute(f"create database {name} template template0")
    await migrate(dsn_for(postgres_server, name))
    await admin.execute(f"alter database {name} allow_connections false")
    yield name
    await admin.execute(f"drop database {name} with (force)")


@pytest.fixture
async def database(
    postgres_server: str, admin: asyncpg.Connection, template: str
) -> AsyncIterator[str]:
    """The address of a fresh database in the newest shape; gone after the test."""
    name = f"test_{uuid.uuid4().hex}"
    await admin.execute(f"create database {name} template {template} strategy file_copy")
    yield dsn_for(postgres_server, name)
    await admin.execute(f"drop database {name} with (force)")
