"""The composition root: what is served, and that a start that fails leaves nothing behind."""

import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest
import structlog

from edge.app import DESCRIPTORS_KEPT, Server, document, sockets_max
from edge.binding import CannotListen, bind
from edge.config import load
from edge.metrics import Metrics
from engine.settings import Settings
from tests.edge.premises import KEY

QUIET = {"HOTHOUR_ALLOW_UNSAFE_DATABASE": "on", "HOTHOUR_BCRYPT_COST": "4"}


def server_on(dsn: str, folder: Path, listener: socket.socket, **settings: str) -> Server:
    """Built, not started."""
    return Server(
        load({**QUIET, "HOTHOUR_DATA_DIR": str(folder), **settings}),
        url="http://shop.example",
        dsn=dsn,
        node_id="node-of-the-test",
        key=KEY,
        listener=listener,
        log=structlog.get_logger("test"),
        show=lambda _: None,
        metrics_=Metrics("test"),
    )


@asynccontextmanager
async def running(dsn: str, folder: Path, **settings: str) -> AsyncIterator[tuple[Server, str]]:
    """A server in this process, and its address."""
    with bind("127.0.0.1", 0) as listener:
        server = server_on(dsn, folder, listener, **settings)
        await server.start()
        try:
            yield server, f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await server.stop()


def test_the_document_is_made_from_the_table_alone() -> None:
    paths = document()["paths"]
    assert {"/auctions/{auction_id}", "/reservations/book", "/health/ready", "/metrics"} <= {
        path.removeprefix("/api/v1").rstrip("/") for path in paths
    }


def test_sockets_are_as_many_as_the_process_has_descriptors_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def of(descriptors: int) -> int:
        monkeypatch.setattr(resource, "getrlimit", lambda _: (descriptors, descriptors))
        return sockets_max(Settings())

    assert of(1_000) == 1_000 - DESCRIPTORS_KEPT
    assert of(100) == 1
    assert of(1_000_000) == of(resource.RLIM_INFINITY) == Settings().live_sockets_max


async def test_a_server_is_ready_when_it_has_started(database: str, tmp_path: Path) -> None:
    async with running(database, tmp_path) as (server, url), aiohttp.ClientSession() as session:
        checks = await server.check()
        assert (checks.database, checks.lease, checks.draining) == (True, True, False)
        for path in ("/health", "/health/ready", "/api/v1/health/live", "/api/v1/auctions/"):
            async with session.get(url + path) as answer:
                assert answer.status == 200, path
        async with session.get(f"{url}/metrics") as answer:
            assert answer.status == 200


async def test_metrics_may_have_a_port_of_their_own(database: str, tmp_path: Path) -> None:
    with bind("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    async with (
        running(database, tmp_path, HOTHOUR_METRICS_PORT=str(port)) as (_, url),
        aiohttp.ClientSession() as session,
    ):
        async with session.get(f"{url}/metrics") as answer:
            assert answer.status == 404
        async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert (answer.status, "hothour_" in await answer.text()) == (200, True)


async def test_a_start_that_fails_closes_what_it_had_opened(
    database: str, tmp_path: Path, admin: asyncpg.Connection
) -> None:
    with bind("127.0.0.1", 0) as listener, socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        server = server_on(database, tmp_path, listener, HOTHOUR_METRICS_PORT=port)
        with pytest.raises(CannotListen):
            await server.start()
        connections = "select count(*) from pg_stat_activity where datname = $1"
        assert await admin.fetchval(connections, urlsplit(database).path.strip("/")) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(listener.getsockname(), timeout=1)
