"""A node on the stores in memory, with faults before them: for what a real database does rarely."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from engine.actor import AuctionActor
from engine.bus.local import LocalBus
from engine.clock import AnchoredClock
from engine.domain.auction import AllowedGender, Auction, Status
from engine.domain.messages import Look
from engine.domain.terms import Terms, TurboTerms
from engine.node import Node, Ports
from engine.ports.telemetry import Silent
from engine.settings import Settings
from engine.store.memory.commit import MemoryCommitStore
from engine.store.memory.database import MemoryDatabase
from engine.store.memory.leases import MemoryLeaseStore
from engine.store.memory.outbox import MemoryOutboxStore
from engine.store.memory.schedule import MemoryScheduleStore
from tests.engine.faulty import Faulty
from tests.engine.world import Letters, Watcher, clock_of

# However slow the machine: who waits hears the truth, unless a test is about not waiting.
QUICK = Settings(backoff_ms_min=5, backoff_ms_max=20, lease_renew_ms=100, unsent_timeout_ms=10_000)


@dataclass(slots=True)
class Told(Silent):
    """Telemetry that counts."""

    crashes: int = 0
    ambiguous_entries: int = 0
    superseded_entries: int = 0

    codes_share: float | None = None

    def crashed(self) -> None:
        self.crashes += 1

    def codes_in_use(self, share: float) -> None:
        self.codes_share = share

    def ambiguous(self, entries: int) -> None:
        self.ambiguous_entries += entries

    def superseded(self) -> None:
        self.superseded_entries += 1


@dataclass(slots=True)
class SmallWorld:
    """One node, its faults, and its database laid open."""

    node: Node
    faults: Faulty
    db: MemoryDatabase
    watcher: Watcher
    letters: Letters
    told: Told

    def sale(self, auction_id: int, **changes: Any) -> int:
        """Publish an auction; `changes` are fields of its terms, in milliseconds from now."""
        self.db.add_auction(auction_of(auction_id, self.node.clock.now_ms(), **changes))
        return auction_id

    def held(self, auction_id: int) -> list[int]:
        """Who holds a seat."""
        return [r.user_id for r in self.db.held(auction_id) if r.holds_seat]


def auction_of(
    auction_id: int,
    now_ms: int,
    *,
    starts_in_ms: int = -60_000,
    ends_in_ms: int = 3_600_000,
    seats: int = 1,
    turbo: TurboTerms | None = None,
    drop_every_ms: int = 30_000,
) -> Auction:
    """A sale as its publication leaves it."""
    return Auction(
        id=auction_id,
        studio_id=1,
        title="Yoga",
        description="",
        currency="TRY",
        allowed_gender=AllowedGender.ANY,
        cancel_cutoff_ms=7_200_000,
        no_show_grace_ms=900_000,
        terms=Terms(
            start_price=20_000,
            floor_price=5_000,
            drop_amount=1_000,
            drop_every_ms=drop_every_ms,
            starts_at_ms=now_ms + starts_in_ms,
            ends_at_ms=now_ms + ends_in_ms,
            class_at_ms=now_ms + ends_in_ms + 4 * 3_600_000,
            seats=seats,
            turbo=turbo,
        ),
        status=Status.SCHEDULED,
        revision=1,
        seats_left=seats,
    )


@asynccontextmanager
async def small(
    settings: Settings = QUICK, db: MemoryDatabase | None = None, node_id: str = "a"
) -> AsyncIterator[SmallWorld]:
    """A started node; stopped at the end. Guests 1 to 9,999 may book."""
    clock = clock_of(settings)
    database = db or MemoryDatabase(clock, guests=set(range(1, 10_000)))
    faults, told = Faulty(MemoryCommitStore(database)), Told()
    watcher, letters, bus = Watcher(), Letters(), LocalBus()
    bus.attach(watcher)
    node = Node(node_id, _ports(database, faults, bus, letters, clock, told, settings), settings)
    await node.start()
    try:
        yield SmallWorld(node, faults, database, watcher, letters, told)
    finally:
        faults.away, faults.hold, faults.hold_loads = False, None, None
        await node.drain()
        await node.stop()


def _ports(
    database: MemoryDatabase,
    faults: Faulty,
    bus: LocalBus,
    letters: Letters,
    clock: AnchoredClock,
    told: Told,
    settings: Settings,
) -> Ports:
    return Ports(
        commits=faults,
        schedule=MemoryScheduleStore(database, sweep_batch_max=settings.sweep_batch_max),
        leases=MemoryLeaseStore(database),
        outbox=MemoryOutboxStore(database),
        bus=bus,
        mailer=letters,
        clock=clock,
        rng=Random(7),
        telemetry=told,
    )


async def idle_actor(world: SmallWorld, auction: int) -> AuctionActor:
    """An actor that has been started and has nothing to do."""
    await world.node.directory.ask(auction, Look())
    actor = world.node.directory.get(auction)
    assert actor is not None
    await actor.finished()
    return actor
