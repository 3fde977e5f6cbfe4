"""Starts a program of PostgreSQL as a direct child. Must never run in an executor's thread.

The kernel counts the *thread* that forked as the parent: when it ends, the child is told to end.
So the loop's own thread forks; in a server that is the main one.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from pathlib import Path
from signal import Signals

from edge.embedded.account import Account

_SHIM = Path(__file__).with_name("shim.py")


async def spawn(
    program: Sequence[str],
    account: Account | None,
    *,
    death_signal: Signals,
    output: int,
    descriptors: tuple[int, ...] = (),
) -> Process:
    """Run `program` under `account`; it gets `death_signal` when we die (Linux).

    `output` takes what it says: a descriptor, or PIPE to read it as the process's stdout.
    """
    uid, gid = (-1, -1) if account is None else (account.uid, account.gid)
    words = (os.getpid(), int(death_signal), uid, gid, *program)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", "-S", str(_SHIM), *map(str, words)),
        stdin=DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        cwd="/",
        pass_fds=descriptors,
    )
