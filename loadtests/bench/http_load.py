"""Guests over HTTP, as lean as they come: bytes made beforehand, a callback an answer, no task.

One request at a time on each connection, so that an answer needs no number to be told apart.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import orjson

from loadtests.bench.figures import Broken
from loadtests.bench.product import Guest, Server

_CONNECTING_AT_ONCE = 100
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


def whole_answer(received: bytes) -> tuple[Answer, bytes] | None:
    """The first answer in `received` and what follows it; None while it is not complete."""
    end = received.find(_END_OF_HEAD)
    if end < 0:
        return None
    head = received[:end].lower()
    at = head.find(_LENGTH)
    length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    body_at = end + len(_END_OF_HEAD)
    if len(received) < body_at + length:
        return None
    body = received[body_at : body_at + length]
    return Answer(int(head.split(b" ", 2)[1]), body), received[body_at + length :]


def press(
    server: Server, guest: Guest, auction_id: int, key: str, max_price: str | None = None
) -> bytes:
    """The request that books a seat, for at most that price."""
    order = {"auction_id": auction_id} | ({} if max_price is None else {"max_price": max_price})
    body = orjson.dumps(order)
    head = (
        "POST /api/v1/reservations/book HTTP/1.1\r\n"
        f"Host: {server.host}:{server.port}\r\n"
        f"Authorization: Bearer {guest.token}\r\n"
        f"Idempotency-Key: {key}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """`send` a request, `heard` gets the answer and when it came (time.perf_counter_ns)."""

    def __init__(self) -> None:
        self.heard: Callable[[Connection, Answer, int], None] | None = None
        self.lost = False
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # by duck type: uvloop's is its own

    def connection_lost(self, _: Exception | None) -> None:
        self.lost = True

    def data_received(self, data: bytes) -> None:
        came_ns = time.perf_counter_ns()
        self._received += data
        answer = whole_answer(self._received)
        if answer is not None:
            told, self._received = answer
            assert self.heard is not None, "an answer to a question"
            self.heard(self, told, came_ns)

    def send(self, request: bytes) -> None:
        """Ask; not before the last question is answered."""
        assert self._transport is not None, "connected"
        self._transport.write(request)

    async def ask(self, request: bytes) -> Answer:
        """One question, one answer."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.heard = lambda _, told, __: answer.set_result(told)
        self.send(request)
        async with asyncio.timeout(10):
            return await answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


async def connections(server: Server, count: int) -> list[Connection]:
    """So many open connections."""
    loop = asyncio.get_running_loop()
    opened: list[Connection] = []
    while len(opened) < count:
        several = min(_CONNECTING_AT_ONCE, count - len(opened))
        pairs = await asyncio.gather(
            *(loop.create_connection(Connection, server.host, server.port) for _ in range(several))
        )
        opened += [protocol for _, protocol in pairs]
    return opened


def hang_up(opened: Sequence[Connection]) -> None:
    """Close them all. Raises Broken if the server has closed one before."""
    lost = sum(connection.lost for connection in opened)
    for connection in opened:
        connection.close()
    if lost:
        raise Broken(f"the server closed {lost} of {len(opened)} connections")
