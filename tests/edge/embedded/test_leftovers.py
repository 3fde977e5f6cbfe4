"""What an earlier run left behind: seen, outlasted, and its pid file made harmless."""

import asyncio
import os
import shutil
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, SIGQUIT

import pytest

from edge.embedded import Embedded, EmbeddedError
from edge.embedded.account import Account
from edge.embedded.leftovers import (
    _by_command_line,
    disown_pid_file,
    outlast,
    processes_in,
)
from edge.embedded.spawn import spawn
from tests.database import FAST
from tests.edge.embedded.processes import is_alive, needs_linux, needs_root

Start = Callable[[str], Awaitable[Process]]


@pytest.fixture
async def start(open_dir: Path) -> AsyncIterator[Start]:
    """Starts a program that sleeps in `open_dir`, under a name of one's choice."""
    started: list[Process] = []

    async def start_named(name: str) -> Process:
        program = shutil.copy("/bin/sleep", open_dir / name)
        process = await asyncio.create_subprocess_exec(program, "60", cwd=open_dir)
        started.append(process)
        return process

    yield start_named
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@needs_linux
async def test_only_postgresql_in_this_very_folder_is_seen(open_dir: Path, start: Start) -> None:
    await start("somebody")
    assert await processes_in(open_dir) == []
    postgres = await start("postgres")
    assert await processes_in(open_dir) == [postgres.pid]
    (open_dir / "other").mkdir()
    assert await processes_in(open_dir / "other") == []
    assert await processes_in(open_dir / "missing") == []


async def test_a_running_server_is_seen_in_either_way(made_dir: Path) -> None:
    async with Embedded(made_dir, FAST) as postgres:
        assert postgres.pid in await processes_in(made_dir / "postgres")
        assert await _by_command_line(made_dir / "postgres") == [postgres.pid]
    assert await processes_in(made_dir / "postgres") == []
    assert await _by_command_line(made_dir / "postgres") == []


@needs_linux
async def test_whoever_leaves_by_itself_is_left_alone(open_dir: Path, start: Start) -> None:
    process = await start("postgres")
    waiting = asyncio.create_task(outlast(open_dir, ((None, 5.0), (SIGKILL, 1.0))))
    await asyncio.sleep(0)
    process.terminate()
    await waiting
    assert await process.wait() == -15


@needs_linux
async def test_whoever_stays_is_asked_with_growing_insistence(open_dir: Path, start: Start) -> None:
    process = await start("postgres")
    await outlast(open_dir, ((None, 0.02), (SIGQUIT, 5.0), (SIGKILL, 1.0)))
    assert await process.wait() == -SIGQUIT


@needs_linux
async def test_whoever_does_not_go_is_named(open_dir: Path, start: Start) -> None:
    process = await start("postgres")
    with pytest.raises(EmbeddedError, match=rf"process {process.pid}\) in .* does not end"):
        await outlast(open_dir, ((None, 0.02),))
    assert process.returncode is None


async def test_a_pid_file_names_us_and_keeps_the_rest(open_dir: Path) -> None:
    path = open_dir / "postmaster.pid"
    path.write_text("123456789\n/folder\n1\n5432\n/run\n\n  16074765         4\nready   \n")
    disown_pid_file(open_dir)
    first, *rest = path.read_text().splitlines()
    assert first == str(os.getpid())
    assert rest == ["/folder", "1", "5432", "/run", "", "  16074765         4", "ready   "]
    path.unlink()
    disown_pid_file(open_dir)
    assert not path.exists()


@needs_root
async def test_a_pid_that_now_belongs_to_another_program_does_not_hinder(made_dir: Path) -> None:
    owner = (made_dir / "postgres").stat()
    innocent = await spawn(
        ["/bin/sleep", "60"],
        Account(owner.st_uid, owner.st_gid, "owner"),
        death_signal=SIGKILL,
        output=2,
    )
    path = made_dir / "postgres" / "postmaster.pid"
    path.write_text(f"{innocent.pid}\n{made_dir}\n1\n5432\n\n\n  16074765         4\nready\n")
    os.chown(path, owner.st_uid, owner.st_gid)
    async with Embedded(made_dir, FAST):
        assert is_alive(innocent.pid)
    innocent.kill()
    await innocent.wait()
