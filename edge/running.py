"""One process from its settings to its end: database, identity, server, signals.

Everything that can be wrong with the surroundings comes out as `CannotRun`, one sentence.
"""

import asyncio
import base64
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

import aiohttp
from structlog.typing import FilteringBoundLogger

from edge.adapters import MigrationError, StoreUnavailable, UnsafeDatabase, prepare
from edge.app import Server
from edge.binding import CannotListen, bind
from edge.config import Config
from edge.embedded import (
    EmbeddedError,
    EmbeddedSettings,
    Owner,
    attach_or_start,
    claimed_node_identity,
    secret_key,
)
from edge.metrics import Metrics
from engine.clock import ClockWrong
from engine.ports.commit import StoreError

_SENTENCES: Final = (
    CannotListen,
    ClockWrong,
    EmbeddedError,
    MigrationError,
    StoreUnavailable,
    UnsafeDatabase,
)
_ANY_HOST: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # named, not bound
READY_TIMEOUT_S: Final = 3.0

__all__ = ["CannotRun", "database", "is_ready", "plainly", "prepare", "serve", "signing_key"]


class CannotRun(Exception):
    """One sentence about what is wrong with the surroundings."""


@contextmanager
def plainly() -> Iterator[None]:
    """Turn what the surroundings can be blamed for into `CannotRun`."""
    try:
        yield
    except _SENTENCES as error:
        raise CannotRun(str(error)) from error
    except StoreError as error:
        raise CannotRun("The database went away while starting; try again.") from error
    except OSError as error:  # a file of the data directory
        if error.filename is None:
            raise
        raise CannotRun(f"{error.filename} cannot be used: {error.strerror}.") from error


@asynccontextmanager
async def database(
    config: Config, owner: Owner, notice: Callable[[str], None]
) -> AsyncIterator[str]:
    """The address of the database to use: the one that is configured, or an embedded one that
    lives as long as this block (or longer, when a server beside us runs it). Raises CannotRun."""
    if config.database_url:
        yield config.database_url
        return
    settings = EmbeddedSettings(pg_bin=Path(config.pg_bin) if config.pg_bin else None)
    with plainly():
        postgres = await attach_or_start(config.data_dir, owner, settings, notice=notice)
    try:
        yield postgres.dsn
    finally:
        await postgres.stop()


def signing_key(config: Config) -> str:
    """What signs tokens: the configured key, or in development one of the data directory."""
    return config.secret_key or base64.b64encode(secret_key(config.data_dir)).decode()


def show_on_terminal(line: str) -> None:
    """Say it to whoever sits there; unlike the log, nobody keeps it."""
    sys.stderr.write(f"{line.rstrip()}\n")


def url_of(host: str, port: int) -> str:
    """How to reach a server that listens there, from this machine."""
    reached = _ANY_HOST.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{reached}:{port}"


@asynccontextmanager
async def serving(config: Config, log: FilteringBoundLogger) -> AsyncIterator[tuple[Server, str]]:
    """A server that can book, and its address; drained and stopped at the end.

    Raises CannotRun.
    """
    for name in config.unknown:
        log.warning("there is no such setting", name=name)
    with plainly():
        listener = bind(config.host, config.port)
    with listener, plainly(), claimed_node_identity(config.data_dir) as node_id:
        async with database(config, "serve", log.warning) as dsn:
            url = url_of(config.host, listener.getsockname()[1])
            server = Server(
                config,
                url=config.public_url or url,
                dsn=dsn,
                node_id=node_id,
                key=signing_key(config),
                listener=listener,
                log=log,
                show=show_on_terminal,
                metrics_=Metrics(version("hothour")),
            )
            await server.start()
            try:
                yield server, url
            finally:
                await server.stop()


async def serve(config: Config, log: FilteringBoundLogger, ready: Callable[[str], None]) -> bool:
    """Serve until SIGTERM or SIGINT. `ready` hears the address once it can book.

    False: the process could not go on (another one bears its name, or a part broke).
    Raises CannotRun.
    """
    stop = _Stop()
    try:
        async with serving(config, log) as (server, url):
            ready(url)
            log.info("ready", url=url)
            await stop.asked_or(server.superseded)
            return not server.superseded.is_set()
    except asyncio.CancelledError:
        if not stop.asked.is_set():
            raise
        log.info("asked to stop before it could book")
        return True


class _Stop:
    """What SIGTERM and SIGINT ask for: a start that is under way is given up, a server drains."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._starting = asyncio.current_task()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._ask)

    def _ask(self) -> None:
        if not self.asked.is_set() and self._starting is not None:
            self._starting.cancel()
        self.asked.set()

    async def asked_or(self, other: asyncio.Event) -> None:
        """From now on nothing is given up: wait until we are asked, or the other event is set."""
        self._starting = None
        waits = [asyncio.ensure_future(each.wait()) for each in (self.asked, other)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


async def is_ready(url: str) -> bool:
    """Does the server at that address say that it is ready?"""
    timeout = aiohttp.ClientTimeout(total=READY_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{url}/health/ready") as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return False
