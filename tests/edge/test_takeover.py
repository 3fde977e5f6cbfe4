"""A WebSocket's transport is its own protocol's, and nothing of its request is left."""

import asyncio
import gc
from base64 import b64encode

import pytest
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from edge.endpoint import Tools
from edge.takeover import Taken, accept_of, switching, take_over
from tests.edge.rig import rig
from tests.engine.world import eventually
from tests.hostile import wire


class Echo(asyncio.Protocol):
    """Gives back what comes, in capitals."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.ended = False

    def data_received(self, data: bytes) -> None:
        self._transport.write(data.upper())
        if data.endswith(b"."):
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True


class Echoes:
    """The handler of /echo, and who talks there."""

    def __init__(self) -> None:
        self.echoes: list[Echo] = []

    def mount(self, app: web.Application, _: Tools) -> None:
        app.router.add_get("/ws", self._handle)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        accept, transport = accept_of(request), request.transport
        if accept is None or transport is None:
            return web.Response(status=400)
        transport.write(switching(accept, None))
        echo = Echo(transport)
        self.echoes.append(echo)
        early = take_over(request, transport, echo)
        if early:
            echo.data_received(early)
        return Taken()


def alive() -> int:
    """Connections of aiohttp that are in memory, garbage not counted."""
    gc.collect()
    return sum(isinstance(each, RequestHandler) for each in gc.get_objects())


async def test_the_answer_is_the_one_of_rfc_6455() -> None:
    echoes = Echoes()
    async with rig(mounts=echoes.mount) as server:
        key = b"dGhlIHNhbXBsZSBub25jZQ=="  # of its section 1.3, with the answer
        asked = wire.UPGRADE.replace(b"AAAAAAAAAAAAAAAAAAAAAA==", key)
        got = await server.raw(asked + b"\r\n", b"bye.")
    head, _, rest = got.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 101 Switching Protocols"
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in lines
    assert b"Server: hothour" in lines
    assert not any(
        line.startswith((b"Content-Length", b"Sec-WebSocket-Protocol")) for line in lines
    )
    assert rest == b"BYE."


def test_a_protocol_is_named_when_there_is_one() -> None:
    assert b"\r\nSec-WebSocket-Protocol: hothour.v1\r\n" in switching(b"x", "hothour.v1")


@pytest.mark.parametrize("key", [b"", b"short", b64encode(bytes(15)), b64encode(bytes(17)), b"?"])
async def test_a_key_that_is_none_is_refused_and_the_connection_goes_on(key: bytes) -> None:
    echoes = Echoes()
    async with rig(mounts=echoes.mount) as server:
        asked = wire.UPGRADE.replace(b"AAAAAAAAAAAAAAAAAAAAAA==", key) + b"\r\n"
        got = await server.raw(asked + asked.replace(b": Upgrade", b": close"))
    assert got.count(b"HTTP/1.1 400 ") == 2
    assert echoes.echoes == []


async def test_what_came_right_behind_the_handshake_is_not_lost() -> None:
    echoes = Echoes()
    async with rig(mounts=echoes.mount) as server:
        got = await server.raw(wire.UPGRADE + b"\r\n" + b"early, " + b"x" * 200_000, b"late.")
    rest = got.partition(b"\r\n\r\n")[2]
    assert rest == b"EARLY, " + b"X" * 200_000 + b"LATE."


async def test_of_the_request_and_its_connection_nothing_is_left() -> None:
    echoes = Echoes()
    async with rig(mounts=echoes.mount) as server:
        before = alive()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(wire.UPGRADE + b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await eventually(lambda: alive() == before, 5)
        assert server.runner.server is not None
        assert server.runner.server.connections == []
        assert len(server.runner.guard) == 0
        writer.write(b"still here")
        assert await reader.readexactly(10) == b"STILL HERE"
        writer.close()
        await eventually(lambda: echoes.echoes[0].ended, 5)
