"""Everything that has to be settled before PostgreSQL can run in a data directory.

Whoever calls holds the data directory's lock.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import asyncpg

from edge.embedded.account import Account, account_for
from edge.embedded.binaries import Binaries, find_binaries, runnable_by
from edge.embedded.layout import EmbeddedError, Layout, reason
from edge.embedded.leftovers import Patience, disown_pid_file, outlast
from edge.embedded.postmaster import SUPERUSER, EmbeddedSettings, Postmaster, initialise
from edge.embedded.sockets import dsn_of, open_socket_folder

_DATABASE = "hothour"


@dataclass(frozen=True, slots=True)
class Launch:
    """A database cluster that exists, who runs it, by which programs, and where it hears."""

    layout: Layout
    settings: EmbeddedSettings
    binaries: Binaries
    account: Account | None
    sockets: Path

    @classmethod
    async def prepare(cls, layout: Layout, settings: EmbeddedSettings) -> Self:
        """Find what is needed and make the database if there is none. Raises EmbeddedError."""
        account = account_for(layout)
        major = _existing_major(layout.pgdata)
        binaries = runnable_by(account, await find_binaries(settings.pg_bin, major))
        if major is None:
            await initialise(layout, binaries, account, settings)
        _put_long_log_aside(layout.log, settings.log_max_bytes)
        return cls(layout, settings, binaries, account, open_socket_folder(layout, account))

    async def run(self, patience: Patience) -> Postmaster:
        """Start it once everybody of an earlier run is gone. Raises EmbeddedError."""
        await outlast(self.layout.pgdata, patience)
        try:
            disown_pid_file(self.layout.pgdata)
        except OSError as error:
            raise EmbeddedError(f"{self.layout.pgdata} cannot be read: {reason(error)}.") from None
        sockets = open_socket_folder(self.layout, self.account)
        return await Postmaster.start(
            self.layout, self.binaries, self.account, sockets, self.settings
        )

    async def open_database(self) -> str:
        """Make our database if it is not there; the DSN to reach it."""
        try:
            connection = await asyncpg.connect(self._dsn("postgres"))
            try:
                with suppress(asyncpg.DuplicateDatabaseError):
                    await connection.execute(f"create database {_DATABASE}")
            finally:
                await connection.close()
        except (asyncpg.PostgresError, OSError) as error:
            raise EmbeddedError(
                f"PostgreSQL runs in {self.layout.root} but cannot be used: {error}."
            ) from None
        return self._dsn(_DATABASE)

    def clean_up(self) -> None:
        """Remove the socket folder; to be called when PostgreSQL has ended."""
        with suppress(OSError):  # somebody put a file there
            self.sockets.rmdir()

    def _dsn(self, database: str) -> str:
        return dsn_of(self.sockets, user=SUPERUSER, database=database)


def _existing_major(pgdata: Path) -> int | None:
    """Which PostgreSQL made the database; None where there is none yet."""
    try:
        if not pgdata.exists() or not any(pgdata.iterdir()):
            return None
        return int((pgdata / "PG_VERSION").read_text())
    except (FileNotFoundError, ValueError, NotADirectoryError):
        raise EmbeddedError(
            f"{pgdata} is not a PostgreSQL database: move it away or choose another --data-dir."
        ) from None
    except OSError as error:
        raise EmbeddedError(f"{pgdata} cannot be read: {reason(error)}.") from None


def _put_long_log_aside(log: Path, bytes_max: int) -> None:
    with suppress(FileNotFoundError):
        if log.stat().st_size > bytes_max:
            log.rename(log.with_suffix(".log.1"))
