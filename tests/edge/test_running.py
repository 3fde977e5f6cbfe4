"""One process from its settings to its end, and the sentences for surroundings that cannot work."""

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
import structlog
from aiohttp import web

from edge import running
from edge.config import Config, load
from edge.running import CannotRun
from tests.database import dsn_as, dsn_for

KEY = "d2h5IGRvIHlvdSByZWFkIHRoaXM/IGdvIG9u"
LOG = structlog.get_logger("test")


def config(folder: Path, **settings: str) -> Config:
    """Settings of a small server that listens anywhere."""
    given = {
        "HOTHOUR_ALLOW_UNSAFE_DATABASE": "on",
        "HOTHOUR_PORT": "0",
        "HOTHOUR_DATA_DIR": str(folder / "data"),
    }
    return load({**given, **settings})


async def refusal(folder: Path, **settings: str) -> str:
    """The sentence of a server that cannot start."""
    with pytest.raises(CannotRun) as caught:
        async with running.serving(config(folder, **settings), LOG):
            pass
    sentence = str(caught.value)
    assert re.fullmatch(r"[^\n]{15,300}[^.\n]\.", sentence)
    assert "sesame" not in sentence
    return sentence


@asynccontextmanager
async def something_else(answer: bytes) -> AsyncIterator[str]:
    """The address of something that listens and is not PostgreSQL."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://hot:sesame@127.0.0.1:{port}/hot"


async def test_a_host_that_nobody_knows(tmp_path: Path) -> None:
    dsn = "postgresql://hot:sesame@no.such.host.invalid/hot"
    said = await refusal(tmp_path, HOTHOUR_DATABASE_URL=dsn)
    assert said.startswith("The database at no.such.host.invalid/hot cannot be reached")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"S", b"\0" * 64])
async def test_something_else_at_the_other_end(tmp_path: Path, answer: bytes) -> None:
    async with something_else(answer) as dsn:
        assert (await refusal(tmp_path, HOTHOUR_DATABASE_URL=dsn)).startswith("The database")


async def test_a_database_and_a_role_that_are_not_there(
    tmp_path: Path, postgres_server: str
) -> None:
    dsn = dsn_for(postgres_server, "not_there")
    assert 'database "not_there" does not exist' in await refusal(
        tmp_path, HOTHOUR_DATABASE_URL=dsn
    )
    dsn = dsn_as(postgres_server, "nobody_at_all", "sesame")
    assert (await refusal(tmp_path, HOTHOUR_DATABASE_URL=dsn)).startswith("The database")


async def test_a_role_without_rights(
    tmp_path: Path, database: str, admin: asyncpg.Connection
) -> None:
    role = f"weak_{os.getpid()}"
    await admin.execute(f"create role {role} login password 'sesame'")
    try:
        dsn = dsn_as(database, role, "sesame")
        said = await refusal(tmp_path, HOTHOUR_DATABASE_URL=dsn)
        assert said.startswith("The database cannot be made ready: permission denied")
    finally:
        await admin.execute(f"drop role {role}")


async def test_a_database_that_is_somebody_elses(tmp_path: Path, empty_database: str) -> None:
    stranger = await asyncpg.connect(empty_database)
    await stranger.execute("create table wordpress (id int)")
    await stranger.close()
    said = await refusal(tmp_path, HOTHOUR_DATABASE_URL=empty_database)
    assert said.startswith("The database is not empty and not ours (it has a table wordpress)")


async def test_a_port_for_metrics_that_is_taken(tmp_path: Path, database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = await refusal(tmp_path, HOTHOUR_DATABASE_URL=database, HOTHOUR_METRICS_PORT=port)
        assert said.startswith(f"Cannot listen on 127.0.0.1:{port}: ")


async def test_a_data_directory_that_cannot_be_made_or_written(tmp_path: Path) -> None:
    said = await refusal(tmp_path, HOTHOUR_DATA_DIR="/proc/hothour")
    assert said.startswith("The data directory /proc/hothour cannot be made")
    claim = tmp_path / "data" / "node-id.claim"  # a folder there stops root, too
    claim.mkdir(parents=True)
    assert await refusal(tmp_path) == f"{claim} cannot be read or written: is a directory."


async def test_a_database_in_it_of_another_version(tmp_path: Path) -> None:
    pgdata = tmp_path / "data" / "postgres"
    pgdata.mkdir(parents=True)
    (pgdata / "PG_VERSION").write_text("9\n")
    assert "PostgreSQL 9" in await refusal(tmp_path)


def test_the_key_is_the_one_that_is_set(tmp_path: Path) -> None:
    assert running.signing_key(config(tmp_path, HOTHOUR_SECRET_KEY=KEY)) == KEY
    assert not (tmp_path / "data").exists()


def test_in_development_the_data_directory_has_one_that_stays(tmp_path: Path) -> None:
    key = running.signing_key(config(tmp_path))
    assert len(key) >= 32
    assert running.signing_key(config(tmp_path)) == key
    assert running.signing_key(config(tmp_path / "other")) != key


async def test_a_configured_database_is_taken_as_it_is(tmp_path: Path) -> None:
    settings = config(tmp_path, HOTHOUR_DATABASE_URL="postgresql://db.example/hot")
    async with running.database(settings, "serve", lambda _: None) as dsn:
        assert dsn == "postgresql://db.example/hot"
    assert not (tmp_path / "data").exists()


async def test_a_server_books_at_the_address_it_says(tmp_path: Path, database: str) -> None:
    settings = config(tmp_path, HOTHOUR_DATABASE_URL=database, HOTHOUR_HOST="0.0.0.0")
    async with running.serving(settings, LOG) as (server, url):
        assert urlsplit(url).hostname == "127.0.0.1"
        assert (await server.check()).lease
        assert await running.is_ready(url)
    assert not await running.is_ready(url)


async def test_what_is_not_our_server_is_not_ready() -> None:
    runner = web.AppRunner(web.Application())  # knows no path at all
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    assert not await running.is_ready(f"http://127.0.0.1:{port}")
    await runner.cleanup()
    for url in ("http://127.0.0.1:1", "nonsense", "http://[", ""):
        assert not await running.is_ready(url)


def test_an_address_is_written_as_a_client_can_use_it() -> None:
    assert running.url_of("::1", 80) == "http://[::1]:80"
    assert running.url_of("::", 80) == "http://[::1]:80"
    assert running.url_of("0.0.0.0", 80) == "http://127.0.0.1:80"
    assert running.url_of("shop.example", 80) == "http://shop.example:80"
