"""Messages one after the other, without a task while nobody waits."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edge.connection import Socket
from edge.live_connection import MESSAGES_A_TURN, Later, LiveConnection
from edge.ws_reader import Message
from tests.edge.live_clients import client_frame
from tests.edge.live_shop import START_MS, until

FRAME_MAX = 100


class Line:
    """A transport of which only reading and the end matter."""

    def __init__(self) -> None:
        self.reading = True
        self.closing = False

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Bench:
    """One connection; its host notes what it hears. Messages that begin with "w" wait."""

    def __init__(self) -> None:
        self.line = Line()
        transport: Any = self.line
        self.socket = Socket(transport, address="", language="tr", now_ms=START_MS)
        self.connection = LiveConnection(self, self.socket, FRAME_MAX)
        self.heard: list[bytes] = []
        self.done: list[bytes] = []
        self.ends: list[object] = []
        self.fills = 0
        self.gate = asyncio.Event()
        self.on_hear: Callable[[], None] = lambda: None

    def send(self, *payloads: bytes) -> None:
        self.connection.data_received(b"".join(map(client_frame, payloads)))

    def hear(self, socket: Socket, message: Message) -> Later | None:
        assert socket is self.socket
        self.heard.append(message.data)
        self.on_hear()
        return self._wait(message.data) if message.data.startswith(b"w") else None

    async def _wait(self, payload: bytes) -> None:
        await self.gate.wait()
        self.done.append(payload)

    def broken(self, socket: Socket, code: int) -> None:
        self.ends.append(code)

    def failed(self, socket: Socket, error: Exception) -> None:
        self.ends.append(error)

    def filled(self, socket: Socket) -> None:
        self.fills += 1

    def lost(self, socket: Socket) -> None:
        self.ends.append("lost")


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_what_need_not_wait_is_heard_at_once_and_without_a_task(bench: Bench) -> None:
    tasks = asyncio.all_tasks()
    bench.send(b"a", b"b")
    assert bench.heard == [b"a", b"b"]
    assert asyncio.all_tasks() == tasks


async def test_what_is_behind_a_message_that_waits_waits_as_well(bench: Bench) -> None:
    bench.send(b"a", b"w1", b"b", b"w2")
    bench.send(b"c")
    await asyncio.sleep(0)
    assert bench.heard == [b"a", b"w1"]
    bench.gate.set()
    await until(lambda: bench.heard == [b"a", b"w1", b"b", b"w2", b"c"])
    assert bench.done == [b"w1", b"w2"]
    bench.send(b"d")
    assert bench.heard[-1] == b"d"


async def test_meanwhile_more_than_one_message_is_not_read_from_the_peer(bench: Bench) -> None:
    reading = []
    for payload in (b"w", b"x" * 90, b"x" * 90):
        bench.send(payload)
        reading.append(bench.line.reading)
    assert reading == [True, True, False]
    bench.gate.set()
    await until(lambda: len(bench.heard) == 3)
    assert bench.line.reading


async def test_a_flood_is_heard_in_turns(bench: Bench) -> None:
    bench.send(*[b"x"] * (2 * MESSAGES_A_TURN + 1))
    assert (len(bench.heard), bench.line.reading) == (MESSAGES_A_TURN, False)
    await asyncio.sleep(0)
    assert len(bench.heard) == 2 * MESSAGES_A_TURN
    await until(lambda: len(bench.heard) == 2 * MESSAGES_A_TURN + 1)
    assert bench.line.reading


async def test_who_is_lost_while_a_message_waits_leaves_no_task(bench: Bench) -> None:
    tasks = asyncio.all_tasks()
    bench.send(b"w", b"behind")
    await asyncio.sleep(0)
    bench.connection.connection_lost(None)
    await until(lambda: asyncio.all_tasks() == tasks)
    bench.gate.set()
    await asyncio.sleep(0)
    assert (bench.heard, bench.done, bench.ends) == ([b"w"], [], ["lost"])


async def test_who_is_lost_before_a_message_began_to_wait_leaves_no_task_either(
    bench: Bench,
) -> None:
    tasks = asyncio.all_tasks()
    bench.send(b"w")
    bench.connection.connection_lost(None)
    await until(lambda: asyncio.all_tasks() == tasks)
    assert bench.done == []


async def test_who_is_lost_between_two_turns_is_not_heard_any_more(bench: Bench) -> None:
    bench.send(*[b"x"] * (MESSAGES_A_TURN + 1))
    bench.connection.connection_lost(None)
    await asyncio.sleep(0)
    assert len(bench.heard) == MESSAGES_A_TURN


async def test_after_the_end_nothing_is_heard(bench: Bench) -> None:
    def close() -> None:
        bench.line.closing = True

    bench.on_hear = close
    bench.send(b"goodbye", b"behind")
    assert bench.heard == [b"goodbye"]


async def test_what_is_no_frame_fails_the_connection_behind_what_came_before(bench: Bench) -> None:
    bench.connection.data_received(client_frame(b"a") + b"\x81\x01x")
    assert (bench.heard, bench.ends) == ([b"a"], [1002])
    bench = Bench()
    bench.connection.data_received(client_frame(b"x" * (FRAME_MAX + 1)))
    assert (bench.heard, bench.ends) == ([], [1009])


async def test_what_breaks_in_its_host_is_told_to_it(bench: Bench) -> None:
    error = RuntimeError("ours")

    def fail() -> None:
        raise error

    bench.on_hear = fail
    bench.send(b"a", b"b")
    assert (bench.heard, bench.ends) == ([b"a"], [error])


async def test_the_end_of_what_a_peer_says_is_its_end(bench: Bench) -> None:
    bench.connection.eof_received()
    assert bench.ends == ["lost"]


async def test_whether_it_takes_what_is_written_is_known(bench: Bench) -> None:
    bench.connection.pause_writing()
    assert (bench.socket.full, bench.fills) == (True, 1)
    bench.connection.resume_writing()
    assert not bench.socket.full
