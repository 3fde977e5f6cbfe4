"""What an earlier run left behind: processes that still work in the folder, and their pid file.

The caller holds the data directory's lock, so whatever still runs there has lost its parent: an
old server on its way out after kill -9 of ours, or backends of a server that was itself killed.
Must never signal a process without having seen it work in that very folder.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT, Signals

from edge.embedded.layout import EmbeddedError

Patience = Sequence[tuple[Signals | None, float]]
"""What to do in turn, and for how many seconds to wait after it for everybody to be gone."""

# On Linux the kernel has already told an orphaned server to end; elsewhere nobody has.
OLD_SERVER: Patience = (
    (None, 5.0 if sys.platform == "linux" else 0.1),
    (SIGINT, 10.0),
    (SIGQUIT, 5.0),
)
# A backend whose server is gone ends by itself, but only after the statement in hand.
OLD_BACKENDS: Patience = ((None, 0.2), (SIGQUIT, 0.5), (SIGKILL, 2.0))
_POLL_S = 0.01


async def outlast(pgdata: Path, patience: Patience) -> None:
    """Wait until no process works in `pgdata`, with growing insistence.

    Raises EmbeddedError when one stays after the last step.
    """
    loop = asyncio.get_running_loop()
    alive: list[int] = []
    for signal, wait_s in patience:
        alive = await processes_in(pgdata)
        for pid in alive if signal is not None else ():
            with suppress(ProcessLookupError):
                os.kill(pid, signal or 0)
        until = loop.time() + wait_s
        while alive and loop.time() < until:
            await asyncio.sleep(_POLL_S)
            alive = await processes_in(pgdata)
        if not alive:
            return
    raise EmbeddedError(
        f"An old PostgreSQL (process {alive[0]}) in {pgdata} does not end: stop it."
    )


async def processes_in(pgdata: Path) -> list[int]:
    """The PostgreSQL processes that work in this folder."""
    if sys.platform != "linux":
        return await _by_command_line(pgdata)
    return _by_working_folder(pgdata)


def disown_pid_file(pgdata: Path) -> None:
    """Make a pid file that nobody stands behind acceptable to the next PostgreSQL.

    After a restart of the machine or container its number may belong to some other program, and
    PostgreSQL would refuse to start. It does ignore its own parent's number, so ours goes in; the
    rest stays, because by it PostgreSQL checks that nobody uses the old shared memory.
    """
    with suppress(FileNotFoundError), (pgdata / "postmaster.pid").open("r+b") as file:
        lines = file.read().splitlines(keepends=True)
        file.seek(0)  # written over in place: its owner stays, and a full disk does not matter
        file.writelines([f"{os.getpid()}\n".encode(), *lines[1:]])
        file.truncate()


def _by_working_folder(pgdata: Path) -> list[int]:
    if not pgdata.exists():
        return []
    folder, found = pgdata.stat(), []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone meanwhile, or another user's: not ours
            if os.path.samestat((process / "cwd").stat(), folder) and _is_postgres(process):
                found.append(int(process.name))
    return found


def _is_postgres(process: Path) -> bool:
    return (process / "comm").read_bytes().strip() == b"postgres"


async def _by_command_line(pgdata: Path) -> list[int]:
    listing = await asyncio.create_subprocess_exec(
        *("ps", "-axww", "-o", "pid=,command="), stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
    )
    said, _ = await listing.communicate()
    mark = f"postgres -D {pgdata} "
    lines = (line.strip() for line in said.decode(errors="replace").splitlines())
    return [int(line.split(maxsplit=1)[0]) for line in lines if mark in line]
