"""The doors to a database: opened, closed, and refused where it could not be relied on."""

from urllib.parse import urlsplit

import asyncpg
import pytest

from edge.adapters import Stores, StoreUnavailable, UnsafeDatabase, prepare
from engine.settings import Settings


async def set_in(dsn: str, setting: str) -> None:
    """A setting of all later sessions of this database."""
    db = await asyncpg.connect(dsn)
    await db.execute(f"alter database {urlsplit(dsn).path.strip('/')} set {setting}")
    await db.close()


async def test_preparing_makes_the_tables_once(empty_database: str) -> None:
    for _ in range(2):
        await prepare(empty_database, allow_unsafe=True)
    db = await asyncpg.connect(empty_database)
    assert await db.fetchval("select to_regclass('reservation') is not null")
    await db.close()


async def test_all_doors_open_and_close(database: str, admin: asyncpg.Connection) -> None:
    stores = await Stores.open(database, Settings())
    assert await stores.answers(1.0)
    assert await stores.accounts.by_id(1) is None
    assert await stores.epoch() == await stores.epoch() != ""
    await stores.close()
    assert not await stores.answers(1.0)
    open_still = "select count(*) from pg_stat_activity where datname = $1"
    assert await admin.fetchval(open_still, urlsplit(database).path.strip("/")) == 0


async def test_two_databases_have_two_epochs(database: str, empty_database: str) -> None:
    epochs = set()
    for dsn in (database, empty_database):
        stores = await Stores.open(dsn, Settings())
        epochs.add(await stores.epoch())
        await stores.close()
    assert len(epochs) == 2


async def test_a_database_that_vanishes_does_not_answer(
    database: str, admin: asyncpg.Connection
) -> None:
    stores = await Stores.open(database, Settings())
    name = urlsplit(database).path.strip("/")
    await admin.execute(f"alter database {name} allow_connections false")
    await admin.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name
    )
    assert not await stores.answers(1.0)
    await admin.execute(f"alter database {name} allow_connections true")
    assert await stores.answers(1.0), "it is back, and nobody restarted us"
    await stores.close()


async def test_a_database_that_may_forget_is_refused_unless_allowed(database: str) -> None:
    await set_in(database, "synchronous_commit = off")
    with pytest.raises(UnsafeDatabase, match=r"synchronous_commit off, so a confirmed booking"):
        await prepare(database, allow_unsafe=False)
    await prepare(database, allow_unsafe=True)


async def test_a_database_that_only_reads_is_refused(database: str) -> None:
    await set_in(database, "default_transaction_read_only = on")
    with pytest.raises(UnsafeDatabase, match=r"^The database only reads .*\.$"):
        await prepare(database, allow_unsafe=True)


async def test_whatever_postgresql_refuses_is_one_sentence(database: str) -> None:
    db = await asyncpg.connect(database)
    await db.execute("alter table schema_migration rename column checksum to other")
    await db.close()
    with pytest.raises(StoreUnavailable, match=r"^The database cannot be made ready: [^\n]+\.$"):
        await prepare(database, allow_unsafe=True)
