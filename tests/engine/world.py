"""A real node on a real database, and the few rows a sale needs: what engine tests stand on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random

import asyncpg

from engine.bus.local import LocalBus
from engine.clock import AnchoredClock
from engine.frames import Frame
from engine.node import Node, Ports
from engine.ports.bus import Publication
from engine.ports.commit import CommitStore
from engine.ports.outbox import OutboxRow
from engine.ports.telemetry import Silent
from engine.settings import Settings
from engine.store.postgres.commit import PostgresCommitStore
from engine.store.postgres.lane import Lane
from engine.store.postgres.leases import PostgresLeaseStore
from engine.store.postgres.outbox import PostgresOutboxStore
from engine.store.postgres.pool import connect
from engine.store.postgres.schedule import PostgresScheduleStore

# However slow the machine: who waits hears the truth.
SETTINGS = Settings(unsent_timeout_ms=10_000)


@dataclass(slots=True)
class Watcher:
    """A frame sink that keeps what it hears."""

    publications: list[Publication] = field(default_factory=list)
    personal: list[tuple[int, Frame]] = field(default_factory=list)
    announced: list[int] = field(default_factory=list)

    def on_publication(self, publication: Publication) -> None:
        self.publications.append(publication)

    def on_personal(self, user_id: int, frame: Frame) -> None:
        self.personal.append((user_id, frame))

    def on_announce(self, auction_id: int) -> None:
        self.announced.append(auction_id)

    def watchers(self, auction_id: int) -> int:
        return 3

    def frames(self, auction_id: int) -> list[Frame]:
        """All frames of one auction, in the order they were published."""
        return [f for p in self.publications if p.auction.id == auction_id for f in p.frames]


@dataclass(slots=True)
class Letters:
    """A mailer that keeps what it is to carry."""

    rows: list[OutboxRow] = field(default_factory=list)

    async def carry(self, row: OutboxRow) -> None:
        self.rows.append(row)


@dataclass(slots=True)
class World:
    """One node and its surroundings. `db` is a connection of the test's own."""

    node: Node
    watcher: Watcher
    letters: Letters
    db: asyncpg.Connection


def clock_of(settings: Settings) -> AnchoredClock:
    """The production clock."""
    return AnchoredClock(
        step_ms_max=settings.clock_step_ms_max,
        slew_ppm=settings.clock_slew_ppm,
        ahead_ms_max=settings.high_water_ahead_ms_max,
    )


@asynccontextmanager
async def running(
    dsn: str,
    settings: Settings = SETTINGS,
    *,
    node_id: str = "node-a",
    wrap: Callable[[CommitStore], CommitStore] = lambda store: store,
    clock: AnchoredClock | None = None,
) -> AsyncIterator[World]:
    """A started node; drained and stopped at the end. `wrap` may put faults before the store."""
    commits = PostgresCommitStore(dsn, settings)
    lane, beats = Lane(dsn), Lane(dsn, connections_max=1)
    watcher, letters = Watcher(), Letters()
    bus = LocalBus()
    bus.attach(watcher)
    ports = Ports(
        commits=wrap(commits),
        schedule=PostgresScheduleStore(
            lane, shards=settings.shards, sweep_batch_max=settings.sweep_batch_max
        ),
        leases=PostgresLeaseStore(beats),
        outbox=PostgresOutboxStore(lane),
        bus=bus,
        mailer=letters,
        clock=clock or clock_of(settings),
        rng=Random(7),
        telemetry=Silent(),
    )
    node = Node(node_id, ports, settings)
    db = await connect(dsn)
    try:
        await node.start()
        yield World(node, watcher, letters, db)
    finally:
        await node.drain()
        await node.stop()
        await commits.close()
        await lane.close()
        await beats.close()
        await db.close()


async def add_guests(db: asyncpg.Connection, count: int) -> list[int]:
    """So many verified customers."""
    rows = await db.fetch(
        "insert into account (email, full_name, gender, email_verified_at)"
        " select format('guest%s@example.org', n), 'Guest', 'FEMALE', now()"
        " from generate_series((select count(*) from account) + 1,"
        " (select count(*) from account) + $1::int) n returning id",
        count,
    )
    return [row["id"] for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A published sale to insert; instants are milliseconds from now."""

    starts_in_ms: int = -60_000
    ends_in_ms: int = 3_600_000
    class_in_ms: int = 4 * 3_600_000
    seats: int = 1
    start_price: int = 20_000
    floor_price: int = 5_000
    drop_amount: int = 1_000
    drop_every_ms: int = 30_000
    turbo: tuple[int, int, int] | None = None
    """amount, trigger_ms, every_ms"""
    allowed_gender: str = "ANY"


async def add_sale(db: asyncpg.Connection, now_ms: int, sale: Sale | None = None) -> int:
    """Insert a SCHEDULED auction as its publication leaves it; its id."""
    sale = sale or Sale()
    studio = await db.fetchval("select min(id) from studio")
    if studio is None:
        studio = await db.fetchval("insert into studio (name) values ('Studio') returning id")
    turbo = sale.turbo or (None, None, None)
    auction_id: int = await db.fetchval(
        "insert into auction (studio_id, title, allowed_gender, start_price, floor_price,"
        " drop_amount, drop_every_ms, starts_at, ends_at, class_at, seats, seats_left, status,"
        " revision, turbo_amount, turbo_trigger_ms, turbo_every_ms) values ($1, 'Yoga', $2, $3,"
        " $4, $5, $6, $7, $8, $9, $10, $10, 'SCHEDULED', 1, $11, $12, $13) returning id",
        studio,
        sale.allowed_gender,
        sale.start_price,
        sale.floor_price,
        sale.drop_amount,
        sale.drop_every_ms,
        now_ms + sale.starts_in_ms,
        now_ms + sale.ends_in_ms,
        now_ms + sale.class_in_ms,
        sale.seats,
        *turbo,
    )
    return auction_id


async def eventually(
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]], within_s: float = 15.0
) -> None:
    """Wait until it holds; fail when it does not in time."""
    async with asyncio.timeout(within_s):
        while True:
            holds = condition()
            if not isinstance(holds, bool):
                holds = await holds
            if holds:
                return
            await asyncio.sleep(0.005)


def quick(settings: Settings = SETTINGS, **changes: object) -> Settings:
    """Settings with some limits changed."""
    return replace(settings, **changes)  # type: ignore[arg-type]  # names are checked by replace
