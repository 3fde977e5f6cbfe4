"""The other servers of the benchmarks: limits and peers, started as the product is.

Each is a process on the server's cores that says `ready URL`; a contestant is one of them, or the
product, with all that works for it.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from loadtests.bench.families import family_cpu_s
from loadtests.bench.product import Server, started

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server, and the processes whose families work for it: itself, a database beside it."""

    name: str
    server: Server
    heads: tuple[int, ...]

    def cpu_s(self) -> float | None:
        """What all of them have used so far; None where it is not known."""
        families = [family_cpu_s(head) for head in self.heads]
        known = [cpu_s for cpu_s in families if cpu_s is not None]
        return sum(known) if len(known) == len(families) else None


def alone(name: str, server: Server) -> Contestant:
    """One whose database, if it has any, is a child of its own."""
    return Contestant(name, server, (server.pid,))


@asynccontextmanager
async def running(module: str, *arguments: str) -> AsyncIterator[Server]:
    """`python -m module`, ready. Raises Broken."""
    command = (sys.executable, "-m", module, *arguments)
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    with TemporaryDirectory(prefix="hothour-beside-") as folder:
        log = Path(folder) / "stderr.log"
        async with started(*command, environment=environment, log=log) as server:
            yield server


def bare_aiohttp() -> AbstractAsyncContextManager[Server]:
    """An empty answer over HTTP, an echo over a WebSocket."""
    return running("loadtests.limits.bare_aiohttp")


def raw_sends(every_ms: int, payload: str) -> AbstractAsyncContextManager[Server]:
    """This text to every socket at each multiple of `every_ms`, and nothing else."""
    return running("loadtests.limits.raw_sends", str(every_ms), payload)
