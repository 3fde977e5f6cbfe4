"""A table of routes in an application: every spelling of a path, every method, every unknown."""

from typing import Any

import pytest
from aiohttp import web

from edge.endpoint import Tools
from edge.pipeline import PREFIX, install, mount
from edge.reading import read_raw
from edge.routing import Access, Call, Reply, Route
from engine.errors import Forbidden
from engine.settings import Settings
from tests.edge.rig import capturing_log, make_tools, rig


async def hello(call: Call) -> Reply:
    return Reply(body=dict(call.path))


def route(path: str, method: str = "GET") -> Route:
    return Route(
        method=method, path=path, handler=hello, access=Access.PUBLIC, summary="", tag="test"
    )


ROUTES = (
    route("/things"),
    route("/things", "POST"),
    route("/things/plan", "POST"),
    route("/things/{thing_id}"),
    route("/things/{thing_id}", "DELETE"),
    route("/things/{name}/look-up", "POST"),
)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/things", 200),
        ("GET", "/things/", 200),
        ("POST", "/things/", 200),
        ("GET", "/things/7", 200),
        ("DELETE", "/things/7/", 200),
        ("POST", "/things/HOT-7/look-up", 200),
        ("POST", "/things/plan/", 200),
        ("GET", "/", 404),
        ("GET", "/nothing", 404),
        ("POST", "/things/7/8/9", 404),
        ("GET", "/things//", 404),
        ("GET", "/THINGS", 404),
        ("PUT", "/things", 405),
        ("GET", "/things/plan", 405),
        ("PATCH", "/things/7/", 405),
        ("TRACE", "/things", 405),
    ],
)
async def test_paths_and_methods(method: str, path: str, status: int) -> None:
    async with rig(*ROUTES, prefix=PREFIX) as server:
        got = await server.ask(method, PREFIX + path)
    assert got.status == status
    if status == 404:
        assert got.json["code"] == "NOT_FOUND"
    if status == 405:
        assert got.json["code"] == "METHOD_NOT_ALLOWED"


async def test_405_names_what_is_allowed() -> None:
    async with rig(*ROUTES) as server:
        assert (await server.ask("PUT", "/things")).headers["Allow"] == "GET, HEAD, OPTIONS, POST"
        assert (await server.ask("PUT", "/things/7")).headers["Allow"] == (
            "DELETE, GET, HEAD, OPTIONS"
        )
        assert (await server.ask("OPTIONS", "/nothing")).status == 404


async def test_head_stands_beside_get() -> None:
    async with rig(*ROUTES) as server:
        got = await server.ask("HEAD", "/things")
        asked = await server.ask("GET", "/things")
    assert (got.status, got.raw) == (200, b"")
    assert got.headers["Content-Length"] == str(len(asked.raw))


@pytest.mark.parametrize(
    "target",
    [
        "*",
        "http://elsewhere.example/things",
        "/things?x=%zz",
        "//things",
        "/%2e%2e/things",
        "/\x7f",
    ],
)
async def test_odd_targets_get_a_typed_answer(target: str) -> None:
    async with rig(*ROUTES) as server:
        request = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        got = await server.raw(request.encode("latin-1"))
        assert int(got.split(b" ")[1]) in {200, 400, 404, 422}
        assert not server.lines


async def test_the_same_routes_may_stand_under_two_prefixes() -> None:
    def root(app: web.Application, tools: Tools) -> None:
        install(app, [route("/things")], tools, prefix="/other")

    async with rig(route("/things"), prefix=PREFIX, mounts=root) as server:
        for path in (f"{PREFIX}/things", "/other/things"):
            assert (await server.ask("GET", path)).status == 200


@pytest.mark.parametrize(
    "table",
    [
        (route("/things"), route("/things")),
        (route("/things/{thing_id}"), route("/things/{id}", "DELETE")),
        (route("/a/{x}/b/{y}"), route("/a/{x}/b/{z}")),
    ],
)
def test_a_table_that_clashes_is_refused_at_start(table: tuple[Route, ...]) -> None:
    with pytest.raises(ValueError, match=r"twice|the same path"):
        install(web.Application(), table, make_tools(capturing_log().logger))


def with_pages(app: web.Application, tools: Tools) -> None:
    async def page(_: web.Request) -> web.StreamResponse:
        return web.Response(text="page")

    async def form(request: web.Request) -> web.StreamResponse:
        raw = await read_raw(request, tools.body_limits)
        return web.Response(text=f"form {len(raw)}")

    async def forbidden(_: web.Request) -> web.StreamResponse:
        raise Forbidden

    async def gone(_: web.Request) -> web.StreamResponse:
        raise web.HTTPNotFound

    async def moved(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/page")

    async def broken(_: web.Request) -> web.StreamResponse:
        raise RuntimeError("inside")

    mount(app, "/page", {"GET": page, "POST": form}, tools)
    for path, handler in (
        ("/forbidden", forbidden),
        ("/gone", gone),
        ("/moved", moved),
        ("/broken", broken),
        ("/", page),
    ):
        mount(app, path, {"GET": handler}, tools)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/page", 200, None),
        ("GET", "/page/", 200, None),
        ("HEAD", "/page", 200, None),
        ("POST", "/page", 200, None),
        ("GET", "/", 200, None),
        ("PUT", "/page", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/forbidden", 403, "FORBIDDEN"),
        ("GET", "/gone", 404, "NOT_FOUND"),
        ("GET", "/moved", 302, None),
        ("GET", "/broken", 500, "INTERNAL"),
    ],
)
async def test_plain_handlers_get_the_same_around_them(
    method: str, path: str, status: int, code: str | None
) -> None:
    async with rig(mounts=with_pages) as server:
        got = await server.ask(method, path)
        assert got.status == status
        if code is not None:
            assert got.json["code"] == code
        if status != 302:
            assert got.headers["X-Content-Type-Options"] == "nosniff"
            assert got.headers["X-Request-ID"]
        assert bool(server.lines) == (status == 500)


@pytest.mark.parametrize("expectation", ["100-continue", "something-else"])
async def test_expectations_are_met_or_ignored(expectation: str) -> None:
    async def send(server: Any) -> bytes:
        head = f"POST /page HTTP/1.1\r\nHost: x\r\nExpect: {expectation}\r\n"
        body = "Connection: close\r\nContent-Length: 3\r\n\r\nabc"
        got: bytes = await server.raw((head + body).encode())
        return got

    async with rig(mounts=with_pages) as server:
        got = await send(server)
    assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\n") == (expectation == "100-continue")
    assert b"HTTP/1.1 200 OK" in got
    assert got.endswith(b"form 3")


async def test_what_is_no_route_is_limited_too() -> None:
    settings = Settings(rate_requests_per_s=1, rate_requests_burst=1)
    async with rig(mounts=with_pages, settings=settings, rate_limits=True) as server:
        statuses = [(await server.ask("GET", path)).status for path in ("/no", "/no", "/page")]
    assert statuses == [404, 429, 429]
