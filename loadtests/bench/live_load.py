"""Watchers over the live channel: a WebSocket that stamps what comes when it comes.

While a socket tapes, bytes and instants are put aside unread, so that reading one socket's frames
does not make the next one's look late. Masks are zeros: they protect proxies, and there is none.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, cast

from loadtests.bench.figures import Broken
from loadtests.bench.product import Guest, Server

ANSWER_TIMEOUT_S = 10.0
_CONNECTING_AT_ONCE = 100
_TEXT = 1
_NO_MASK = bytes(4)

Fields = dict[str, Any]


def client_frame(payload: bytes) -> bytes:
    """A text frame of a client, up to 64 KiB."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | _TEXT, 0x80 | size))
    else:
        head = bytes((0x80 | _TEXT, 0x80 | 126)) + size.to_bytes(2, "big")
    return head + _NO_MASK + payload


class FrameReader:
    """Bytes in, whole text frames of a server out; other frames are passed over."""

    def __init__(self) -> None:
        self._received = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are complete now."""
        received, at = self._received + data, 0
        payloads = []
        while (bounds := _bounds(received, at)) is not None:
            first, last = bounds
            if received[at] & 0x0F == _TEXT:
                payloads.append(received[first:last])
            at = last
        self._received = received[at:]
        return payloads


def _bounds(received: bytes, at: int) -> tuple[int, int] | None:
    """Where the payload of the frame at `at` begins and ends; None while it is not all there."""
    if len(received) < at + 2:
        return None
    size, first = received[at + 1], at + 2
    if size >= 126:
        first += 2 if size == 126 else 8
        if len(received) < first:
            return None
        size = int.from_bytes(received[at + 2 : first], "big")
    return None if len(received) < first + size else (first, first + size)


class LiveSocket(asyncio.Protocol):
    """One watcher. `ask` and hear the answer; or `tape` everything and read it later; or set
    `heard`, which then gets every payload and `ask` none."""

    def __init__(self, server: Server) -> None:
        self.heard: Callable[[LiveSocket, bytes], None] | None = None
        self.lost = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._server = server
        self._reader = FrameReader()
        self._tape: list[tuple[int, bytes]] | None = None
        self._answers: deque[asyncio.Future[Fields]] = deque()
        self._head = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # by duck type: uvloop's is its own
        self._transport.write(
            f"GET /ws HTTP/1.1\r\nHost: {self._server.host}:{self._server.port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )

    def connection_lost(self, _: Exception | None) -> None:
        self.lost = True
        if not self.opened.done():
            self.opened.set_exception(Broken("the server closed a socket before its upgrade"))

    def data_received(self, data: bytes) -> None:
        if self._tape is not None:
            self._tape.append((time.time_ns(), data))
        elif self.opened.done():
            self._hear(data)
        else:
            self._open(data)

    def send(self, message: bytes) -> None:
        """One JSON object."""
        assert self._transport is not None, "connected"
        self._transport.write(client_frame(message))

    async def ask(self, **fields: Any) -> Fields:
        """Send a message and wait for what answers it. Raises Broken when that is an error."""
        answer: asyncio.Future[Fields] = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        self.send(json.dumps({"ref": 0, **fields}).encode())
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            told = await answer
        if told["type"] == "error":
            raise Broken(f"{fields['type']} was answered with {told['code']}")
        return told

    def tape(self) -> None:
        """From now on frames are put aside unread."""
        self._tape = []

    def played(self) -> Iterator[tuple[int, bytes]]:
        """What was taped: when it came (ns since the epoch), and its payload."""
        tape, self._tape = self._tape or [], None
        for came_ns, data in tape:
            for payload in self._reader.feed(data):
                yield came_ns, payload

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def _open(self, data: bytes) -> None:
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if not end:
            return
        if head.split(b" ", 2)[1] != b"101":
            self.opened.set_exception(Broken(f"no upgrade: {head.splitlines()[0].decode()}"))
            return
        self.opened.set_result(None)
        self._hear(rest)

    def _hear(self, data: bytes) -> None:
        for payload in self._reader.feed(data):
            if self.heard is not None:
                self.heard(self, payload)
            elif self._answers and (fields := json.loads(payload)).get("ref") == 0:
                self._answers.popleft().set_result(fields)


async def watchers(server: Server, count: int) -> list[LiveSocket]:
    """So many open sockets."""
    loop = asyncio.get_running_loop()
    opened: list[LiveSocket] = []
    while len(opened) < count:
        several = min(_CONNECTING_AT_ONCE, count - len(opened))
        pairs = await asyncio.gather(
            *(
                loop.create_connection(lambda: LiveSocket(server), server.host, server.port)
                for _ in range(several)
            )
        )
        sockets = [socket for _, socket in pairs]
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await asyncio.gather(*(socket.opened for socket in sockets))
        opened += sockets
    return opened


async def sign_in(socket: LiveSocket, guest: Guest) -> None:
    """The socket is this guest's from now on."""
    await socket.ask(type="authenticate", token=guest.token)


def press(auction_id: int, key: str) -> bytes:
    """The message that books a seat."""
    return b'{"type":"book","ref":1,"auction_id":%d,"idempotency_key":"%b"}' % (
        auction_id,
        key.encode(),
    )


def hang_up(opened: list[LiveSocket]) -> None:
    """Close them all. Raises Broken if the server has closed one before."""
    lost = sum(socket.lost for socket in opened)
    for socket in opened:
        socket.close()
    if lost:
        raise Broken(f"the server closed {lost} of {len(opened)} sockets")
