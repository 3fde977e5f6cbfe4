"""Surroundings that run out: the database's disk, the server's descriptors.

What this machine does not permit is `NotHere`, with the reason: not run, never passed.
"""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from random import Random

import aiohttp
import asyncpg

from tests.e2e.kills.crowd import Crowd
from tests.e2e.kills.strikes import Struck
from tests.e2e.kills.world import Node, World, world
from tests.e2e.program import Api
from tests.engine.world import eventually

DISK_MIB = 256
DESCRIPTORS = 280
FULL_S = 20.0


class NotHere(Exception):
    """This machine does not permit it; `str()` says why."""


@asynccontextmanager
async def small_disk(folder: Path, guests: int) -> AsyncIterator[World]:
    """A world whose PostgreSQL lives on a small file system. Raises NotHere."""
    mount = folder / "small"
    mount.mkdir()
    await _mounted("mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=755", "tmpfs", str(mount))
    try:
        async with world(folder, guests, postgres=mount) as small:
            yield small
    finally:
        with suppress(NotHere):
            await _mounted("umount", "-l", str(mount))


async def _mounted(*command: str) -> None:
    try:
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    except OSError as error:
        raise NotHere(f"{command[0]}: {error.strerror}") from error
    _, said = await process.communicate()
    if process.returncode:
        raise NotHere(said.decode().strip() or f"{command[0]} failed")


async def disk(world: World, crowd: Crowd, rng: Random, number: int) -> Struck | None:
    """Not a byte is left on the database's disk; then there is room again."""
    node = world.node
    await asyncio.sleep(rng.uniform(0.1, 0.5))
    assert node.program is not None
    pid = node.program.pid
    with _ballast(world.database.folder.parent):
        refused = await _refused_for_want_of_space(world, crowd, node)
    # A full log ends PostgreSQL (PANIC); a full table only fails the statement.
    fell = await world.database.fallen()
    if fell:
        await world.database.back()
    back_s = await world.ready(node)
    assert node.program.process.returncode is None, "the server went with it"
    assert node.program.pid == pid
    if not refused and not fell:
        return None
    point = "the log was full: PostgreSQL fell" if fell else "the tables were full"
    return Struck(point, kills=1, back_s=back_s)


@contextmanager
def _ballast(folder: Path) -> Iterator[None]:
    """All the room there is, taken."""
    path = folder / "ballast"
    try:
        with path.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                with suppress(OSError):
                    while True:
                        file.write(b"\0" * size)
        assert os.statvfs(folder).f_bavail == 0
        yield
    finally:
        path.unlink()


async def _refused_for_want_of_space(world: World, crowd: Crowd, node: Node) -> bool:
    """Press until somebody is told to come again: the log needs a new file it cannot have."""

    async def full() -> bool:
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            async with world.database.connected() as db:
                await db.execute("select pg_switch_wal()")
        for guest in world.cast.guests[:5]:
            answer = await crowd.press_once(guest, crowd.auctions[-1], node)
            if answer is not None and answer.retryable:
                return True
        return False

    with suppress(TimeoutError):
        await eventually(full, within_s=FULL_S)
        return True
    return False


async def descriptors(world: World, crowd: Crowd, rng: Random, number: int) -> Struck | None:
    """Every descriptor of the server is taken by sockets that say nothing; then they go."""
    node = world.node
    assert node.program is not None
    assert node.front.port is not None
    await asyncio.sleep(rng.uniform(0.1, 0.5))
    kept = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))
    direct = Api(kept, f"http://127.0.0.1:{node.front.port}")
    async with kept:
        status, _ = await direct.call("GET", f"{direct.url}/health/ready")
        assert status == 200
        with ExitStack() as stack:
            turned_away = await _take_all(stack, node.front.port, node.program.pid)
            # On a connection that is there already it goes on working, or says so.
            status, body = await direct.call(
                "GET", f"{direct.url}/health/ready", timeout=aiohttp.ClientTimeout(10)
            )
            assert status in (200, 503), body
            await crowd.press_once(world.cast.guests[0], crowd.auctions[-1], node)
    back_s = await world.ready(node)
    assert node.program.process.returncode is None, "the server ended"
    if not turned_away:
        return None
    return Struck(f"ready said {status}, {turned_away} turned away", kills=1, back_s=back_s)


async def _take_all(stack: ExitStack, port: int, pid: int) -> int:
    """Connect until the server has no descriptor left; how many were not taken in."""
    loop = asyncio.get_running_loop()
    sockets = []
    for _ in range(2 * DESCRIPTORS):
        sock = stack.enter_context(socket.socket())
        sock.setblocking(False)
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await loop.sock_connect(sock, ("127.0.0.1", port))
                sockets.append(sock)

    with suppress(TimeoutError):
        await eventually(lambda: _open_in(pid) >= DESCRIPTORS - 3, within_s=5)
        await asyncio.sleep(0.5)
        return sum(_is_hung_up(sock) for sock in sockets) or len(sockets) - DESCRIPTORS
    return 0


def _open_in(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def _is_hung_up(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK)
