"""Brings a database to the shape that this code works on: a new one at once, an older one by steps.

One migrator at a time, by an advisory lock. A step commits with its own record, so it is taken
whole or not at all. Must never touch a database that holds what it does not know.
"""

import asyncio

import asyncpg

from engine.store.postgres.pool import Connection, connect
from engine.store.schema import Migration, Shape, load_shape

_LOCK = 0x686F74686F7572  # "hothour"
_LOCK_WAIT_S = 60.0
_LOCK_POLL_S = 0.1

_LEDGER = """
create table schema_migration (
    version text constraint schema_migration_pkey primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
);
comment on table schema_migration is 'The migrations that this database has taken'
"""
# Tables of an extension do not count: hosts put some into every database.
_STRANGERS = """
select c.relname from pg_class c
where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
  and not exists (select from pg_depend d
                  where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
order by 1 limit 1
"""


class MigrationError(Exception):
    """The database's shape cannot be brought up to date; `str()` is one sentence saying why."""


async def migrate(dsn: str, shape: Shape | None = None) -> tuple[str, ...]:
    """Bring the database to `shape` (this code's, unless a test says otherwise).

    Answers with the versions recorded now: all of them for a new database, none when there was
    nothing to do. Raises MigrationError, and StoreUnavailable.
    """
    shape = shape or load_shape()
    connection = await connect(dsn)
    try:
        # A step may take long; the time-out is for the catalog's statements.
        await connection.execute("set statement_timeout = 0")
        await _lock(connection)
        if await connection.fetchval("select to_regclass('schema_migration') is null"):
            await _create(connection, shape)
            return tuple(migration.version for migration in shape.migrations)
        pending = _pending(shape, await _taken(connection))
        for migration in pending:
            await _take(connection, migration.up, [migration], f"Migration {migration}")
        return tuple(migration.version for migration in pending)
    finally:
        await connection.close()


async def _lock(connection: Connection) -> None:
    """Wait for our turn. Polled: a waiting statement's snapshot holds up concurrent indexes."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _LOCK_WAIT_S
    while not await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK):
        if loop.time() > until:
            raise MigrationError(
                f"Another migration has been running for {_LOCK_WAIT_S:.0f} s: try again later."
            )
        await asyncio.sleep(_LOCK_POLL_S)


async def _create(connection: Connection, shape: Shape) -> None:
    stranger = await connection.fetchval(_STRANGERS)
    if stranger is not None:
        raise MigrationError(
            f"The database is not empty and not ours (it has a table {stranger}):"
            " give HotHour a database of its own."
        )
    await _take(connection, _LEDGER + ";" + shape.schema, shape.migrations, "The schema")


async def _taken(connection: Connection) -> dict[str, str]:
    rows = await connection.fetch("select version, checksum from schema_migration")
    return {row["version"]: row["checksum"] for row in rows}


def _pending(shape: Shape, taken: dict[str, str]) -> list[Migration]:
    known = {migration.version for migration in shape.migrations}
    if unknown := sorted(taken.keys() - known):
        raise MigrationError(
            f"The database is newer than this HotHour (it has migration {unknown[-1]}):"
            " install that version."
        )
    for migration in shape.migrations:
        if taken.get(migration.version, migration.checksum) != migration.checksum:
            raise MigrationError(
                f"Migration {migration} was changed after this database had taken it:"
                " restore it and write a new one."
            )
    return [migration for migration in shape.migrations if migration.version not in taken]


async def _take(
    connection: Connection,
    script: str,
    migrations: tuple[Migration, ...] | list[Migration],
    what: str,
) -> None:
    """Run a script and record what it stands for, both or neither."""
    try:
        async with connection.transaction():
            await connection.execute(script)
            await connection.executemany(
                "insert into schema_migration (version, name, checksum) values ($1, $2, $3)",
                [
                    (migration.version, migration.name, migration.checksum)
                    for migration in migrations
                ],
            )
    except asyncpg.InsufficientPrivilegeError as error:
        raise MigrationError(
            f"{what} needs more rights than the database role has ({error.args[0]}):"
            " run `hothour migrate` as the database's owner, who may create roles."
        ) from error
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{what} failed and changed nothing: {error.args[0]}.") from error
