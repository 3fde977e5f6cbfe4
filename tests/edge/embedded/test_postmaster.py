"""One run of PostgreSQL: the reasons why it cannot be made or started, and how it ends."""

from pathlib import Path

import asyncpg
import pytest

from edge.embedded import Embedded, EmbeddedError, EmbeddedSettings
from tests.database import FAST
from tests.edge.embedded.processes import is_alive, program

MEBIBYTE = 1024 * 1024


def with_options(*options: tuple[str, str]) -> EmbeddedSettings:
    return EmbeddedSettings(server_options=(*FAST.server_options, *options))


async def test_what_a_caller_asks_for_has_the_last_word(made_dir: Path) -> None:
    settings = EmbeddedSettings(
        connections_max=17, shared_buffers_mib=16, server_options=(("fsync", "off"),)
    )
    assert not settings.durable
    async with Embedded(made_dir, settings) as postgres:
        connection = await asyncpg.connect(postgres.dsn)
        for name, value in (
            ("max_connections", "17"),
            ("shared_buffers", "16MB"),
            ("fsync", "off"),
        ):
            assert await connection.fetchval("select current_setting($1)", name) == value
        await connection.close()


async def test_a_disk_that_takes_no_more_is_told_when_a_database_is_made(open_dir: Path) -> None:
    async with program(open_dir, "serve", str(MEBIBYTE)) as running:
        assert f"A database cannot be made in {open_dir}: " in running.error
        assert "File too large" in running.error
    assert not (open_dir / "postgres").exists()


async def test_postgresqls_own_reason_is_told_when_it_cannot_start(made_dir: Path) -> None:
    with pytest.raises(EmbeddedError, match=r'cannot start in .*"max_connections": "none"\.$'):
        await Embedded(made_dir, with_options(("max_connections", "none"))).start()


async def test_a_damaged_database_is_told(made_dir: Path) -> None:
    control = made_dir / "postgres" / "global" / "pg_control"
    control.rename(control.with_suffix(".away"))
    try:
        with pytest.raises(EmbeddedError, match=r"cannot start in .*(pg_control|database system)"):
            await Embedded(made_dir, FAST).start()
    finally:
        control.with_suffix(".away").rename(control)


async def test_a_log_that_cannot_be_written_is_told(open_dir: Path) -> None:
    (open_dir / "postgres.log").mkdir()
    with pytest.raises(EmbeddedError, match=r"postgres\.log cannot be written: is a directory\.$"):
        await Embedded(open_dir, FAST).start()


async def test_a_start_that_takes_too_long_is_ended(made_dir: Path) -> None:
    slow = EmbeddedSettings(server_options=FAST.server_options, start_timeout_s=0.0)
    postgres = Embedded(made_dir, slow)
    with pytest.raises(EmbeddedError, match=r"was not ready within 0 s: see .*postgres\.log"):
        await postgres.start()
    assert postgres.pid is None


async def test_a_shutdown_that_takes_too_long_is_insisted_on(made_dir: Path) -> None:
    hurried = EmbeddedSettings(server_options=FAST.server_options, stop_timeout_s=0.0)
    postgres = Embedded(made_dir, hurried)
    await postgres.start()
    pid = postgres.pid
    assert pid is not None
    await postgres.stop()
    assert not is_alive(pid)
