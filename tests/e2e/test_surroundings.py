"""Bad surroundings: one clear sentence on stderr, nothing on stdout, exit code 2."""

import asyncio
import os
import re
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.database import dsn_as, dsn_for
from tests.e2e.program import COMMAND, QUIET, environment, run
from tests.engine.world import eventually

NOWHERE = "postgresql://hot:sesame@127.0.0.1:1/hot"
MIGRATION_LOCK = 0x686F74686F7572


async def refusal(cwd: Path, *arguments: str, **settings: str) -> str:
    """What a command says that cannot run."""
    given = {"HOTHOUR_DATA_DIR": str(cwd / "data"), **settings}
    code, out, err = await run(*(arguments or ("serve", "--port", "0")), cwd=cwd, **given)
    assert (code, out) == (2, ""), err
    assert re.fullmatch(r"hothour: [^\n]{15,300}[^.\n]\.\n", err), err
    assert "sesame" not in err
    return err.removeprefix("hothour: ").rstrip("\n")


@asynccontextmanager
async def something_else(answer: bytes) -> AsyncIterator[str]:
    """Something that listens and is not PostgreSQL."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://hot:sesame@127.0.0.1:{port}/hot"


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"HOTHOUR_DATABASE_URL": NOWHERE}, "The database at 127.0.0.1:1/hot cannot be reached"),
        (
            {"HOTHOUR_DATABASE_URL": "postgresql://hot:sesame@no.such.host.invalid/hot"},
            "The database at no.such.host.invalid/hot cannot be reached",
        ),
        (
            {"HOTHOUR_DATABASE_URL": "postgresql://hot:sesame/half@127.0.0.1/hot"},
            "HOTHOUR_DATABASE_URL is not usable",
        ),
        ({"HOTHOUR_SECRET_KEY": "sesame" * 5}, "HOTHOUR_SECRET_KEY is too short"),
        (
            {"HOTHOUR_SECRET_KEY": "sesame-change-me-" + "x7" * 20},
            "HOTHOUR_SECRET_KEY is a well-known or repeated text",
        ),
        ({"HOTHOUR_ENV": "production"}, "HOTHOUR_SECRET_KEY is required in production"),
        ({"HOTHOUR_PORT": "no", "HOTHOUR_HOST": "::1"}, "HOTHOUR_PORT is not usable"),
        ({"HOTHOUR_TRUSTED_PROXIES": "no"}, "HOTHOUR_TRUSTED_PROXIES is not usable"),
        ({"HOTHOUR_HOST": "a" * 80 + ".example"}, "Cannot listen on"),
    ],
)
async def test_a_setting_that_cannot_work(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    said = await refusal(tmp_path, *([] if "HOTHOUR_PORT" not in settings else ["serve"]), **settings)
    assert said.startswith(sentence)


async def test_a_port_out_of_range_and_one_that_is_taken(tmp_path: Path) -> None:
    said = await refusal(tmp_path, "serve", "--port", "65536")
    assert said == "HOTHOUR_PORT is not usable: a port is at most 65535."
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = await refusal(tmp_path, "serve", "--port", port)
        assert said.startswith(f"Cannot listen on 127.0.0.1:{port}: ")


async def test_a_port_for_metrics_that_is_taken(tmp_path: Path, database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = {**QUIET, "HOTHOUR_DATABASE_URL": database, "HOTHOUR_METRICS_PORT": str(port)}
        said = await refusal(tmp_path, **settings)
        assert said.startswith(f"Cannot listen on 127.0.0.1:{port}: ")


async def test_no_postgresql_at_the_other_end(tmp_path: Path) -> None:
    async with something_else(b"HTTP/1.1 400 Bad Request\r\n\r\n") as dsn:
        said = await refusal(tmp_path, HOTHOUR_DATABASE_URL=dsn)
    assert said.startswith("The database")


async def test_a_database_that_is_not_there_and_a_password_that_is_wrong(
    tmp_path: Path, postgres_server: str
) -> None:
    said = await refusal(tmp_path, HOTHOUR_DATABASE_URL=dsn_for(postgres_server, "not_there"))
    assert 'database "not_there" does not exist' in said
    said = await refusal(
        tmp_path, HOTHOUR_DATABASE_URL=dsn_as(postgres_server, "nobody_at_all", "sesame")
    )
    assert said.startswith("The database")


async def test_a_database_that_may_forget(tmp_path: Path, database: str) -> None:
    """Our own embedded one has fsync on; here somebody has switched durability off."""
    admin = await asyncpg.connect(database)
    name = urlsplit(database).path.strip("/")
    await admin.execute(f"alter database {name} set synchronous_commit = off")
    await admin.close()
    said = await refusal(tmp_path, HOTHOUR_DATABASE_URL=database)
    assert re.match(r"The database runs with .*synchronous_commit off, so a confirmed", said)


async def test_a_database_that_only_reads(tmp_path: Path, database: str) -> None:
    admin = await asyncpg.connect(database)
    name = urlsplit(database).path.strip("/")
    await admin.execute(f"alter database {name} set default_transaction_read_only = on")
    await admin.close()
    said = await refusal(tmp_path, **QUIET, HOTHOUR_DATABASE_URL=database)
    assert said.startswith("The database only reads")


async def test_a_database_that_is_somebody_elses(tmp_path: Path, empty_database: str) -> None:
    stranger = await asyncpg.connect(empty_database)
    await stranger.execute("create table wordpress (id int)")
    await stranger.close()
    said = await refusal(tmp_path, "migrate", **QUIET, HOTHOUR_DATABASE_URL=empty_database)
    assert said.startswith("The database is not empty and not ours (it has a table wordpress)")


async def test_a_role_without_rights(
    tmp_path: Path, database: str, admin: asyncpg.Connection
) -> None:
    role = f"weak_{os.getpid()}"
    await admin.execute(f"create role {role} login password 'sesame'")
    try:
        settings = {**QUIET, "HOTHOUR_DATABASE_URL": dsn_as(database, role, "sesame")}
        said = await refusal(tmp_path, **settings)
        assert said.startswith("The database cannot be made ready: permission denied")
    finally:
        await admin.execute(f"drop role {role}")


async def test_a_data_directory_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    said = await refusal(tmp_path, HOTHOUR_DATA_DIR=str(file))
    assert said.startswith(f"The data directory {file} is not a directory")
    said = await refusal(tmp_path, HOTHOUR_DATA_DIR="/proc/hothour")
    assert said.startswith("The data directory /proc/hothour cannot be made")


async def test_a_data_directory_whose_parts_are_something_else(tmp_path: Path) -> None:
    """Not writable, for whoever runs this, root included: where a file should be is a folder."""
    data = tmp_path / "data"
    (data / "node-id.claim").mkdir(parents=True)
    assert str(data) in await refusal(tmp_path)
    (data / "node-id.claim").rmdir()
    (data / "secret-key").mkdir()
    said = await refusal(tmp_path, "studio", "create", "--name", "x", HOTHOUR_DATABASE_URL=NOWHERE)
    assert "secret-key cannot be read or written" in said


async def test_a_database_of_another_version(tmp_path: Path) -> None:
    pgdata = tmp_path / "data" / "postgres"
    pgdata.mkdir(parents=True)
    (pgdata / "PG_VERSION").write_text("9\n")
    for arguments in (["serve", "--port", "0"], ["migrate"]):
        said = await refusal(tmp_path, *arguments)
        assert "9" in said


async def test_a_start_that_waits_is_given_up_when_asked(tmp_path: Path, database: str) -> None:
    """Another migrator holds the lock: the server waits for it, and ends at once on SIGTERM."""
    db = await asyncpg.connect(database)
    await db.fetchval("select pg_advisory_lock($1)", MIGRATION_LOCK)
    given = {**QUIET, "HOTHOUR_DATA_DIR": str(tmp_path / "data"), "HOTHOUR_DATABASE_URL": database}
    process = await asyncio.create_subprocess_exec(
        *(*COMMAND, "serve", "--port", "0"),
        cwd=tmp_path,
        env=environment(given),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:

        async def it_waits() -> bool:
            return await db.fetchval(
                "select exists (select from pg_stat_activity where datname = current_database()"
                " and pid <> pg_backend_pid() and query like '%pg_try_advisory_lock%')"
            )

        await eventually(it_waits, within_s=30)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            out, err = await process.communicate()
        assert (process.returncode, out) == (0, b""), err
        assert b"Traceback" not in err
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await db.close()
