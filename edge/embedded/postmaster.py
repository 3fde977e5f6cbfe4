"""One run of PostgreSQL: made, started, ended. Whoever calls holds the data directory's lock."""

import asyncio
import os
import re
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT, SIGTERM, Signals

from edge.embedded.account import Account, within_reach
from edge.embedded.binaries import Binaries
from edge.embedded.layout import EmbeddedError, Layout, reason
from edge.embedded.spawn import spawn

SUPERUSER = "hothour"
_POLL_S = 0.005
_END_S = 5.0
_STATUS_LINE = 7  # of postmaster.pid, counted from 0; the pid is line 0

_OPTIONS = {
    "listen_addresses": "",  # the unix socket and nothing else
    "port": "5432",
    "wal_level": "replica",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A statement's error is its caller's business; here it would repeat what guests typed.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
    "log_destination": "stderr",
    "logging_collector": "off",
}


@dataclass(frozen=True, slots=True)
class EmbeddedSettings:
    """How to run PostgreSQL. The defaults are safe: nothing here turns durability off by itself."""

    pg_bin: Path | None = None
    """The folder with `postgres` and `initdb` (HOTHOUR_PG_BIN); None: look for one."""
    connections_max: int = 100
    """PostgreSQL's max_connections; at the bound it refuses the next one (53300)."""
    shared_buffers_mib: int = 128
    """PostgreSQL's own cache."""
    server_options: tuple[tuple[str, str], ...] = ()
    """Further `-c name=value` pairs, last word. Tests say `fsync=off` here, nobody else should."""
    start_timeout_s: float = 60.0
    """How long recovery after a crash may take; at the bound the start fails with a sentence."""
    stop_timeout_s: float = 10.0
    """How long a fast shutdown may take; at the bound an immediate one follows."""
    serve_wait_s: float = 5.0
    """How long `serve` waits for another `serve` of this folder to end, then refuses."""
    command_wait_s: float = 120.0
    """How long anybody waits for a command to end, or for a server to be ready, then refuses."""
    log_max_bytes: int = 10 * 1024 * 1024
    """A log longer than this at start is put aside (one old one is kept)."""

    @property
    def durable(self) -> bool:
        """False where a caller switched fsync off."""
        return dict(self.server_options).get("fsync", "on") != "off"


async def initialise(
    layout: Layout, binaries: Binaries, account: Account | None, settings: EmbeddedSettings
) -> None:
    """Make an empty database cluster, whole or not at all.

    Raises EmbeddedError with initdb's own reason.
    """
    _make_unborn(layout, account)
    locale = ["--locale=C"]
    if binaries.major >= 17:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    with within_reach(layout.unborn, account) as (folder, descriptors):
        process = await spawn(
            [
                *(binaries.program("initdb"), "-D", folder, "-U", SUPERUSER),
                # Whoever can open the socket may be anybody: its folder is closed to others.
                *("--auth=trust", "--encoding=UTF8", "--data-checksums", "--no-instructions"),
                *(*locale, *([] if settings.durable else ["--no-sync"])),
            ],
            account,
            death_signal=SIGTERM,
            output=PIPE,
            descriptors=descriptors,
        )
    said = await _hear_out(process)
    if process.returncode != 0:
        raise EmbeddedError(f"A database cannot be made in {layout.root}: {_last_words(said)}.")
    _give_name(layout)


def _make_unborn(layout: Layout, account: Account | None) -> None:
    try:
        if layout.unborn.exists():  # an initdb that was interrupted
            shutil.rmtree(layout.unborn)
        layout.unborn.mkdir(mode=0o700)
        if account is not None:
            os.chown(layout.unborn, account.uid, account.gid)
    except OSError as error:
        raise EmbeddedError(f"{layout.unborn} cannot be made: {reason(error)}.") from None


def _give_name(layout: Layout) -> None:
    try:
        layout.unborn.rename(layout.pgdata)
        descriptor = os.open(layout.root, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise EmbeddedError(f"{layout.pgdata} cannot be made: {reason(error)}.") from None


async def _hear_out(process: Process) -> str:
    """What a program says until it ends; ended with us when we are cancelled."""
    try:
        said, _ = await process.communicate()
    except BaseException:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        raise
    return said.decode(errors="replace")


class Postmaster:
    """A running PostgreSQL: start, then ended or stop."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @classmethod
    async def start(
        cls,
        layout: Layout,
        binaries: Binaries,
        account: Account | None,
        sockets: Path,
        settings: EmbeddedSettings,
    ) -> "Postmaster":
        """Start it and wait until it answers. Raises EmbeddedError with PostgreSQL's own reason."""
        with _log(layout) as log, within_reach(layout.pgdata, account) as (folder, descriptors):
            process = await spawn(
                [binaries.program("postgres"), "-D", folder, *_arguments(sockets, settings)],
                account,
                # An immediate shutdown: it always ends, and the next start recovers.
                death_signal=SIGQUIT,
                output=log,
                descriptors=descriptors,
            )
            said_before = os.lseek(log, 0, os.SEEK_END)
        try:
            async with asyncio.timeout(settings.start_timeout_s):
                await _until_ready(process, layout.pgdata / "postmaster.pid")
        except TimeoutError:
            await _end(process, SIGQUIT)
            raise EmbeddedError(
                f"PostgreSQL in {layout.pgdata} was not ready within"
                f" {settings.start_timeout_s:.0f} s: see {layout.log}."
            ) from None
        except BaseException:
            await _end(process, SIGQUIT)
            raise
        if process.returncode is not None:
            why = _last_words(_tail(layout.log, said_before))
            raise EmbeddedError(f"PostgreSQL cannot start in {layout.pgdata}: {why}.")
        return cls(process)

    async def ended(self) -> int:
        """Wait until it ends; its exit status, negative for a signal."""
        return await self._process.wait()

    async def stop(self, timeout_s: float) -> None:
        """End it: transactions in hand are rolled back, everything else is on disk."""
        await _end(self._process, SIGINT, timeout_s)


def _arguments(sockets: Path, settings: EmbeddedSettings) -> Iterator[str]:
    options = _OPTIONS | {
        "unix_socket_directories": str(sockets),
        "max_connections": str(settings.connections_max),
        "shared_buffers": f"{settings.shared_buffers_mib}MB",
    }
    for name, value in (options | dict(settings.server_options)).items():
        yield from ("-c", f"{name}={value}")


@contextmanager
def _log(layout: Layout) -> Iterator[int]:
    try:
        descriptor = os.open(layout.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise EmbeddedError(f"{layout.log} cannot be written: {reason(error)}.") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def _until_ready(process: Process, pid_file: Path) -> None:
    """Return when it answers or has ended."""
    while process.returncode is None:
        if _is_ready(process.pid, pid_file):
            return
        await asyncio.sleep(_POLL_S)


def _is_ready(pid: int, pid_file: Path) -> bool:
    try:
        lines = pid_file.read_text().splitlines()
    except FileNotFoundError:
        return False
    # An old file has an old pid.
    return (
        len(lines) > _STATUS_LINE
        and lines[0] == str(pid)
        and lines[_STATUS_LINE].strip() == "ready"
    )


async def _end(process: Process, signal: Signals, timeout_s: float = _END_S) -> None:
    """Ask with `signal`, then insist with SIGQUIT, then with SIGKILL."""
    for insistence, wait_s in ((signal, timeout_s), (SIGQUIT, _END_S), (SIGKILL, None)):
        if process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(insistence)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await process.wait()


def _tail(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        return file.read(64 * 1024).decode(errors="replace")


def _last_words(said: str) -> str:
    """Why a program of PostgreSQL gave up, from what it said."""
    reasons = re.findall(r"(?:FATAL|PANIC|error):\s+(.+)", said)
    if reasons:
        return str(reasons[-1]).rstrip(".")
    lines = said.strip().splitlines()
    return lines[-1].rstrip(".") if lines else "it said nothing"
