"""Processes of tests: ours as another user, and whether somebody else's still lives."""

import asyncio
import json
import os
import pwd
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.embedded.account import Account

REPOSITORY = Path(__file__).resolve().parents[3]
PROGRAM = Path(__file__).with_name("program.py")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="promised on Linux only")


def nobody() -> Account:
    """An account without any rights."""
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits for its parent's notice does not."""
    listing = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return bool(listing.stdout.strip()) and not listing.stdout.startswith("Z")


async def eventually(holds: Callable[[], bool], *, within_s: float = 10.0) -> None:
    """Wait until it holds; fail when it takes too long."""
    async with asyncio.timeout(within_s):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)


class Running:
    """A running program.py: what it said, and how to end it."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.said: dict[str, str | int] = {}

    @property
    def dsn(self) -> str:
        return str(self.said["dsn"])

    @property
    def error(self) -> str:
        return str(self.said.get("error"))

    @property
    def postgres_pid(self) -> int:
        return int(self.said["pid"])

    async def end(self) -> None:
        """Let it stop by itself."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        await self.process.wait()


@asynccontextmanager
async def program(
    data_dir: Path, owner: str = "serve", *words: str, as_nobody: bool = False
) -> AsyncIterator[Running]:
    """Run program.py until it has said its line; it has ended on leaving."""
    python = _interpreter_of_nobody() if as_nobody else sys.executable
    account = nobody() if as_nobody else None
    process = await asyncio.create_subprocess_exec(
        *(python, str(PROGRAM), str(data_dir), owner, *words),
        stdin=PIPE,
        stdout=PIPE,
        cwd="/",
        env={
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), *_packages()]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": os.defpath,
        },
        preexec_fn=None if account is None else lambda: _become(account),
    )
    assert process.stdout is not None
    running = Running(process)
    try:
        line = await process.stdout.readline()
        assert line, "it said nothing"
        running.said = json.loads(line)
        yield running
    finally:
        if process.returncode is None:
            await running.end()


def _packages() -> list[str]:
    """Where our packages lie, for an interpreter that is not our environment's."""
    return [path for path in sys.path if path.endswith("-packages")]


def _become(account: Account) -> None:
    os.setgroups([])
    os.setgid(account.gid)
    os.setuid(account.uid)


def _interpreter_of_nobody() -> str:
    """A Python of our version that `nobody` may run: ours may lie in root's home."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    ours = Path(sys.executable).resolve()
    for candidate in (ours, Path(shutil.which(version, path=os.defpath) or ours)):
        if nobody().may_reach(candidate) and nobody().may_reach(PROGRAM.parent):
            return str(candidate)
    pytest.skip("there is no interpreter here that `nobody` may run")
