"""The embedded PostgreSQL's life: start, work, die, come back, stop; alone and beside others."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from edge.embedded import (
    Attached,
    Embedded,
    EmbeddedError,
    EmbeddedSettings,
    attach_or_start,
)
from edge.embedded.leftovers import processes_in
from tests.database import FAST
from tests.edge.embedded.processes import (
    eventually,
    is_alive,
    needs_linux,
    needs_root,
    nobody,
    program,
)

LONG = "do $$ begin while clock_timestamp() < now() + interval '20 s' loop end loop; end $$"
IS_BUSY = "select exists (select from pg_stat_activity where query = $1 and state = 'active')"
IMPATIENT = EmbeddedSettings(server_options=FAST.server_options, serve_wait_s=0.1)


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def note(dsn: str, text: str) -> None:
    """Commit a line."""
    async with connected(dsn) as connection:
        await connection.execute("create table if not exists note (text text)")
        await connection.execute("insert into note values ($1)", text)


async def notes(dsn: str) -> list[str]:
    async with connected(dsn) as connection:
        return [row["text"] for row in await connection.fetch("select text from note")]


def _restarted(postgres: Embedded, before: int) -> bool:
    return postgres.restarts > before


# --- alone ---------------------------------------------------------------------------------------


async def test_it_runs_is_durable_by_default_and_keeps_what_it_was_given(open_dir: Path) -> None:
    async with Embedded(open_dir) as postgres:
        async with connected(postgres.dsn) as connection:
            assert connection.get_server_version().major >= 15
            assert await connection.fetchval("select current_database()") == "hothour"
            for name in ("fsync", "full_page_writes", "synchronous_commit"):
                assert await connection.fetchval("select current_setting($1)", name) == "on"
            assert await connection.fetchval("show listen_addresses") == ""
            assert await connection.fetchval("select lower('IŞIK') = 'işik'")
        await note(postgres.dsn, "kept")
    async with Embedded(open_dir) as postgres:
        assert await notes(postgres.dsn) == ["kept"]


async def test_stopping_leaves_no_process_no_socket_and_no_lock(made_dir: Path) -> None:
    postgres = Embedded(made_dir, FAST)
    await postgres.start()
    pid = postgres.pid
    assert pid is not None
    await postgres.stop()
    assert not is_alive(pid)
    assert await processes_in(made_dir / "postgres") == []
    assert not (made_dir / "run").exists()
    await postgres.stop()  # a second time is harmless
    async with Embedded(made_dir, FAST):
        pass


async def test_a_terminals_interrupt_does_not_reach_it(made_dir: Path) -> None:
    async with Embedded(made_dir, FAST) as postgres:
        assert postgres.pid is not None
        assert os.getsid(postgres.pid) == postgres.pid != os.getsid(0)


@needs_root
async def test_root_runs_it_as_another_user_in_a_private_folder(made_dir: Path) -> None:
    status = (made_dir / "postgres").stat()
    assert status.st_uid != 0
    assert status.st_mode & 0o777 == 0o700
    async with Embedded(made_dir, FAST) as postgres:
        assert os.stat(f"/proc/{postgres.pid}").st_uid == status.st_uid
        assert (made_dir / "run").stat().st_mode & 0o777 == 0o700


@needs_root
@needs_linux
async def test_it_runs_in_a_folder_that_its_user_may_not_walk_through(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    async with Embedded(closed / "data", FAST) as postgres:
        await note(postgres.dsn, "kept")
    async with Embedded(closed / "data", FAST) as postgres:
        assert await notes(postgres.dsn) == ["kept"]


@needs_root
async def test_a_normal_user_runs_it_as_itself(open_dir: Path) -> None:
    os.chmod(open_dir, 0o777)
    async with program(open_dir / "own", as_nobody=True) as running:
        assert running.error == "None"
        assert (
            (open_dir / "own" / "postgres").stat().st_uid == os.stat(open_dir / "own").st_uid != 0
        )
        await running.end()
    # And root beside it, later, runs the same database as that user.
    async with Embedded(open_dir / "own", FAST):
        assert (open_dir / "own" / "run").stat().st_uid == nobody().uid


async def test_several_run_at_once(made_dir: Path, open_dir: Path) -> None:
    async with Embedded(made_dir, FAST) as one, Embedded(open_dir, FAST) as other:
        assert one.dsn != other.dsn
        await note(other.dsn, "other")
        async with connected(one.dsn) as connection:
            assert await connection.fetchval("select to_regclass('note') is null")


# --- deaths --------------------------------------------------------------------------------------


async def test_a_killed_postgresql_is_back_within_two_seconds(made_dir: Path) -> None:
    said: list[str] = []
    async with Embedded(made_dir, FAST, notice=said.append) as postgres:
        dsn, pid = postgres.dsn, postgres.pid
        assert pid is not None
        async with connected(dsn) as connection, connected(dsn) as other:
            # A backend in the middle of its work does not notice that its server is gone.
            busy = asyncio.ensure_future(connection.execute(LONG))
            while not await other.fetchval(IS_BUSY, LONG):
                pass
            os.kill(pid, signal.SIGKILL)
            await eventually(lambda: postgres.restarts == 1, within_s=2.0)
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
                await busy
        assert postgres.dsn == dsn
        assert postgres.pid != pid
        async with connected(dsn) as connection:
            assert await connection.fetchval("select 1") == 1
    assert said == [
        "PostgreSQL ended by itself (status -9); starting it again.",
        "PostgreSQL is back.",
    ]


async def test_it_comes_back_as_often_as_it_dies(made_dir: Path) -> None:
    async with Embedded(made_dir, FAST) as postgres:
        for _ in range(2):
            before = postgres.restarts
            assert postgres.pid is not None
            os.kill(postgres.pid, signal.SIGQUIT)
            await eventually(partial(_restarted, postgres, before), within_s=3.0)


@needs_linux
async def test_a_killed_parent_takes_it_along_and_the_next_start_works(open_dir: Path) -> None:
    async with program(open_dir) as running:
        await note(running.dsn, "confirmed")
        running.process.kill()
        await running.process.wait()
        async with Embedded(open_dir, FAST) as postgres:
            assert not is_alive(running.postgres_pid)
            assert await notes(postgres.dsn) == ["confirmed"]


async def test_stopping_while_it_is_being_started_again_leaves_nothing(made_dir: Path) -> None:
    postgres = Embedded(made_dir, FAST)
    await postgres.start()
    assert postgres.pid is not None
    old = set(await processes_in(made_dir / "postgres"))
    os.kill(postgres.pid, signal.SIGKILL)
    async with asyncio.timeout(5):
        while True:
            await asyncio.sleep(0)
            if set(await processes_in(made_dir / "postgres")) - old:
                break
    await postgres.stop()
    assert await processes_in(made_dir / "postgres") == []


# --- beside others -------------------------------------------------------------------------------


async def test_a_command_beside_a_server_uses_the_servers(made_dir: Path) -> None:
    async with await attach_or_start(made_dir, "serve", FAST) as server:
        async with await attach_or_start(made_dir, "command", FAST) as command:
            assert isinstance(command, Attached)
            assert command.dsn == server.dsn
        async with connected(server.dsn) as connection:  # the command's end does not end it
            assert await connection.fetchval("select 1") == 1


async def test_a_command_alone_starts_its_own(made_dir: Path) -> None:
    async with await attach_or_start(made_dir, "command", FAST) as command:
        assert isinstance(command, Embedded)
        pid = command.pid
    assert pid is not None
    assert not is_alive(pid)


@pytest.mark.parametrize("owner", ["serve", "command"])
async def test_whoever_finds_a_command_waits_for_its_end(made_dir: Path, owner: str) -> None:
    said: list[str] = []
    command = await attach_or_start(made_dir, "command", FAST)
    waiting = asyncio.create_task(
        attach_or_start(
            made_dir, "serve" if owner == "serve" else "command", IMPATIENT, notice=said.append
        )
    )
    await eventually(lambda: len(said) == 1)
    await asyncio.sleep(3 * IMPATIENT.serve_wait_s)
    assert not waiting.done()
    await command.stop()
    async with await waiting as later:
        assert isinstance(later, Embedded)
    assert said == [f"Waiting for process {os.getpid()} (command), which uses {made_dir}."]


async def test_a_command_waits_for_a_server_that_is_still_starting(open_dir: Path) -> None:
    starting = asyncio.create_task(attach_or_start(open_dir, "serve", FAST))
    await eventually((open_dir / "postgres.lock").exists)
    command = await attach_or_start(open_dir, "command", FAST)
    server = await starting
    assert isinstance(command, Attached)
    assert command.dsn == server.dsn
    await server.stop()


async def test_a_second_server_waits_for_one_on_its_way_out_and_then_refuses(
    made_dir: Path,
) -> None:
    first = await attach_or_start(made_dir, "serve", FAST)
    with pytest.raises(EmbeddedError, match=rf"in use by process {os.getpid()} \(serve\)"):
        await attach_or_start(made_dir, "serve", IMPATIENT)
    waiting = asyncio.create_task(attach_or_start(made_dir, "serve", FAST))
    await asyncio.sleep(0)
    await first.stop()
    async with await waiting as second:
        assert isinstance(second, Embedded)


async def test_a_second_one_that_does_not_wait_is_refused(made_dir: Path) -> None:
    async with Embedded(made_dir, FAST):
        with pytest.raises(EmbeddedError, match="in use by process"):
            await Embedded(made_dir, FAST).start()


@needs_root
async def test_a_normal_user_is_told_that_the_folder_is_not_theirs(open_dir: Path) -> None:
    async with program(open_dir, as_nobody=True) as running:
        assert f"{open_dir} may not be written by this user" in running.error
    async with program(open_dir / "new", as_nobody=True) as running:
        assert f"{open_dir}/new cannot be made: permission denied." in running.error


async def test_a_start_that_fails_lets_the_next_one_in(made_dir: Path) -> None:
    unusable = EmbeddedSettings(server_options=(("max_connections", "none"),))
    with pytest.raises(EmbeddedError):
        await Embedded(made_dir, unusable).start()
    async with Embedded(made_dir, FAST):
        pass
