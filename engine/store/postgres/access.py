"""How the catalog borrows a connection, and what a failure means to whoever asked.

Before anything was sent, and for anything that only reads: Busy, nothing was done. A write that
PostgreSQL itself refused is definitely rolled back: Busy if trying again may help, else it is a
mistake of ours and travels on. A write that was sent and lost: UnknownOutcome.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from engine.errors import Busy, UnknownOutcome
from engine.store.postgres.failures import is_definite
from engine.store.postgres.pool import AnyConnection, Pool

_ACQUIRE_TIMEOUT_S: Final = 2.0
"""Longest wait for a free connection; past it Busy."""

_FAILURES: Final = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a server that was killed may look like
)
_PASSING: Final = ("40", "53", "55P03", "57014")
"""SQLSTATEs (by their beginning) of a definite rollback that may not happen the next time."""


@asynccontextmanager
async def reading(pool: Pool) -> AsyncIterator[AnyConnection]:
    """A connection to read with. Raises Busy."""
    async with _borrowed(pool) as connection:
        try:
            yield connection
        except _FAILURES as error:
            if _is_ours(error):
                raise
            raise Busy() from error


@asynccontextmanager
async def writing(pool: Pool) -> AsyncIterator[AnyConnection]:
    """A connection for one statement or transaction that writes. Raises Busy, UnknownOutcome."""
    async with _borrowed(pool) as connection:
        try:
            yield connection
        except _FAILURES as error:
            if _is_ours(error):
                raise
            if is_definite(error):
                raise Busy() from error
            raise UnknownOutcome() from error


@asynccontextmanager
async def _borrowed(pool: Pool) -> AsyncIterator[AnyConnection]:
    try:
        connection = await pool.acquire(timeout=_ACQUIRE_TIMEOUT_S)
    except _FAILURES as error:
        raise Busy() from error
    try:
        yield connection
    finally:
        await pool.release(connection)


def _is_ours(error: Exception) -> bool:
    """Is it a mistake of this code: a wrong statement, a wrong argument, a broken constraint?"""
    if is_definite(error):
        return not str(getattr(error, "sqlstate", "")).startswith(_PASSING)
    return isinstance(error, ValueError)  # an argument that asyncpg cannot encode
