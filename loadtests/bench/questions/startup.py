"""How long does it take to start with 100,000 scheduled and 10,000 live auctions in the database?

The worst case: every scheduled one starts within the next ten minutes, so a node has to know of it
now. From the start of the process, embedded PostgreSQL included, to `ready`, to the first booking
(whoever hears BUSY until then asks again), and to the instant at which the last live auction's
fence is this node's; beside it the same with an empty database. Then the node's own part, in this
process, beside the bare SELECT of the same rows with every value read.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from random import Random

import asyncpg

from edge.adapters import Stores
from edge.garbage import look_again, spared
from engine.bus.local import LocalBus
from engine.clock import AnchoredClock
from engine.node import Node, Ports
from engine.ports.outbox import OutboxRow
from engine.ports.telemetry import Silent
from engine.settings import Settings
from loadtests.bench.figures import Beside, Broken, Effort, Figure
from loadtests.bench.http_load import connections, hang_up, press
from loadtests.bench.product import Guest, Place, Server, place
from loadtests.bench.sales import TAKEN_OVER_WITHIN_S, Sales, add, lately, now_ms, taken_over

SCHEDULED = 100_000
LIVE = 10_000
NODE_ID = "bench"
RETRY_S = 0.02
ANY_CORE: frozenset[int] = frozenset()
"""Nobody is generating anything, so nobody needs a core for it."""
# Starts from here on, over so long: within the node's horizon, and after the last measurement.
FIRST_START_IN_MS = 280_000
STARTS_OVER_MS = 300_000

_BARE_DUE = """
select id, starts_at, status from auction
where status in ('SCHEDULED', 'ACTIVE') and starts_at < $1 order by starts_at, id
"""
_BARE_LIVE = "select * from auction where status = 'ACTIVE' order by id"
_FORGET_OWNERS = "update auction set fence = 0 where status = 'ACTIVE' and fence <> 0"


@dataclass(frozen=True, slots=True)
class Start:
    """One start of the process, in milliseconds from its spawning."""

    ready_ms: float
    booked_ms: float
    taken_ms: float
    busy: int
    """Presses before that booking which were answered BUSY."""


@dataclass(frozen=True, slots=True)
class NodeStart:
    """One start of a node in this process, and the bare reading, in milliseconds."""

    started_ms: float
    loaded_ms: float
    bare_due_ms: float
    bare_live_ms: float


async def ask(effort: Effort) -> AsyncIterator[Figure]:
    """The process' start, then the node's own."""
    rounds = effort.of(5, 2)
    async with place() as full, place() as empty:
        guests = await full.guests(rounds)
        await empty.run("migrate")
        async with full.database() as database:
            live = await add(database, LIVE, lately())
            await add(database, SCHEDULED, _soon())
            await database.execute("analyze")
        whole, without = [], []
        for nth in range(rounds):
            async with full.database() as database:
                await database.execute(_FORGET_OWNERS, timeout=60)
            whole.append(await _start(full, guests[nth], live, nth))
            without.append(await _start_empty(empty))
        for figure in _process_figures(whole, without):
            yield figure
        async with full.address() as dsn:
            nodes = [await _node(dsn) for _ in range(rounds)]
    for figure in _node_figures(nodes):
        yield figure


def _soon() -> Sales:
    return Sales(
        starts_at_ms=now_ms() + FIRST_START_IN_MS,
        apart_ms=STARTS_OVER_MS / SCHEDULED,
        live=False,
    )


# --- the process ---------------------------------------------------------------------------------


async def _start(at: Place, guest: Guest, live: Sequence[int], nth: int) -> Start:
    """The guest presses for the nth live auction from the end, which are loaded last."""
    async with at.serving(ANY_CORE) as server, at.database() as database:
        async with asyncio.TaskGroup() as group:
            booking = group.create_task(_book(server, guest, live[-1 - nth]))
            taking = group.create_task(_taken(database, live))
        booked_s, busy = booking.result()
        instants_s = (server.ready_s, booked_s, taking.result())
        ready_ms, booked_ms, taken_ms = ((at - server.spawned_s) * 1_000 for at in instants_s)
        return Start(ready_ms, booked_ms, taken_ms, busy)


async def _book(server: Server, guest: Guest, auction_id: int) -> tuple[float, int]:
    """When it was confirmed, and how many tries before heard BUSY."""
    (buyer,) = await connections(server, 1)
    request = press(server, guest, auction_id, f"startup-{auction_id:016d}")
    busy = 0
    async with asyncio.timeout(TAKEN_OVER_WITHIN_S):
        while (answer := await buyer.ask(request)).status == 503:
            busy += 1
            await asyncio.sleep(RETRY_S)
    booked_s = time.perf_counter()
    hang_up([buyer])
    if answer.status != 201:
        raise Broken(f"the first press was answered {answer.status}")
    return booked_s, busy


async def _taken(database: asyncpg.Connection, live: Sequence[int]) -> float:
    await taken_over(database, live)
    return time.perf_counter()


async def _start_empty(at: Place) -> float:
    async with at.serving(ANY_CORE) as server:
        return (server.ready_s - server.spawned_s) * 1_000


def _process_figures(whole: Sequence[Start], without: Sequence[float]) -> tuple[Figure, ...]:
    note = f"{SCHEDULED:,} start within ten minutes, {LIVE:,} are live"
    beside = Beside("an empty database", tuple(without))
    return (
        Figure(
            name="process start to ready",
            unit="ms",
            samples=tuple(start.ready_ms for start in whole),
            beside=beside,
            note=note,
        ),
        Figure(
            name="to the first booking's 201",
            unit="ms",
            samples=tuple(start.booked_ms for start in whole),
            note=f"presses that heard BUSY before: {' '.join(str(s.busy) for s in whole)}",
        ),
        Figure(
            name="to the last live auction taken over",
            unit="ms",
            samples=tuple(start.taken_ms for start in whole),
            note=note,
        ),
    )


# --- the node ------------------------------------------------------------------------------------


class _Unsent:
    """Mail of the bookings before may be left; carrying it is no part of a start."""

    async def carry(self, row: OutboxRow) -> None:
        """Let it be."""


async def _node(dsn: str) -> NodeStart:
    settings = Settings()
    bare_due_ms, bare_live_ms = await _bare(dsn, settings)
    stores = await Stores.open(dsn, settings)
    clock = AnchoredClock(
        step_ms_max=settings.clock_step_ms_max,
        slew_ppm=settings.clock_slew_ppm,
        ahead_ms_max=settings.high_water_ahead_ms_max,
    )
    node = Node(
        NODE_ID,
        Ports(
            commits=stores.commits,
            schedule=stores.schedule,
            leases=stores.leases,
            outbox=stores.outbox,
            bus=LocalBus(),
            mailer=_Unsent(),
            clock=clock,
            rng=Random(3),
            telemetry=Silent(),
        ),
        settings,
    )
    try:
        began_s = time.perf_counter()
        with spared():  # as the server does
            await node.start()
        started_s = time.perf_counter()
        await _all_loaded(node)
        loaded_s = time.perf_counter()
    finally:
        await node.drain()
        await node.stop()
        await stores.close()
        look_again()
    return NodeStart(
        (started_s - began_s) * 1_000, (loaded_s - began_s) * 1_000, bare_due_ms, bare_live_ms
    )


async def _all_loaded(node: Node) -> None:
    """Until each live auction, but those that were sold, has a started actor."""
    async with asyncio.timeout(TAKEN_OVER_WITHIN_S):
        while True:
            started = sum(actor.auction is not None for actor in node.directory)
            if started and started == len(node.directory) and started > LIVE - 100:
                return
            await asyncio.sleep(0.01)


async def _bare(dsn: str, settings: Settings) -> tuple[float, float]:
    """The same rows, each value read once, by a plain connection; milliseconds each."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("set timezone = 'UTC'")
        horizon = await connection.fetchval(
            "select now() + $1 * interval '1 millisecond'", float(settings.horizon_ms)
        )
        began_s = time.perf_counter()
        due = [tuple(row) for row in await connection.fetch(_BARE_DUE, horizon)]
        between_s = time.perf_counter()
        live = [tuple(row) for row in await connection.fetch(_BARE_LIVE)]
        ended_s = time.perf_counter()
    finally:
        await connection.close()
    if len(due) < SCHEDULED or len(live) < LIVE - 100:
        raise Broken(f"only {len(due):,} sales are due and {len(live):,} live")
    return (between_s - began_s) * 1_000, (ended_s - between_s) * 1_000


def _node_figures(nodes: Sequence[NodeStart]) -> tuple[Figure, ...]:
    return (
        Figure(
            name="the node's own start",
            unit="ms",
            samples=tuple(node.started_ms for node in nodes),
            beside=Beside("bare SELECT, due", tuple(node.bare_due_ms for node in nodes)),
        ),
        Figure(
            name="the same and all live loaded",
            unit="ms",
            samples=tuple(node.loaded_ms for node in nodes),
            beside=Beside(
                "bare SELECT, due + live",
                tuple(node.bare_due_ms + node.bare_live_ms for node in nodes),
            ),
        ),
    )
