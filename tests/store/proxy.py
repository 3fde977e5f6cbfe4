"""A wire to PostgreSQL that can be cut after any byte, either way, or made to hold bytes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

_CHUNK_BYTES = 65_536
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


class Proxy:
    """Listens on a unix socket of its own; `wires` in the order in which they were opened."""

    def __init__(self, dsn: str) -> None:
        self._upstream = urlsplit(dsn)
        self.dsn = ""
        self.wires: list[Wire] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self, folder: Path) -> AsyncIterator["Proxy"]:
        """While this lasts, `dsn` leads through the proxy."""
        server = await asyncio.start_unix_server(self._accept, folder / ".s.PGSQL.5432")
        user = f"{self._upstream.username}@" if self._upstream.username else ""
        query = f"host={quote(str(folder), safe='/')}&port=5432"
        self.dsn = urlunsplit(self._upstream._replace(netloc=user, query=query))
        try:
            yield self
        finally:
            server.close()
            for wire in self.wires:
                wire.abort()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await server.wait_closed()

    async def _accept(
        self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        from_server, to_server = await self._dial()
        wire = Wire(to_server, to_client)
        self.wires.append(wire)
        for reader, way in ((from_client, wire.up), (from_server, wire.down)):
            task = asyncio.get_running_loop().create_task(self._carry(wire, reader, way))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, wire: Wire, reader: asyncio.StreamReader, way: Way) -> None:
        with suppress(OSError):
            await wire.pump(reader, way)

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        query = parse_qs(self._upstream.query)
        port = self._upstream.port or int(query.get("port", ["5432"])[0])
        host = self._upstream.hostname or query["host"][0]
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)
