"""What has to be settled before a start: whose database it is, its version, its log."""

from pathlib import Path

import asyncpg
import pytest

from edge.embedded import Embedded, EmbeddedError, EmbeddedSettings
from edge.embedded.binaries import find_binaries
from tests.database import FAST


@pytest.mark.parametrize("version", ["9.6", "14", "99", "", "new"])
async def test_a_database_of_another_version_is_left_alone(open_dir: Path, version: str) -> None:
    (open_dir / "postgres").mkdir()
    (open_dir / "postgres" / "PG_VERSION").write_text(version)
    with pytest.raises(EmbeddedError, match=r"needs PostgreSQL|is not a PostgreSQL database"):
        await Embedded(open_dir, FAST).start()
    assert [path.name for path in (open_dir / "postgres").iterdir()] == ["PG_VERSION"]


async def test_a_folder_of_something_else_is_left_alone(open_dir: Path) -> None:
    (open_dir / "postgres").mkdir()
    (open_dir / "postgres" / "thesis.txt").touch()
    with pytest.raises(EmbeddedError, match="is not a PostgreSQL database: move it away"):
        await Embedded(open_dir, FAST).start()
    assert (open_dir / "postgres" / "thesis.txt").exists()


async def test_a_file_in_its_place_is_told(open_dir: Path) -> None:
    (open_dir / "postgres").touch()
    with pytest.raises(EmbeddedError, match="is not a PostgreSQL database"):
        await Embedded(open_dir, FAST).start()


async def test_an_empty_folder_and_an_interrupted_making_are_no_hindrance(open_dir: Path) -> None:
    (open_dir / "postgres").mkdir()
    (open_dir / "postgres.new" / "base").mkdir(parents=True)
    async with Embedded(open_dir, FAST):
        assert not (open_dir / "postgres.new").exists()


async def test_a_database_is_opened_by_the_version_that_made_it(open_dir: Path) -> None:
    try:
        older = await find_binaries(None, 16)
    except EmbeddedError:
        pytest.skip("there is no PostgreSQL 16 here")
    settings = EmbeddedSettings(pg_bin=older.folder, server_options=FAST.server_options)
    async with Embedded(open_dir, settings):
        pass
    async with Embedded(open_dir, FAST) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        assert connection.get_server_version().major == 16
        await connection.close()


async def test_a_long_log_is_put_aside(made_dir: Path) -> None:
    log = made_dir / "postgres.log"
    log.write_text("x" * 2_000)
    small = EmbeddedSettings(server_options=FAST.server_options, log_max_bytes=1_000)
    async with Embedded(made_dir, small):
        assert (made_dir / "postgres.log.1").read_text() == "x" * 2_000
        assert "x" * 100 not in log.read_text()


async def test_the_log_repeats_nothing_that_guests_typed(made_dir: Path) -> None:
    async with Embedded(made_dir, FAST) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        await connection.execute("create temp table person (email text unique)")
        for _ in range(2):
            try:
                await connection.execute("insert into person values ('secret@example.com')")
            except asyncpg.UniqueViolationError:
                failed = True
        await connection.close()
    assert failed
    log = (made_dir / "postgres.log").read_text()
    assert "ready to accept connections" in log
    assert "secret@example.com" not in log
