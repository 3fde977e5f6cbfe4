"""Pings, heartbeats, time-outs."""

import asyncio
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from engine.frames import instant
from tests.edge.live_clients import client_frame
from tests.edge.live_shop import START_MS
from tests.edge.live_world import World, world

PONG = client_frame(b"", 0x8A)
SPOKEN = client_frame(b'{"type":"ping","client_ms":0}')


@pytest.fixture
async def here() -> AsyncIterator[World]:
    async with world() as running:
        yield running


async def test_who_says_nothing_valid_within_ten_seconds_is_closed(here: World) -> None:
    async with here.client() as client:
        await client.send({"type": "nonsense"})
        await client.next("error")
        await here.pass_time(9_900, 100)
        assert here.meters.closes == []
        await here.pass_time(200, 100)
        assert await client.closed() == 4009


async def test_who_has_spoken_may_be_silent_as_long_as_it_is_there(here: World) -> None:
    async with here.client() as client:
        await client.ask("ping", client_ms=1)
        for _ in range(30):
            await here.pass_time(10_000)
            await asyncio.sleep(0.002)  # the client's pong travels
        assert here.meters.closes == []
        assert {m["type"] for m in await client.everything()} == {"heartbeat"}


async def test_a_heartbeat_comes_after_45_seconds_without_a_frame(here: World) -> None:
    async with here.client() as client:
        await client.ask("ping", client_ms=1)
        await here.pass_time(20_000)
        assert await client.everything() == []
        await here.pass_time(44_900, 100)
        assert client.inbox == []
        await here.pass_time(300, 100)
        told = await client.next("heartbeat")
    sent_ms = START_MS + 65_000
    assert told in [
        {"type": "heartbeat", "server_time": instant(ms)} for ms in range(sent_ms, sent_ms + 301)
    ]


async def raw(end: sockets.socket) -> bytes:
    """What the server has sent to a connection that reads by hand."""
    got, part = b"", b"?"
    with suppress(TimeoutError):
        while part:
            async with asyncio.timeout(0.05):
                part = await asyncio.get_running_loop().sock_recv(end, 4_096)
            got += part
    return got


async def test_silence_is_answered_by_a_ping_and_then_by_a_goodbye(here: World) -> None:
    async with here.stuck(SPOKEN) as end:
        await here.until(lambda: here.meters.kinds == ["ping"])
        await raw(end)
        await here.pass_time(39_900, 100)
        assert await raw(end) == b""
        await here.pass_time(200, 100)
        assert await raw(end) == b"\x89\x00"
        await here.pass_time(49_700, 100)
        assert here.meters.closes == []
        await here.pass_time(300, 100)
        assert here.meters.closes == [4103]
        assert (await raw(end)).endswith(b"\x88\x02\x10\x07")


async def test_a_pong_is_a_sign_of_life(here: World) -> None:
    async with here.stuck(SPOKEN) as end:
        await here.until(lambda: here.meters.kinds == ["ping"])
        for _ in range(5):
            await here.pass_time(41_000)
            await asyncio.get_running_loop().sock_sendall(end, PONG)
            await asyncio.sleep(0.01)
        assert here.meters.closes == []
        assert (await raw(end)).count(b"\x89\x00") == 5


async def test_a_congested_socket_gets_neither_pings_nor_heartbeats(here: World) -> None:
    async with here.stuck(SPOKEN):
        await here.until(lambda: here.meters.kinds == ["ping"])
        (socket,) = here.channel._sockets
        while not socket.full:
            socket.transport.write(b"\x81\x04null")
        here.hub.writer.write(socket, b"\x81\x04null")
        waiting = socket.transport.get_write_buffer_size()
        here.clock.now += 60_000
        here.channel._sweeper._wake()
        await here.settle()
        assert socket.transport.get_write_buffer_size() <= waiting


async def test_who_does_not_answer_a_goodbye_is_cut_three_seconds_later(here: World) -> None:
    async with here.stuck():
        await here.until(lambda: here.channel.open_sockets == 1)
        await here.pass_time(10_100, 100)
        assert here.meters.closes == [4009]
        await here.pass_time(2_800, 100)
        assert here.channel.open_sockets == 1
        await here.pass_time(500, 100)
        await here.until(lambda: here.channel.open_sockets == 0)
