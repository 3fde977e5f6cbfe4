"""`hothour demo` as whoever starts it meets it: a process, its lines and its end."""

import asyncio
import io
import os
import pty
import signal
import socket
import sys
import termios
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from edge.config import Config
from edge.demo import run as demonstration
from edge.demo.people import GUESTS, PASSWORD
from edge.office import Refusal
from tests.database import open_folder

PATIENCE_S = 55.0
COMMAND = (sys.executable, "-m", "edge.main", "demo")
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data directory to be."""
    with open_folder() as made:
        yield made / "shop"


@asynccontextmanager
async def demo(folder: Path, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command, running."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "--plain",
        *options,
        env=environment(folder),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with killed_at_last(process):
        yield process


@asynccontextmanager
async def on_terminal(folder: Path, theirs: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command, running on a terminal, of which this end is closed here: once it has ended,
    reading from the other one fails instead of waiting."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("--port", "0"),
        env={**environment(folder), "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    async with killed_at_last(process):
        yield process


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "HOTHOUR_BCRYPT_COST": "4", "HOTHOUR_DATA_DIR": str(folder)}


@asynccontextmanager
async def killed_at_last(process: asyncio.subprocess.Process) -> AsyncIterator[None]:
    """Whatever happens, it does not outlive the test."""
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def read_until(terminal: int, text: str) -> str:
    """What comes from a terminal, up to this."""
    read = b""
    while text.encode() not in read:
        read += os.read(terminal, 65_536)
    return read.decode(errors="replace")


async def line_with(process: asyncio.subprocess.Process, text: str) -> str:
    """The next line with this text in it."""
    assert process.stdout is not None
    async for raw in process.stdout:
        if text in raw.decode():
            return raw.decode()
    raise AssertionError(f"it ended without a line with {text!r}")


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    """Its exit code, and what it had still to say."""
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def postgres_of(folder: Path) -> list[str]:
    """Processes that run on this data directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in line and "postgres" in line:
                found.append(line)
    return found


async def test_it_sells_seats_and_ctrl_c_leaves_nothing_behind(folder: Path) -> None:
    async with asyncio.timeout(PATIENCE_S), demo(folder, "--port", "0") as process:
        url = (await line_with(process, "ready http://")).split()[1]
        assert " took " in await line_with(process, " booked ")
        async with aiohttp.ClientSession() as http:
            body = {"email": GUESTS[0].email, "password": PASSWORD}
            async with http.post(f"{url}/api/v1/auth/login", json=body) as answer:
                assert answer.status == 200
        process.send_signal(signal.SIGINT)
        code, out, err = await ended(process)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith("Stopped after ")
    assert "\x1b" not in out
    assert postgres_of(folder) == []
    assert "stopped" in (folder / "demo.log").read_text("utf-8").splitlines()[-1]


async def test_on_a_terminal_there_is_a_board_and_afterwards_all_is_as_it_was(
    folder: Path,
) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (30, 100))
    before = termios.tcgetattr(ours)
    async with asyncio.timeout(PATIENCE_S), on_terminal(folder, theirs) as process:
        screen = await asyncio.to_thread(read_until, ours, "what happened")
        process.send_signal(signal.SIGINT)
        screen += await asyncio.to_thread(read_until, ours, "Stopped after")
        assert await process.wait() == 0
    assert termios.tcgetattr(ours) == before
    os.close(ours)
    assert PASSWORD in screen[: screen.index(ENTER)]
    assert screen.index(ENTER) < screen.index("TO FLOOR") < screen.index(LEAVE)
    assert "Stopped after" in screen[screen.index(LEAVE) :]


async def test_a_second_run_finds_everybody_and_sigterm_ends_it_too(folder: Path) -> None:
    for _ in range(2):
        async with asyncio.timeout(PATIENCE_S), demo(folder, "--port", "0") as process:
            await line_with(process, "ready http://")
            process.terminate()
            assert (await ended(process))[0] == 0
    log = (folder / "demo.log").read_text("utf-8").splitlines()
    first, second = (line for line in log if "seeded" in line)
    assert "accounts=25" in first
    assert "accounts=0" in second


async def test_a_port_that_is_taken_is_one_sentence(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with asyncio.timeout(PATIENCE_S), demo(folder, "--port", str(port)) as process:
            code, out, err = await ended(process)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in err


async def test_in_production_it_is_refused() -> None:
    config = Config(env="production", secret_key="x" * 32)
    with pytest.raises(Refusal, match="refused in production"):
        await demonstration.run(config, io.StringIO(), io.StringIO(), plain=True)
