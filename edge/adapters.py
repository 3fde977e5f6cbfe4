"""The adapters of production: PostgreSQL behind every port, opened and closed as one.

The only place that names them, beside edge/app.py. Nothing here chooses between real and pretended:
there is one database, and it is real.
"""

from dataclasses import dataclass
from typing import Self

import asyncpg

from engine.settings import Settings
from engine.store.postgres.accounts import PostgresAccounts
from engine.store.postgres.auctions import PostgresAuctions
from engine.store.postgres.commit import PostgresCommitStore
from engine.store.postgres.keys import PostgresKeys
from engine.store.postgres.lane import Lane
from engine.store.postgres.leases import PostgresLeaseStore
from engine.store.postgres.migrate import MigrationError, migrate
from engine.store.postgres.outbox import PostgresOutboxStore
from engine.store.postgres.pool import (
    Pool,
    StoreUnavailable,
    UnsafeDatabase,
    assert_safe,
    connect,
    open_pool,
)
from engine.store.postgres.reservations import PostgresReservations
from engine.store.postgres.schedule import PostgresScheduleStore
from engine.store.postgres.studios import PostgresStudios

__all__ = ["MigrationError", "StoreUnavailable", "Stores", "UnsafeDatabase", "prepare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """All doors to one database. `open` them, `close` them."""

    pool: Pool
    lane: Lane
    beats: Lane
    """A lane of the lease's own: a heartbeat never waits behind anything else."""
    commits: PostgresCommitStore
    schedule: PostgresScheduleStore
    leases: PostgresLeaseStore
    outbox: PostgresOutboxStore
    accounts: PostgresAccounts
    auctions: PostgresAuctions
    studios: PostgresStudios
    reservations: PostgresReservations
    keys: PostgresKeys

    @classmethod
    async def open(cls, dsn: str, settings: Settings) -> Self:
        """Connect. Raises StoreUnavailable."""
        pool = await open_pool(dsn)
        lane, beats = Lane(dsn), Lane(dsn, connections_max=1)
        return cls(
            pool=pool,
            lane=lane,
            beats=beats,
            commits=PostgresCommitStore(dsn, settings),
            schedule=PostgresScheduleStore(
                lane, shards=settings.shards, sweep_batch_max=settings.sweep_batch_max
            ),
            leases=PostgresLeaseStore(beats),
            outbox=PostgresOutboxStore(lane),
            accounts=PostgresAccounts(pool),
            auctions=PostgresAuctions(pool),
            studios=PostgresStudios(pool),
            reservations=PostgresReservations(pool),
            keys=PostgresKeys(pool),
        )

    async def close(self) -> None:
        """Let every connection go."""
        await self.commits.close()
        await self.lane.close()
        await self.beats.close()
        await self.pool.close()

    async def answers(self, within_s: float) -> bool:
        """Does the database answer a statement in time?"""
        try:
            async with self.pool.acquire(timeout=within_s) as connection:
                await connection.execute("select 1", timeout=within_s)
        except _GONE:
            return False
        return True

    async def epoch(self) -> str:
        """What changes when this database is another one, or was restored from a backup."""
        async with self.pool.acquire() as connection:
            try:
                return str(await connection.fetchval(_EPOCH))
            except asyncpg.InsufficientPrivilegeError:
                return str(await connection.fetchval(_EPOCH_OF_THE_UNPRIVILEGED))


_GONE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a database that goes away in the middle of something is heard by."""
_EPOCH = """
select format('%s.%s.%s', (select system_identifier from pg_control_system()),
    (select timeline_id from pg_control_checkpoint()), oid)
from pg_database where datname = current_database()
"""
_EPOCH_OF_THE_UNPRIVILEGED = "select oid::text from pg_database where datname = current_database()"


async def prepare(dsn: str, *, allow_unsafe: bool) -> None:
    """Make the database usable: check that it keeps what it confirms, then migrate it.

    Raises StoreUnavailable, UnsafeDatabase and MigrationError, one sentence each.
    """
    try:
        connection = await connect(dsn)
        try:
            await assert_safe(connection, allow_unsafe)
            await _assert_writable(connection)
        finally:
            await connection.close()
        await migrate(dsn)
    except _GONE as error:
        why = error.args[0] if isinstance(error, asyncpg.PostgresError) else "it went away"
        raise StoreUnavailable(f"The database cannot be made ready: {why}.") from error


async def _assert_writable(connection: asyncpg.Connection) -> None:
    if await connection.fetchval("show transaction_read_only") == "on":
        raise UnsafeDatabase("The database only reads (a standby, perhaps): name the primary.")
