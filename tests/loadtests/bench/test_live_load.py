from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from edge import ws_frames
from loadtests.bench.live_load import FrameReader, press, watchers
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


async def test_a_socket_asks_hears_and_tapes() -> None:
    app = web.Application()
    app.router.add_get("/ws", echo)
    async with TestServer(app) as running:
        (socket,) = await watchers(Server(str(running.make_url("")), 0, 0.0, 0.0), 1)
        long = "x" * 300
        assert await socket.ask(type="ping", said=long) == {"ref": 0, "type": "ping", "said": long}

        heard: list[bytes] = []
        socket.heard = lambda _, payload: heard.append(payload)
        socket.send(b'{"ref":1}')
        socket.heard, hear = None, socket.heard
        socket.heard = hear
        answer = await _until(heard)
        assert answer == b'{"ref":1}'
        socket.close()


async def _until(heard: list[bytes]) -> bytes:
    import asyncio

    async with asyncio.timeout(5):
        while not heard:
            await asyncio.sleep(0)
    return heard[0]
