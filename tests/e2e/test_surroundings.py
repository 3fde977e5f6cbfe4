"""Bad surroundings: one clear sentence on stderr, nothing on stdout, exit code 2."""

import asyncio
import re
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

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


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"HOTHOUR_DATABASE_URL": NOWHERE}, "The database at 127.0.0.1:1/hot cannot be reached"),
        ({"HOTHOUR_ENV": "production"}, "HOTHOUR_SECRET_KEY is required in production"),
    ],
)
async def test_a_setting_that_cannot_work(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    assert (await refusal(tmp_path, **settings)).startswith(sentence)


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = await refusal(tmp_path, "serve", "--port", port)
        assert said.startswith(f"Cannot listen on 127.0.0.1:{port}: ")


async def test_a_database_that_may_forget(tmp_path: Path, database: str) -> None:
    """Our own embedded one has fsync on; here somebody has switched durability off."""
    admin = await asyncpg.connect(database)
    name = urlsplit(database).path.strip("/")
    await admin.execute(f"alter database {name} set synchronous_commit = off")
    await admin.close()
    said = await refusal(tmp_path, HOTHOUR_DATABASE_URL=database)
    assert re.match(r"The database runs with .*synchronous_commit off, so a confirmed", said)


async def test_a_data_directory_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    said = await refusal(tmp_path, "migrate", HOTHOUR_DATA_DIR=str(file))
    assert said.startswith(f"The data directory {file} is not a directory")


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
            waits: bool = await db.fetchval(
                "select exists (select from pg_stat_activity where datname = current_database()"
                " and pid <> pg_backend_pid() and query like '%pg_try_advisory_lock%')"
            )
            return waits

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
