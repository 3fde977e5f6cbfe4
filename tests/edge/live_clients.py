"""Both kinds of clients for the live channel's tests: real ones, and wires that only remember.

The real ones are the `websockets` package's, so both ends are not our own work.
"""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from edge.connection import Socket
from edge.writer import Writer
from tests.edge.live_shop import PATIENCE_S, START_MS, Fields

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: shop\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def client_frame(payload: bytes, first_byte: int = 0x81) -> bytes:
    """A short frame as a client sends it: masked, here with zeros."""
    assert len(payload) < 126
    return bytes((first_byte, 0x80 | len(payload), 0, 0, 0, 0)) + payload


class Wire:
    """A socket's transport that only remembers: for what has to be seen frame by frame. It takes
    everything unless it is `stuck`; then `waiting` bytes pile up."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.stuck = False
        self.high = 16_384
        self.low = 4_096
        self.aborted = False
        self.closed = False
        self.on_filled: Callable[[], None] = lambda: None
        self.on_drained: Callable[[], None] = lambda: None
        self._waiting = 0
        self._paused = False

    @property
    def waiting(self) -> int:
        return self._waiting

    @waiting.setter
    def waiting(self, count: int) -> None:
        self._waiting = count
        if not self._paused and count > self.high:
            self._paused = True
            self.on_filled()
        elif self._paused and count <= self.low:
            self._paused = False
            self.on_drained()

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        self.high, self.low = high, low

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return self.aborted or self.closed

    def write(self, raw: bytes) -> None:
        assert not self.is_closing(), "written to a socket that is gone"
        self.written.append(raw)
        if self.stuck:
            self.waiting += len(raw)

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        self.closed = True

    def messages(self) -> list[Fields]:
        """All text frames, read."""
        return [orjson.loads(payload_of(raw)) for raw in self.written if raw[0] == 0x81]


def payload_of(raw: bytes) -> bytes:
    """Of one unmasked frame."""
    return raw[{126: 4, 127: 10}.get(raw[1], 2) :]


def wired(now_ms: int = START_MS, writer: Writer | None = None) -> tuple[Socket, Wire]:
    """A socket on a wire that remembers; `writer` hears when it is filled."""
    wire = Wire()
    transport: Any = wire
    socket = Socket(transport, address="192.0.2.1", language="en", now_ms=now_ms)

    def filled() -> None:
        socket.full = True
        if writer is not None:
            writer.filled(socket)

    def drained() -> None:
        socket.full = False

    wire.on_filled, wire.on_drained = filled, drained
    return socket, wire


class Client:
    """One guest's end of a socket. What is not asked for yet waits in `inbox`."""

    def __init__(self, ws: ClientConnection) -> None:
        self.ws = ws
        self.inbox: list[Fields] = []
        self._refs = itertools.count(1)

    async def ask(self, kind: str, **fields: Any) -> Fields:
        """Send a message and wait for the answer with its ref."""
        ref = fields.setdefault("ref", next(self._refs))
        await self.send({"type": kind, **fields})
        return await self.answer(ref)

    async def answer(self, ref: object) -> Fields:
        """The answer to what was sent with this ref."""
        return await self.until(lambda m: m.get("ref") == ref)

    async def send(self, message: object) -> None:
        """Send one text frame."""
        raw = message if isinstance(message, str) else orjson.dumps(message).decode()
        await self.ws.send(raw)

    async def next(self, kind: str) -> Fields:
        """The next message of this type, skipping none that waits."""
        return await self.until(lambda m: m["type"] == kind)

    async def until(self, wanted: Callable[[Fields], bool]) -> Fields:
        """The first message that is wanted; others stay in the inbox, in order."""
        for index, waiting in enumerate(self.inbox):
            if wanted(waiting):
                return self.inbox.pop(index)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message: Fields = orjson.loads(await self.ws.recv())
                if wanted(message):
                    return message
                self.inbox.append(message)

    async def everything(self) -> list[Fields]:
        """All that has been sent so far: what comes before a ping's answer, and what waited."""
        answer = await self.ask("ping", client_ms=1)
        assert answer["type"] == "pong"
        told, self.inbox = self.inbox, []
        return told

    async def closed(self) -> int:
        """The code the server closes with; what came before it stays in the inbox."""
        with suppress(ConnectionClosed):
            async with asyncio.timeout(PATIENCE_S):
                async for raw in self.ws:
                    self.inbox.append(orjson.loads(raw))
        assert self.ws.close_code is not None
        return self.ws.close_code
