"""A PostgreSQL of the rig's own, `hothour serve` processes on it, and proxies on both sides.

    guests -> Front -> hothour serve -> Proxy -> PostgreSQL

fsync is on and the server is not told that anything else is allowed. Everything is started by this
process and ended by its id.
"""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import aiohttp
import asyncpg

from edge.embedded import EmbeddedError, EmbeddedSettings
from edge.embedded.launch import Launch
from edge.embedded.layout import open_layout
from edge.embedded.leftovers import OLD_BACKENDS, processes_in
from edge.embedded.postmaster import Postmaster
from tests.e2e.kills.commits import Commits
from tests.e2e.program import Api, Cast, Program, seed, start
from tests.engine.world import eventually
from tests.store.proxy import Proxy, Relay, Streams, Wire

SETTINGS = {
    "HOTHOUR_ALLOW_UNSAFE_DATABASE": "off",
    "HOTHOUR_SECRET_KEY": "k7Q2" * 12 + "xyz-1",
    "HOTHOUR_UNSENT_TIMEOUT_MS": "500",
    "HOTHOUR_COMMIT_TIMEOUT_MS": "2000",
}
STARTS_MAX = 3
BACK_S = 40.0
"""A thing that was killed and started is back by then, however slow the machine."""


class Database:
    """PostgreSQL under the rig's own hand: nobody else starts it again."""

    def __init__(self, folder: Path, options: tuple[tuple[str, str], ...] = ()) -> None:
        self._layout = open_layout(folder)
        self._settings = EmbeddedSettings(server_options=options)
        self._launch: Launch | None = None
        self._postmaster: Postmaster | None = None
        self.dsn = ""

    @property
    def folder(self) -> Path:
        return self._layout.pgdata

    async def start(self) -> None:
        """Start it, after whatever happened, and wait until it answers. Raises EmbeddedError."""
        if self._launch is None:
            self._launch = await Launch.prepare(self._layout, self._settings)
        self._postmaster = await self._launch.run(OLD_BACKENDS)
        self.dsn = await self._launch.open_database()

    async def back(self) -> None:
        """Start it again, however often that takes."""
        async with asyncio.timeout(BACK_S):
            while True:
                with suppress(EmbeddedError):
                    await self.start()
                    return
                await asyncio.sleep(0.1)

    async def kill(self, first: int | None = None) -> None:
        """kill -9: the backend `first`, then the postmaster, then whoever is left."""
        postmaster, self._postmaster = self._postmaster, None
        for pid in (first, postmaster.pid if postmaster else None):
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for pid in await processes_in(self.folder):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if postmaster is not None:
            await postmaster.ended()

    async def fallen(self, within_s: float = 1.0) -> bool:
        """Has it ended by itself, or does it within this time?"""
        if self._postmaster is None:
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._postmaster.ended()
                return True
        return False

    def kill_backend(self, pid: int) -> None:
        """kill -9 of one connection's process: PostgreSQL ends all others, and recovers."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    async def stop(self) -> None:
        if self._postmaster is not None:
            await self._postmaster.stop(10.0)
        if self._launch is not None:
            self._launch.clean_up()

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection that goes round the product and the proxy."""
        connection = await asyncpg.connect(self.dsn)
        try:
            yield connection
        finally:
            connection.terminate()


class Front(Relay):
    """The address guests know; it stays while servers come and go."""

    def __init__(self) -> None:
        super().__init__(self._watch)
        self.url = ""
        self.port: int | None = None
        """Where the server hears; None while there is none."""
        self.on_booked: Any = None
        """Asked before an answer with a booking code goes on to a guest; False: it dies."""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Front"]:
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0, backlog=1_024)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            await self.hang_up()
            await server.wait_closed()

    async def dial(self) -> Streams:
        if self.port is None:
            raise ConnectionRefusedError
        return await asyncio.open_connection("127.0.0.1", self.port)

    def _watch(self, wire: Wire) -> None:
        wire.down.watch = lambda chunk: (
            self.on_booked is None or b"HOT-" not in chunk or bool(self.on_booked())
        )


@dataclass(slots=True)
class Node:
    """One place where a server runs, again and again."""

    folder: Path
    settings: dict[str, str]
    front: Front
    commits: Commits
    proxy: Proxy
    descriptors: int | None = None
    program: Program | None = None
    heard: int = 0
    """Characters of its log that were looked at."""

    async def start(self) -> None:
        """Start it; a starved machine may take a slow database for one that is gone."""
        for tries_left in reversed(range(STARTS_MAX)):
            try:
                self.program = await start(
                    self.folder,
                    self.descriptors,
                    HOTHOUR_DATABASE_URL=self.proxy.dsn,
                    **self.settings,
                )
                break
            except AssertionError:
                if not tries_left:
                    raise
        assert self.program is not None
        self.front.port = int(self.program.url.rpartition(":")[2])
        self.commits.deaf = False

    def strike(self, number: int = signal.SIGKILL) -> None:
        """Send a signal this instant."""
        assert self.program is not None
        if number == signal.SIGKILL:
            self.front.port, self.commits.deaf = None, True
        with suppress(ProcessLookupError):
            os.kill(self.program.pid, number)

    async def again(self) -> None:
        """After a kill: wait for the end, and start the next one."""
        assert self.program is not None
        async with asyncio.timeout(BACK_S):
            code = await self.program.process.wait()
        assert code == -signal.SIGKILL, f"it ended by itself: {code}"
        await self.start()

    def complaints(self) -> list[str]:
        """Errors in its log since the last time it was asked: no strike is one of its own."""
        assert self.program is not None
        new = self.program.log[self.heard :]
        self.heard += len(new)
        found = (match.start() for match in re.finditer(r"\[(error|critical)", new))
        return [f"{self.folder.name} logged {new[at : at + 1_500]!r}" for at in found]

    async def end(self) -> None:
        if self.program is not None and self.program.process.returncode is None:
            self.strike(signal.SIGCONT)
            self.strike(signal.SIGKILL)
            await self.program.process.wait()

    async def name(self) -> str:
        """How the members of the cluster know it."""
        return (self.folder / "data" / "node-id").read_text().strip()


@dataclass(slots=True)
class World:
    """All of it."""

    database: Database
    nodes: list[Node]
    cast: Cast
    session: aiohttp.ClientSession
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def node(self) -> Node:
        return self.nodes[0]

    def api(self, node: Node | None = None) -> Api:
        return Api(self.session, (node or self.node).front.url)

    async def owner(self) -> Node:
        """Whose shards they all are; waits until they are somebody's."""
        with suppress(TimeoutError):
            return await self.owned_by_one_of(self.nodes, within_s=4.0)
        # Late beats of a starved machine have divided the shards, which is as good for the product:
        # the last node goes for as long as it takes, and another one has them all.
        last = self.nodes[-1]
        last.strike()
        owner = await self.owned_by_one_of(self.nodes[:-1])
        await last.again()
        return owner

    async def owned_by_one_of(self, nodes: list[Node], *, within_s: float = BACK_S) -> Node:
        """As owner, when it has to be one of these."""
        names = {await node.name(): node for node in nodes}
        found: list[Node] = []
        async with self.database.connected() as db:

            async def settled() -> bool:
                rows = await db.fetch("select distinct node_id from shard")
                owner = names.get(rows[0]["node_id"]) if len(rows) == 1 else None
                if owner is not None:
                    found.append(owner)
                return owner is not None

            await eventually(settled, within_s=within_s)
        return found[0]

    async def ready(self, node: Node) -> float:
        """Wait until it says it is; the seconds that took."""
        began, said = monotonic(), "nothing"
        while monotonic() - began < BACK_S:
            try:
                url = f"{node.front.url}/health/ready"
                async with self.session.get(url, timeout=aiohttp.ClientTimeout(5)) as answer:
                    if answer.status == 200:
                        return monotonic() - began
                    said = await answer.text()
            except (aiohttp.ClientError, TimeoutError) as error:
                said = repr(error)
            await asyncio.sleep(0.02)
        raise AssertionError(f"not ready again after {BACK_S:.0f} s: {said}")

    async def add_node(self, **settings: str) -> Node:
        """One more server."""
        node = await _place(
            self.stack,
            self.node.folder.with_name(f"node-{len(self.nodes) + 1}"),
            self.database.dsn,
            settings,
        )
        await node.start()
        self.nodes.append(node)
        return node


async def _place(
    stack: AsyncExitStack,
    home: Path,
    dsn: str,
    settings: dict[str, str],
    descriptors: int | None = None,
) -> Node:
    (home / "wire").mkdir(parents=True)
    commits = Commits()
    proxy = await stack.enter_async_context(Proxy(dsn, commits.watch).listening(home / "wire"))
    front = await stack.enter_async_context(Front().listening())
    node = Node(home, {**SETTINGS, **settings}, front, commits, proxy, descriptors)
    stack.push_async_callback(node.end)
    return node


@asynccontextmanager
async def world(
    folder: Path,
    guests: int,
    *,
    postgres: Path | None = None,
    options: tuple[tuple[str, str], ...] = (),
    descriptors: int | None = None,
    **settings: str,
) -> AsyncIterator[World]:
    """One server on a PostgreSQL in `folder` (or in `postgres`), and guests with tokens."""
    async with AsyncExitStack() as stack:
        database = Database(postgres or folder / "database", options)
        stack.push_async_callback(database.stop)
        await database.start()
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        node = await _place(stack, folder / "node-1", database.dsn, settings, descriptors)
        keys = {"HOTHOUR_DATABASE_URL": database.dsn, **SETTINGS}
        _, cast = await asyncio.gather(node.start(), seed(folder, guests, **keys))
        yield World(database, [node], cast, session, stack)
