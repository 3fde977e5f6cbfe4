"""Strangers on the socket: slow, silent, or not speaking HTTP at all."""

import asyncio
import json
from contextlib import suppress

import pytest
from aiohttp import http_parser, web

from edge import listener
from edge.endpoint import Tools
from edge.listener import require_c_parser
from edge.routing import Access, Call, Reply, Route
from engine.settings import Settings
from tests.edge.rig import HOST, Rig, rig
from tests.engine.world import eventually


async def hello(_: Call) -> Reply:
    return Reply(body="hello")


HELLO = Route(
    method="GET", path="/hello", handler=hello, access=Access.PUBLIC, summary="", tag="test"
)
ASKED = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
IMPATIENT = Settings(header_timeout_s=0.3)


async def gave_up(server: Rig) -> float:
    """How many connections were closed for their headers."""
    return server.metric("hothour_http_late_headers_total")


async def test_half_a_head_is_answered_408_and_closed() -> None:
    async with rig(HELLO, settings=IMPATIENT) as server:
        got = await server.raw(b"GET /hello HTTP/1.1\r\nHos")
        assert await gave_up(server) == 1
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"Connection: close" in head
    assert json.loads(body)["code"] == "REQUEST_TIMEOUT"
    assert int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0]) == len(body)


async def test_silence_is_closed_without_a_word() -> None:
    async with rig(HELLO, settings=IMPATIENT) as server:
        assert await server.raw() == b""
        assert await gave_up(server) == 1


async def test_half_a_head_that_comes_with_the_connection_is_answered_as_well() -> None:
    async with rig(HELLO, settings=IMPATIENT) as server:
        assert server.runner.server is not None
        connection, wire_ = server.runner.server(), Wire()
        connection.connection_made(wire_)
        connection.data_received(ASKED[:9])  # nobody waits for a request yet
        await eventually(lambda: bool(wire_.written), 8)
        assert wire_.written.startswith(b"HTTP/1.1 408 ")
        connection.connection_lost(None)


async def test_dripping_does_not_buy_time() -> None:
    async with rig(HELLO, settings=IMPATIENT) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        drip = asyncio.create_task(_drip(writer))
        async with asyncio.timeout(8):
            # Whoever still writes when he is cut off may not get to read why.
            with suppress(ConnectionResetError):
                await reader.read()
        assert await gave_up(server) == 1
        drip.cancel()
        writer.close()


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"GET /hello HTTP/1.1\r\n")
    while True:
        writer.write(b"X: y\r\n")
        await asyncio.sleep(0.05)


async def test_the_second_request_of_a_connection_has_a_deadline_as_well() -> None:
    async with rig(HELLO, settings=IMPATIENT) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(ASKED)
        assert (await reader.readuntil(b'"hello"')).startswith(b"HTTP/1.1 200 ")
        writer.write(ASKED[:9])
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_who_is_served_or_idle_between_requests_is_left_alone() -> None:
    served = asyncio.Event()

    def slow(app: web.Application, _: Tools) -> None:
        async def wait(_: web.Request) -> web.Response:
            await served.wait()
            return web.Response(text="done")

        app.router.add_get("/slow", wait)

    async with rig(HELLO, mounts=slow, settings=IMPATIENT) as server:
        idle_reader, idle_writer = await asyncio.open_connection(HOST, server.port)
        idle_writer.write(ASKED)
        await idle_reader.readuntil(b'"hello"')
        slow_reader, slow_writer = await asyncio.open_connection(HOST, server.port)
        slow_writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        # Whoever came after them has been given up by now, so they would have been, too.
        assert await server.raw(b"GET") != b""
        assert await server.raw(b"GET") != b""
        served.set()
        assert (await slow_reader.readuntil(b"done")).startswith(b"HTTP/1.1 200 ")
        idle_writer.write(ASKED)
        assert (await idle_reader.readuntil(b'"hello"')).startswith(b"HTTP/1.1 200 ")
        for writer in (slow_writer, idle_writer):
            writer.close()


async def test_idling_between_requests_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "KEEPALIVE_S", 0.2)
    async with rig(HELLO) as server:
        got = await server.raw(ASKED)
    assert got.count(b"HTTP/1.1 200 ") == 1


class Wire(asyncio.Transport):
    """A connection on which both halves of a request arrive before the server does anything."""

    written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def test_a_body_right_behind_its_head_is_not_taken_for_another_head() -> None:
    async with rig(HELLO) as server:
        assert server.runner.server is not None
        connection = server.runner.server()
        connection.connection_made(Wire())
        assert len(server.runner.guard) == 1
        await asyncio.sleep(0)  # it waits for a request now
        connection.data_received(b"POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
        connection.data_received(b"123")
        assert len(server.runner.guard) == 0
        connection.connection_lost(None)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,  # a TLS hello
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /hello HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nno colon here\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /hello HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nX: " + b"a" * 9_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /hello HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
    ],
)
async def test_what_is_no_http_is_answered_counted_and_not_logged(
    sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with rig(HELLO) as server:
        got = await server.raw(sent)
        assert server.metric("hothour_http_malformed_total") == 1
        assert not server.lines
        assert not caplog.records
        assert (await server.ask("GET", "/hello")).status == 200
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Connection: close" in head
    assert b"X-Content-Type-Options: nosniff" in head
    assert b"aiohttp" not in head
    found = json.loads(body)
    assert (found["code"], found["status"]) == ("VALIDATION", 400)


SECOND = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n" + SECOND,
        b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(SECOND) + SECOND,
    ],
)
async def test_a_target_that_is_no_path_is_a_problem_and_nothing_follows_it(sent: bytes) -> None:
    async with rig(HELLO) as server:
        got = await server.raw(sent)
        assert server.metric("hothour_http_malformed_total") == 1
        assert not server.lines
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert b"application/problem+json" in head
    found = json.loads(body)  # and nothing behind it: what is in the body is no request
    assert (found["code"], found["status"]) == ("NOT_FOUND", 404)


async def test_garbage_after_an_answer_is_told_apart_from_it() -> None:
    async with rig(HELLO) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(ASKED)
        assert (await reader.readuntil(b'"hello"')).startswith(b"HTTP/1.1 200 ")
        writer.write(b"\x00\x01\x02\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
        writer.close()


async def test_a_handler_outside_the_pipeline_that_raises_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(app: web.Application, _: Tools) -> None:
        async def handler(_: web.Request) -> web.Response:
            raise RuntimeError("the password is hunter2")

        app.router.add_get("/broken", handler)

    async with rig(mounts=broken) as server:
        got = await server.ask("GET", "/broken")
        assert (got.status, got.json["code"]) == (500, "INTERNAL")
        assert b"hunter2" not in got.raw
        assert len(server.lines) == 1
        assert not caplog.records


async def test_an_answer_that_has_begun_is_cut_and_not_followed_by_another() -> None:
    def broken(app: web.Application, _: Tools) -> None:
        async def handler(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"so far")
            raise RuntimeError("inside")

        app.router.add_get("/broken", handler)

    async with rig(mounts=broken) as server:
        got = await server.raw(b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n")
    assert got.count(b"HTTP/1.1") == 1
    assert b"INTERNAL" not in got


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with rig(HELLO) as server:
        got = await server.raw(ASKED * 50 + ASKED.replace(b"x\r\n", b"x\r\nConnection: close\r\n"))
    assert got.count(b"HTTP/1.1 200 OK") == 51


async def test_a_large_body_nobody_reads_neither_stalls_nor_fills_memory() -> None:
    head = b"GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n"
    async with rig(HELLO) as server:
        reader, writer = await asyncio.open_connection(HOST, server.port)
        writer.write(head)
        assert (await reader.readuntil(b'"hello"')).startswith(b"HTTP/1.1 200 ")
        writer.write(b"x" * 5_000_000)
        await writer.drain()
        writer.write(ASKED)
        assert (await reader.readuntil(b'"hello"')).startswith(b"HTTP/1.1 200 ")
        writer.close()


def test_without_the_c_parser_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    require_c_parser()
    monkeypatch.setattr(http_parser, "HttpRequestParser", http_parser.HttpRequestParserPy)
    with pytest.raises(RuntimeError, match="C parser"):
        require_c_parser()
