"""The watchers of the benchmarks, on a server that says everything back."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from edge import ws_frames
from loadtests.bench.figures import Broken
from loadtests.bench.live_load import FrameReader, LiveSocket, press, watchers
from loadtests.bench.product import Server

payloads = st.lists(st.binary(max_size=70_000), min_size=1, max_size=4)


@given(payloads, st.integers(1, 4_000))
def test_frames_are_read_however_they_are_cut(sent: list[bytes], piece: int) -> None:
    stream = b"".join(map(ws_frames.text, sent))
    reader = FrameReader()
    heard = [
        payload
        for at in range(0, len(stream), piece)
        for payload in reader.feed(stream[at : at + piece])
    ]
    assert heard == sent


def test_frames_that_are_no_text_are_passed_over() -> None:
    ping = bytes((0x89, 2)) + b"hi"
    assert FrameReader().feed(ping + ws_frames.text(b"{}") + ping) == [b"{}"]


def test_a_press_is_a_message_of_the_live_channel() -> None:
    assert press(42, "k" * 16) == (
        b'{"type":"book","ref":1,"auction_id":42,"idempotency_key":"kkkkkkkkkkkkkkkk"}'
    )


async def echo(request: web.Request) -> web.WebSocketResponse:
    ws: web.WebSocketResponse = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(message.data)
    return ws


@pytest.fixture
async def socket() -> AsyncIterator[LiveSocket]:
    """A socket to a server that says everything back."""
    app = web.Application()
    app.router.add_get("/ws", echo)
    async with TestServer(app) as running:
        (opened,) = await watchers(Server(str(running.make_url("")), 0, 0.0, 0.0), 1)
        yield opened
        opened.close()


async def test_a_socket_asks_and_hears_the_answer(socket: LiveSocket) -> None:
    said = {"type": "ping", "long": "x" * 300}
    assert await socket.ask(**said) == {"ref": 0, **said}


async def test_an_answer_that_is_an_error_ends_the_run(socket: LiveSocket) -> None:
    with pytest.raises(Broken, match="error was answered with SOLD"):
        await socket.ask(type="error", code="SOLD")


async def test_every_payload_goes_to_whoever_hears_it(socket: LiveSocket) -> None:
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    socket.heard = lambda _, payload: heard.set_result(payload)
    socket.send(b'{"ref":1}')
    async with asyncio.timeout(5):
        assert await heard == b'{"ref":1}'


async def test_what_is_taped_keeps_the_instant_at_which_it_came(socket: LiveSocket) -> None:
    taped: list[tuple[int, bytes]] = []
    before_ns = time.time_ns()
    socket.send(b'{"ref":1}')
    async with asyncio.timeout(5):
        while not taped:
            socket.tape()
            await asyncio.sleep(0.01)
            taped = list(socket.played())
    ((came_ns, payload),) = taped
    assert payload == b'{"ref":1}'
    assert before_ns <= came_ns <= time.time_ns()
    assert await socket.ask(type="ping") == {"ref": 0, "type": "ping"}
