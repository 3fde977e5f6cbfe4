"""The embedded PostgreSQL of one data directory: started, kept alive, stopped; or attached to.

Must never be started from an executor's thread (spawn.py says why), and never let go of the data
directory's lock while its PostgreSQL runs.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from edge.embedded.launch import Launch
from edge.embedded.layout import EmbeddedError, Layout, open_layout
from edge.embedded.leftovers import OLD_BACKENDS, OLD_SERVER
from edge.embedded.lock import DataDirLock, Holder, Owner
from edge.embedded.postmaster import EmbeddedSettings, Postmaster

Notice = Callable[[str], None]

_WAIT_POLL_S = 0.05
_RETRY_S = 0.5
_SHORT_LIFE_S = 5.0


class Attached:
    """The PostgreSQL that a server beside us runs. Leaving it leaves it running."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Nothing: it is not ours."""


class Embedded:
    """A PostgreSQL of our own: start, (it dies: start again)*, stop.

    `notice` hears one sentence for each thing an operator would want to know; `restarts` counts
    how often it died and was started again. A DSN stays the same over restarts.
    """

    def __init__(
        self,
        data_dir: Path,
        settings: EmbeddedSettings | None = None,
        *,
        owner: Owner = "serve",
        notice: Notice = lambda _: None,
    ) -> None:
        self.restarts = 0
        self._data_dir = data_dir
        self._settings = settings or EmbeddedSettings()
        self._owner = owner
        self._notice = notice
        self._dsn: str | None = None
        self._lock: DataDirLock | None = None
        self._launch: Launch | None = None
        self._postmaster: Postmaster | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def dsn(self) -> str:
        """Where it is; only while it is started."""
        assert self._dsn is not None, "not started"
        return self._dsn

    @property
    def pid(self) -> int | None:
        """The server's process id; None while there is none."""
        return self._postmaster.pid if self._postmaster else None

    async def __aenter__(self) -> Self:
        if self._lock is None:  # else attach_or_start has started it
            await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Make the database if need be, start it and wait until it answers.

        Raises EmbeddedError with one sentence: no binaries, a data directory that is in use, not
        writable or another version's, trouble with the disk.
        """
        layout = open_layout(self._data_dir)
        lock = DataDirLock(layout.lock)
        if not lock.try_acquire(self._owner):
            raise _in_use(layout, lock.holder())
        await self.start_under(lock, layout)

    async def start_under(self, lock: DataDirLock, layout: Layout) -> None:
        """As start, with the lock taken by the caller; it is ours from here on."""
        self._lock = lock
        try:
            launch = self._launch = await Launch.prepare(layout, self._settings)
            self._postmaster = await launch.run(OLD_SERVER)
            self._dsn = await launch.open_database()
            lock.announce(self._dsn)
        except BaseException:
            await self.stop()
            raise
        self._watch = asyncio.create_task(self._keep_alive(launch), name="embedded-postgresql")

    async def stop(self) -> None:
        """End it and let the next one in. Harmless when it is not started."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.wait([watch])
        postmaster, self._postmaster = self._postmaster, None
        if postmaster is not None:
            await postmaster.stop(self._settings.stop_timeout_s)
        launch, self._launch = self._launch, None
        if launch is not None:
            launch.clean_up()
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    async def _keep_alive(self, launch: Launch) -> None:
        now = asyncio.get_running_loop().time
        while self._postmaster is not None:
            born_s = now()
            status = await self._postmaster.ended()
            self._postmaster = None
            self._notice(f"PostgreSQL ended by itself (status {status}); starting it again.")
            if now() - born_s < _SHORT_LIFE_S and self.restarts:
                await asyncio.sleep(_RETRY_S)
            while self._postmaster is None:
                try:
                    self._postmaster = await launch.run(OLD_BACKENDS)
                except EmbeddedError as error:
                    self._notice(str(error))
                    await asyncio.sleep(_RETRY_S)
            self.restarts += 1
            self._notice("PostgreSQL is back.")


async def attach_or_start(
    data_dir: Path,
    owner: Owner,
    settings: EmbeddedSettings | None = None,
    *,
    notice: Notice = lambda _: None,
) -> Attached | Embedded:
    """The PostgreSQL of `data_dir`, ready; the caller stops it (or uses it as `async with`).

    A command beside a server attaches to the server's. Whoever finds a command at work waits for
    it to end instead of adopting a PostgreSQL that will vanish. A second server waits a little for
    the first one, which may be on its way out, and then refuses. Raises EmbeddedError.
    """
    settings = settings or EmbeddedSettings()
    layout = open_layout(data_dir)
    lock = DataDirLock(layout.lock)
    now = asyncio.get_running_loop().time
    began_s, told = now(), False
    while not lock.try_acquire(owner):
        holder = lock.holder()
        beside_server = holder is not None and holder.owner == "serve"
        if owner == "command" and holder is not None and beside_server and holder.dsn:
            return Attached(holder.dsn)
        two_servers = owner == "serve" and beside_server
        if now() - began_s > (settings.serve_wait_s if two_servers else settings.command_wait_s):
            raise _in_use(layout, holder)
        if not told and holder is not None:
            told = True
            notice(f"Waiting for process {holder.pid} ({holder.owner}), which uses {layout.root}.")
        await asyncio.sleep(_WAIT_POLL_S)
    embedded = Embedded(data_dir, settings, owner=owner, notice=notice)
    await embedded.start_under(lock, layout)
    return embedded


def _in_use(layout: Layout, holder: Holder | None) -> EmbeddedError:
    who = f"process {holder.pid} ({holder.owner})" if holder else "another process"
    return EmbeddedError(
        f"The data directory {layout.root} is in use by {who}:"
        " stop it or choose another --data-dir."
    )
