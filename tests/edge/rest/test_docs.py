"""The documentation comes from this server alone, whole, under a policy of its own."""

import re

import pytest
from aiohttp import web

from edge.endpoint import Tools
from edge.rest import docs
from edge.rest.docs import DOCUMENT, POLICY
from tests.edge.rig import Rig, rig

FILES = [
    ("/docs/files/swagger-ui.js", "text/javascript", b"SwaggerUIBundle"),
    ("/docs/files/swagger-ui.css", "text/css", b".swagger-ui"),
    ("/docs/files/redoc.js", "text/javascript", b"export{"),
    ("/docs/files/start-swagger-ui.js", "text/javascript", DOCUMENT.encode()),
    ("/docs/files/start-redoc.js", "text/javascript", DOCUMENT.encode()),
]
made: list[int] = []


def document() -> dict[str, str]:
    made.append(1)
    return {"openapi": "3.1.0"}


def pages(app: web.Application, tools: Tools) -> None:
    docs.install(app, document, tools)


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/redoc", "/redoc/"])
async def test_pages_load_nothing_from_elsewhere(path: str) -> None:
    async with rig(mounts=pages) as server:
        got = await server.ask("GET", path)
        assert got.status == 200
        assert got.headers["Content-Type"] == "text/html; charset=utf-8"
        assert got.headers["Content-Security-Policy"] == POLICY
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        loaded = re.findall(rb'(?:src|href)="([^"]+)"', got.raw)
        assert len(loaded) > 1
        for each in loaded:
            if each != b"data:,":
                assert (await server.ask("GET", each.decode())).status == 200
        assert not re.search(rb"<script(?![^>]* src=)", got.raw), "the policy forbids inline ones"


@pytest.mark.parametrize(("path", "media_type", "inside"), FILES)
async def test_files_are_whole_and_kept_by_browsers(
    path: str, media_type: str, inside: bytes
) -> None:
    async with rig(mounts=pages) as server:
        got = await server.ask("GET", path)
        assert got.status == 200
        assert got.headers["Content-Type"] == f"{media_type}; charset=utf-8"
        assert got.headers["Cache-Control"] == "no-cache"
        assert inside in got.raw
        again = await server.ask("GET", path, headers={"If-None-Match": got.headers["ETag"]})
        assert (again.status, again.raw) == (304, b"")
        head = await server.ask("HEAD", path)
        assert (head.status, head.raw) == (200, b"")


async def test_the_document_is_made_once_when_it_is_first_asked_for() -> None:
    made.clear()
    async with rig(mounts=pages) as server:
        assert not made
        first = await server.ask("GET", DOCUMENT)
        second = await server.ask("GET", f"{DOCUMENT}/")
        assert first.json == second.json == {"openapi": "3.1.0"}
        assert first.headers["Content-Type"] == "application/json"
        etag = {"If-None-Match": first.headers["ETag"]}
        assert (await server.ask("GET", DOCUMENT, headers=etag)).status == 304
    assert len(made) == 1


@pytest.mark.parametrize("name", ["../__init__.py", "scalar.js", "..%2f__init__.py", ""])
async def test_nothing_else_of_the_wheel_is_served(name: str) -> None:
    async def ask(server: Rig) -> bytes:
        request = f"GET /docs/files/{name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        return await server.raw(request.encode())

    async with rig(mounts=pages) as server:
        assert (await ask(server)).startswith(b"HTTP/1.1 404 ")


def test_without_the_viewers_files_it_is_said_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs, "_WHEEL", "no_such_package_here")
    with pytest.raises(FileNotFoundError, match="no_such_package_here"):
        docs.viewers_folder()
    monkeypatch.setattr(docs, "_WHEEL", "multidict")
    with pytest.raises(FileNotFoundError, match="has no"):
        docs.viewers_folder()
