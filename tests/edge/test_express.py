"""The short way to plain paths answers as the long one does, and leaves to it what it must."""

import pytest
from aiohttp import web

from edge.routing import Access, Call, Reply, Route
from tests.edge.rig import rig


async def hello(call: Call) -> Reply:
    return Reply(body={"path": dict(call.path)})


def route(path: str, method: str = "GET") -> Route:
    return Route(
        method=method, path=path, handler=hello, access=Access.PUBLIC, summary="", tag="test"
    )


async def test_plain_paths_are_served_without_the_router(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unwanted(*_: object) -> None:
        raise AssertionError("went the long way")

    monkeypatch.setattr(web.UrlDispatcher, "resolve", unwanted)
    async with rig(route("/things"), route("/things", "POST")) as server:
        for method in ("GET", "HEAD", "POST"):
            for path in ("/things", "/things/", "/things?"):
                assert (await server.ask(method, path)).status == 200


async def test_everything_else_goes_the_long_way() -> None:
    async with rig(route("/things"), route("/things/{thing_id}")) as server:
        assert (await server.ask("GET", "/things/7")).json == {"path": {"thing_id": 7}}
        assert (await server.ask("PUT", "/things")).status == 405
        assert (await server.ask("GET", "/nothing")).status == 404
        assert (await server.ask("GET", "/things", headers={"Expect": "much"})).status == 200
