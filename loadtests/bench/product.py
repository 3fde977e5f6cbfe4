"""The product as an operator sees it: a data directory, the `hothour` command, a running server.

Everything a question makes is in a place of its own, on this machine alone, and gone at the end:
processes ended, files removed.
"""

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from aiohttp import ClientSession

from edge.embedded import attach_or_start
from engine.store.postgres.pool import connect
from loadtests.bench.figures import Broken
from loadtests.bench.machine import CORES, Stopwatch, pin, rss_bytes

COMMAND = Path(sys.executable).with_name("hothour")
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 40.0
_PREFIX = "HOTHOUR_"
_SETTINGS = {
    "HOTHOUR_ENV": "development",
    "HOTHOUR_LOG_LEVEL": "warning",
    "HOTHOUR_LOG_FORMAT": "json",
    # Guests here come from one address, and none of them is asked to prove to be human.
    "HOTHOUR_RATE_LIMITS": "off",
    "HOTHOUR_EMAIL_VERIFICATION": "off",
    "HOTHOUR_BCRYPT_COST": "4",
}


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who may book."""

    id: int
    token: str


@dataclass(frozen=True, slots=True)
class Server:
    """A node that says it is ready."""

    url: str
    pid: int
    spawned_s: float
    """When its process was started, by time.perf_counter."""
    ready_s: float
    """When it said `ready`."""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def stopwatch(self) -> Stopwatch:
        """Of what it uses from now on."""
        return Stopwatch("server", self.pid)

    def rss_bytes(self) -> int:
        """Its memory, without its database's."""
        return rss_bytes(self.pid)

    async def metrics(self) -> str:
        """What it shows Prometheus."""
        async with ClientSession() as http, http.get(f"{self.url}/metrics") as answer:
            answer.raise_for_status()
            return await answer.text()


class Place:
    """A data directory. Commands, a database and a server may be had in it, one server a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(_PREFIX)},
            **_SETTINGS,
            "HOTHOUR_DATA_DIR": str(folder),
        }

    def database_log(self) -> bytes:
        """All that PostgreSQL has said."""
        return (self.folder / "postgres.log").read_bytes()

    def postmaster(self) -> int:
        """The process id of its PostgreSQL, while that runs."""
        return int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])

    async def run(self, *arguments: str) -> str:
        """A `hothour` command to its end; what it says on stdout. Raises Broken."""
        process = await asyncio.create_subprocess_exec(
            COMMAND, *arguments, stdout=PIPE, stderr=PIPE, env=self._environment
        )
        try:
            said, complained = await process.communicate()
        except BaseException:
            await _end(process)
            raise
        if process.returncode:
            raise Broken(f"hothour {arguments[0]}: {_last_line(complained)}")
        return said.decode()

    async def guests(self, count: int) -> list[Guest]:
        """So many verified customers with their tokens, and a studio."""
        out = self.folder / "guests.json"
        await self.run("seed", "--users", str(count), "--out", str(out))
        users = json.loads(out.read_bytes())["users"]
        return [Guest(user["id"], user["access_token"]) for user in users]

    @asynccontextmanager
    async def address(self) -> AsyncIterator[str]:
        """The database's, started for as long as this block lasts unless a server runs it."""
        postgres = await attach_or_start(self.folder, "command")
        try:
            yield postgres.dsn
        finally:
            await postgres.stop()

    @asynccontextmanager
    async def database(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection; instants cross it as epoch milliseconds."""
        async with self.address() as dsn:
            connection = await connect(dsn)
            try:
                yield connection
            finally:
                await connection.close()

    @asynccontextmanager
    async def serving(self, cores: frozenset[int] = CORES.server) -> AsyncIterator[Server]:
        """`hothour serve`, ready, with its database on cores of its own (empty: on any); ended as
        an operator would. Raises Broken."""
        command = (COMMAND, "serve", "--host", "127.0.0.1", "--port", "0")
        log = self.folder / "serve.log"
        async with started(*command, environment=self._environment, log=log, cores=cores) as server:
            yield server


@asynccontextmanager
async def started(
    *command: str | Path,
    environment: Mapping[str, str],
    log: Path,
    cores: frozenset[int] = CORES.server,
) -> AsyncIterator[Server]:
    """A process that says `ready URL` on stdout, ended by SIGTERM. What it says on stderr goes to
    `log`. Raises Broken if it does not start, ends by itself or stops with a complaint."""
    spawned_s = time.perf_counter()
    with log.open("ab") as complaints:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=PIPE, stderr=complaints, env=environment
        )
    pin(process.pid, cores)
    try:
        url = await _ready(process, log)
        yield Server(url, process.pid, spawned_s, time.perf_counter())
        if process.returncode is not None:
            raise Broken(f"the server ended by itself: {_last_words(log)}")
    finally:
        await _end(process)
    if process.returncode:
        raise Broken(f"the server did not stop cleanly: {_last_words(log)}")


@asynccontextmanager
async def place() -> AsyncIterator[Place]:
    """A new, empty one; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="hothour-bench-") as folder:
        # Where we are root another account runs PostgreSQL and has to walk through here.
        os.chmod(folder, 0o755)
        yield Place(Path(folder))


async def _ready(process: Process, log: Path) -> str:
    assert process.stdout is not None, "it was piped"
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            line = (await process.stdout.readline()).decode()
    except TimeoutError:
        raise Broken(f"not ready within {READY_TIMEOUT_S:.0f} s") from None
    word, _, url = line.strip().partition(" ")
    if word != "ready":
        raise Broken(f"the server did not start: {_last_words(log)}")
    return url


async def _end(process: Process) -> None:
    """Ask it to stop, and insist when it does not."""
    for insistence in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None:
            return
        process.send_signal(insistence)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            continue


def _last_words(log: Path) -> str:
    return _last_line(log.read_bytes())


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
