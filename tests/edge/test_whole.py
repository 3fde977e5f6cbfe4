"""A whole response is what aiohttp itself would have sent, headers, framing and all."""

import asyncio

import pytest
from aiohttp import web

from edge.whole import Whole, header_lines
from tests.edge.rig import Rig, rig

LINES = header_lines({"Server": "hothour", "Content-Type": "text/plain"})


def serving(status: int, body: bytes) -> web.StreamResponse:
    return Whole(status, LINES, body)


def with_answers(app: web.Application, _tools: object) -> None:
    async def text(_: web.Request) -> web.StreamResponse:
        return serving(200, b"hello")

    async def nothing(_: web.Request) -> web.StreamResponse:
        return serving(204, b"")

    async def unchanged(_: web.Request) -> web.StreamResponse:
        return serving(304, b"what a handler forgot")

    for path, handler in (("/text", text), ("/none", nothing), ("/same", unchanged)):
        app.router.add_route("*", path, handler)


async def raw(server: Rig, request: str) -> tuple[str, list[str], bytes]:
    """Status line, headers and body of an answer after which the server closes."""
    got = await server.raw(request.encode())
    head, _, body = got.partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    return status, headers, body


async def test_a_connection_that_is_to_be_closed_hears_so() -> None:
    async with rig(mounts=with_answers) as server:
        status, headers, body = await raw(
            server, "GET /text HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
    assert status == "HTTP/1.1 200 OK"
    assert body == b"hello"
    assert "Connection: close" in headers
    assert "Content-Length: 5" in headers
    assert [each.partition(":")[0] for each in headers].count("Date") == 1


async def test_a_connection_that_stays_serves_the_next_request() -> None:
    twice = "GET /text HTTP/1.1\r\nHost: x\r\n\r\nGET /text HTTP/1.1\r\nHost: x\r\n"
    async with rig(mounts=with_answers) as server:
        got = await server.raw(f"{twice}Connection: close\r\n\r\n".encode())
    assert got.count(b"HTTP/1.1 200 OK") == 2
    assert got.count(b"Connection: close") == 1


async def test_http_1_0_is_closed_unless_it_asks_to_stay() -> None:
    async with rig(mounts=with_answers) as server:
        _, headers, body = await raw(server, "GET /text HTTP/1.0\r\n\r\n")
        assert body == b"hello"
        assert "Connection: close" in headers
        stays = b"GET /text HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        assert b"Connection: keep-alive" in await server.raw(stays, until=b"hello")


async def test_head_has_the_length_and_not_the_body() -> None:
    async with rig(mounts=with_answers) as server:
        _, headers, body = await raw(
            server, "HEAD /text HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
    assert body == b""
    assert "Content-Length: 5" in headers


@pytest.mark.parametrize(
    ("path", "status"), [("/none", "204 No Content"), ("/same", "304 Not Modified")]
)
async def test_answers_without_a_body_have_neither_body_nor_length(path: str, status: str) -> None:
    async with rig(mounts=with_answers) as server:
        line, headers, body = await raw(
            server, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
    assert line == f"HTTP/1.1 {status}"
    assert body == b""
    assert not any(each.startswith("Content-Length") for each in headers)


async def test_whoever_asks_and_never_reads_is_not_served_without_end() -> None:
    asked, served = 1_500, 0

    def with_count(app: web.Application, _tools: object) -> None:
        async def big(_: web.Request) -> web.StreamResponse:
            nonlocal served
            served += 1
            return serving(200, b"x" * 40_000)

        app.router.add_get("/big", big)

    async with rig(mounts=with_count) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        reader._transport.pause_reading()  # type: ignore[attr-defined]  # it has no public name
        writer.write(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n" * asked)
        try:
            before = -1
            while served != before:
                before = served
                await asyncio.sleep(0.3)
            assert 0 < served < asked
            reader._transport.resume_reading()  # type: ignore[attr-defined]  # as above
            async with asyncio.timeout(60):
                for _ in range(asked):
                    await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(40_000)
            assert served == asked
        finally:
            writer.transport.abort()


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\nb", "a\0b"])
def test_a_header_cannot_start_a_line_of_its_own(value: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        header_lines({"Link": value})


def test_header_text_beyond_ascii_travels_as_utf_8() -> None:
    assert header_lines({"X": "ğ"}) == "X: ğ\r\n".encode()
