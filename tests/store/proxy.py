"""A wire to PostgreSQL that can be cut after any byte, either way, or made to hold bytes back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

_CHUNK_BYTES = 65_536
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_SYNC = b"S\x00\x00\x00\x04"
"""The message that ends a statement: until it comes, nothing is committed."""


class Way:
    """One direction of one connection."""

    def __init__(self) -> None:
        self.seen_bytes = 0
        self.cut_after: int | None = None
        """Bytes from now on; then the wire is dead. None: never."""
        self.held: bytearray | None = None
        """Bytes that were held back, once `hold` is called."""
        self.holds_sync_only = False
        self.watch: Callable[[bytes], bool] | None = None
        """Sees every chunk before it goes on; False: the wire dies, and the chunk with it."""
        self.delay_s = 0.0
        """How long each chunk is on its way."""

    def hold(self, *, sync_only: bool = False) -> None:
        """Let nothing through any more; or nothing but the Sync is kept."""
        self.held, self.holds_sync_only = bytearray(), sync_only


class Wire:
    """One connection through the proxy."""

    def __init__(self, server: asyncio.StreamWriter, client: asyncio.StreamWriter) -> None:
        self.up, self.down = Way(), Way()
        self._server, self._client = server, client

    def cut_client(self) -> None:
        """The client's half is dead; the server does not know."""
        self._client.transport.abort()

    def release(self) -> None:
        """What was held back reaches the server after all."""
        held, self.up.held = self.up.held, None
        assert held, "nothing was held"
        self._server.write(bytes(held))

    async def pump(self, reader: asyncio.StreamReader, way: Way) -> None:
        """Carry one direction until somebody hangs up or the wire is cut."""
        writer = self._server if way is self.up else self._client
        while chunk := await reader.read(_CHUNK_BYTES):
            if way.watch is not None and not way.watch(chunk):
                self.abort()
                return
            if way.delay_s:
                await asyncio.sleep(way.delay_s)
            chunk, dead = self._limited(chunk, way)
            way.seen_bytes += len(chunk)
            if chunk:
                writer.write(chunk)
                await writer.drain()
            if dead:
                self.abort()
                return
        if way is self.up and way.held is not None:
            return  # the server is left waiting for the rest
        writer.close()

    def abort(self) -> None:
        """Both halves are dead."""
        self._server.transport.abort()
        self._client.transport.abort()

    def _limited(self, chunk: bytes, way: Way) -> tuple[bytes, bool]:
        if way.held is not None:
            kept = chunk[-len(_SYNC) :] if way.holds_sync_only else chunk
            if way.holds_sync_only and kept != _SYNC:
                return chunk, False
            way.held += kept
            return chunk[: len(chunk) - len(kept)], False
        if way.cut_after is None or len(chunk) < way.cut_after:
            if way.cut_after is not None:
                way.cut_after -= len(chunk)
            return chunk, False
        return chunk[: way.cut_after], True


def _no_matter(_: Wire) -> None:
    """Nobody wants to know."""


class Relay:
    """Carries what connects to where `dial` leads; `wires` in the order in which they were opened.

    `opened` hears of each wire before a byte has gone through it.
    """

    def __init__(self, opened: Callable[[Wire], None] = _no_matter) -> None:
        self.wires: list[Wire] = []
        self._opened = opened
        self._tasks: set[asyncio.Task[None]] = set()

    async def dial(self) -> Streams:
        """A connection to the other side. Raises OSError: then whoever connected is cut off."""
        raise NotImplementedError

    async def accept(
        self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        """Somebody has connected."""
        try:
            from_server, to_server = await self.dial()
        except OSError:
            to_client.transport.abort()
            return
        wire = Wire(to_server, to_client)
        self.wires.append(wire)
        self._opened(wire)
        for reader, way in ((from_client, wire.up), (from_server, wire.down)):
            task = asyncio.get_running_loop().create_task(self._carry(wire, reader, way))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def hang_up(self) -> None:
        """End every wire."""
        for wire in self.wires:
            wire.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, wire: Wire, reader: asyncio.StreamReader, way: Way) -> None:
        try:
            await wire.pump(reader, way)
        except (OSError, RuntimeError):  # RuntimeError: uvloop's word for a closed transport
            # A process that is killed with bytes unread resets: the other side has to hear of it,
            # or it holds its locks for ever.
            if wire.up.held is None:
                wire.abort()


class Proxy(Relay):
    """Listens on a unix socket of its own."""

    def __init__(self, dsn: str, opened: Callable[[Wire], None] = _no_matter) -> None:
        super().__init__(opened)
        self._upstream = urlsplit(dsn)
        self.dsn = ""

    @asynccontextmanager
    async def listening(self, folder: Path) -> AsyncIterator["Proxy"]:
        """While this lasts, `dsn` leads through the proxy."""
        server = await asyncio.start_unix_server(self.accept, folder / ".s.PGSQL.5432")
        user = f"{self._upstream.username}@" if self._upstream.username else ""
        query = f"host={quote(str(folder), safe='/')}&port=5432"
        self.dsn = urlunsplit(self._upstream._replace(netloc=user, query=query))
        try:
            yield self
        finally:
            server.close()
            await self.hang_up()
            await server.wait_closed()

    async def dial(self) -> Streams:
        query = parse_qs(self._upstream.query)
        port = self._upstream.port or int(query.get("port", ["5432"])[0])
        host = self._upstream.hostname or query["host"][0]
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)
