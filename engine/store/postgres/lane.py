"""A few connections of our own for short statements.

The catalog's pool may be busy with long lists; a heartbeat or a fence may not wait behind them. A
connection is used by one at a time and thrown away after any error: what it is in the middle of is
not known. Everything in here has an end: a place, a connection and an answer are each waited for
a bounded time.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from engine.ports.commit import Ambiguous, Unavailable
from engine.store.postgres.pool import Connection, ConnectSettings, Profile, connect


async def open_connection(
    dsn: str, settings: ConnectSettings | None, profile: Profile
) -> Connection:
    """A new connection; the caller closes it. Raises Unavailable."""
    try:
        return await connect(dsn, settings, profile=profile)
    except Exception as error:
        # A server that vanishes in the middle of its greeting shows itself in many ways.
        raise Unavailable(str(error)) from error


@contextmanager
def kept_if_well(connection: Connection) -> Iterator[None]:
    """Whatever goes wrong inside, cancellation too, ends the connection."""
    try:
        yield
    except BaseException:
        connection.terminate()
        raise


class Lane:
    """At most `connections_max` connections; whoever finds none waits for one."""

    def __init__(
        self,
        dsn: str,
        settings: ConnectSettings | None = None,
        *,
        profile: Profile = "resolve",
        connections_max: int = 2,
        timeout_ms: int = 5_000,
    ) -> None:
        """`timeout_ms`: for a place, and then again for all that is asked of the connection."""
        self._dsn = dsn
        self._settings = settings
        self._profile: Profile = profile
        self._timeout_s = timeout_ms / 1_000
        self._places = asyncio.Semaphore(connections_max)
        self._idle: list[Connection] = []

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """A connection for what changes something.

        Raises Unavailable when there is none, and Ambiguous for whatever goes wrong inside.
        """
        await self._enter()
        try:
            connection = await self._take()
            try:
                with kept_if_well(connection):
                    async with asyncio.timeout(self._timeout_s):
                        yield connection
            except Exception as error:
                raise Ambiguous(f"{type(error).__name__}: {error}") from error
            self._idle.append(connection)
        finally:
            self._places.release()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection for what changes nothing that matters; only Unavailable is raised."""
        try:
            async with self.writing() as connection:
                yield connection
        except Ambiguous as error:
            raise Unavailable(str(error)) from error

    async def close(self) -> None:
        """Close what is idle. Whoever uses a connection now still finishes."""
        while self._idle:
            await self._idle.pop().close()

    async def _enter(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._places.acquire()
        except TimeoutError as error:
            raise Unavailable("all our connections are busy") from error

    async def _take(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await open_connection(self._dsn, self._settings, self._profile)
