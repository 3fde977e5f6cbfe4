"""The migration runner, on real databases: new, old, foreign, changed, newer, and two at once."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from engine.store.postgres.migrate import MigrationError, migrate
from engine.store.schema import Migration, Shape, load_shape
from tests.database import dsn_as, dsn_for
from tests.store.catalog import catalog_of, contents_of

FIRST = Migration("20270101000000", "first", "create table a (id int primary key);")
SECOND = Migration("20270102000000", "second", "alter table a add column note text;")
BROKEN = Migration("20270103000000", "broken", "create table b (id int); select 1 / 0;")
OLD = Shape(FIRST.up, (FIRST,))
NEW = Shape("create table a (id int primary key, note text);", (FIRST, SECOND))


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def tables(dsn: str) -> set[str]:
    async with connected(dsn) as connection:
        rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
    return {row["tablename"] for row in rows}


async def ledger(dsn: str) -> list[tuple[str, str]]:
    async with connected(dsn) as connection:
        rows = await connection.fetch("select version, name from schema_migration order by 1")
    return [(row["version"], row["name"]) for row in rows]


async def test_the_schema_and_all_migrations_lead_to_the_same_database(
    empty_database: str, admin: asyncpg.Connection, postgres_server: str
) -> None:
    shape = load_shape()
    name = f"test_{uuid.uuid4().hex}"
    by_schema, by_steps = empty_database, dsn_for(postgres_server, name)
    await admin.execute(f"create database {name} template template0")
    try:
        await migrate(by_schema, shape)
        # A database older than every step: it takes them one by one.
        await migrate(by_steps, Shape("", ()))
        assert await migrate(by_steps, shape) == tuple(m.version for m in shape.migrations)
        expected, got = await catalog_of(by_schema), await catalog_of(by_steps)
        for part, rows in expected.items():
            assert got[part] == rows, part
        assert len(expected["columns"]) > 50  # else the comparison says nothing
        assert len(expected["constraints"]) > 30
        assert len(expected["comments"]) > 30
        names = sorted(await tables(by_schema) - {"schema_migration"})
        assert await contents_of(by_schema, *names) == await contents_of(by_steps, *names)
    finally:
        await admin.execute(f"drop database {name} with (force)")


@pytest.mark.parametrize(
    "change",
    [
        "alter table auction alter column title drop not null",
        "alter table auction drop constraint auction_price_max",
        "drop index auction_due",
        "alter sequence reservation_id increment by 1",
        "comment on constraint auction_pkey on auction is null",
        "comment on index reservation_key is null",
        "alter table auction enable row level security",
        "create policy p on auction using (true)",
        "alter table auction set (fillfactor = 60)",
        "alter table auction alter column seats set default 2",
    ],
)
async def test_the_comparison_sees_a_difference(database: str, change: str) -> None:
    before = await catalog_of(database)
    async with connected(database) as connection:
        await connection.execute(change)
    assert await catalog_of(database) != before


async def test_a_new_database_gets_the_schema_at_once(empty_database: str) -> None:
    assert await migrate(empty_database, NEW) == (FIRST.version, SECOND.version)
    assert await ledger(empty_database) == [
        (FIRST.version, "first"),
        (SECOND.version, "second"),
    ]
    assert await tables(empty_database) == {"a", "schema_migration"}


async def test_an_older_database_takes_the_steps_it_lacks_and_keeps_its_rows(
    empty_database: str,
) -> None:
    await migrate(empty_database, OLD)
    async with connected(empty_database) as connection:
        await connection.execute("insert into a values (7)")
    assert await migrate(empty_database, NEW) == (SECOND.version,)
    async with connected(empty_database) as connection:
        assert [tuple(row) for row in await connection.fetch("select * from a")] == [(7, None)]


async def test_a_database_in_shape_is_left_alone(empty_database: str) -> None:
    await migrate(empty_database, NEW)
    before = await ledger(empty_database)
    assert await migrate(empty_database, NEW) == ()
    assert await ledger(empty_database) == before


async def test_a_failing_step_changes_nothing_and_those_before_it_stay(empty_database: str) -> None:
    await migrate(empty_database, OLD)
    with pytest.raises(MigrationError, match=r"20270103000000_broken failed .* division by zero"):
        await migrate(empty_database, Shape("", (FIRST, SECOND, BROKEN)))
    assert await tables(empty_database) == {"a", "schema_migration"}
    assert (await ledger(empty_database))[-1] == (SECOND.version, "second")


async def test_a_step_that_cannot_be_recorded_is_not_taken(empty_database: str) -> None:
    await migrate(empty_database, OLD)
    refused = Migration(
        "20270104000000",
        "refused",
        "create table b (id int); alter table schema_migration add check (name <> 'refused')",
    )
    with pytest.raises(MigrationError, match="20270104000000_refused failed"):
        await migrate(empty_database, Shape("", (FIRST, refused)))
    assert await tables(empty_database) == {"a", "schema_migration"}


async def test_a_failing_schema_leaves_the_database_empty(empty_database: str) -> None:
    with pytest.raises(MigrationError, match="The schema failed and changed nothing"):
        await migrate(empty_database, Shape(BROKEN.up, (BROKEN,)))
    assert await tables(empty_database) == set()


async def test_a_step_that_was_changed_later_is_refused(empty_database: str) -> None:
    await migrate(empty_database, OLD)
    changed = Migration(FIRST.version, FIRST.name, "create table a (id bigint primary key);")
    with pytest.raises(MigrationError, match="20270101000000_first was changed"):
        await migrate(empty_database, Shape("", (changed, SECOND)))
    assert await ledger(empty_database) == [(FIRST.version, "first")]


async def test_a_database_newer_than_the_code_is_refused(empty_database: str) -> None:
    await migrate(empty_database, NEW)
    with pytest.raises(MigrationError, match=r"newer than this HotHour .*20270102000000"):
        await migrate(empty_database, OLD)


async def test_a_database_that_is_not_ours_is_left_alone(empty_database: str) -> None:
    async with connected(empty_database) as connection:
        await connection.execute("create table blog (id int)")
    with pytest.raises(MigrationError, match=r"not ours .*blog"):
        await migrate(empty_database, NEW)
    assert await tables(empty_database) == {"blog"}


async def test_of_two_migrators_at_once_one_waits(empty_database: str) -> None:
    slow = Shape("select pg_sleep(0.3); " + NEW.schema, NEW.migrations)
    outcomes = await asyncio.gather(migrate(empty_database, slow), migrate(empty_database, slow))
    assert sorted(outcomes) == [(), (FIRST.version, SECOND.version)]


async def test_a_role_that_may_not_is_told_what_it_lacks(
    empty_database: str, admin: asyncpg.Connection
) -> None:
    role = f"test_{uuid.uuid4().hex}"
    await admin.execute(f"create role {role} login password 'test'")
    try:
        powerless = dsn_as(empty_database, role, "test")
        async with connected(empty_database) as connection:
            await connection.execute(f"grant create on schema public to {role}")
        with pytest.raises(MigrationError, match=r"needs more rights .*role.*hothour migrate"):
            await migrate(powerless, Shape("create role test_other", ()))
        assert await tables(empty_database) == set()
    finally:
        async with connected(empty_database) as connection:
            await connection.execute(f"drop owned by {role}")
        await admin.execute(f"drop role {role}")
