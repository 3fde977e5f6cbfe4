"""A studio, its staff and its sales on a real database, for tests of the catalog and of /auctions.

Everything is the real thing but the directory: `OneByOne` decides each message on the stored rows
and commits it at once, with the production's state machine and statement, without actors.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any
from uuid import uuid4

from engine.bus.local import LocalBus
from engine.catalog.auctions import Auctions, Created
from engine.catalog.drafting import Asked
from engine.catalog.listings import Listings
from engine.catalog.studios import Studios
from engine.domain.decide import decide
from engine.domain.messages import Arrival, Book, Edit, Message, Reply
from engine.draw import NodeDraw
from engine.errors import NotFound, Refused
from engine.ports.commit import Committed, Entry
from engine.ports.studios import Profile, Staff
from engine.settings import Settings
from engine.store.postgres.auctions import PostgresAuctions
from engine.store.postgres.commit import PostgresCommitStore
from engine.store.postgres.pool import Pool, open_pool
from engine.store.postgres.studios import PostgresStudios
from tests.accounts import TurnedClock
from tests.engine.world import Watcher

SECOND_MS, MINUTE_MS, HOUR_MS = 1_000, 60_000, 3_600_000


class OneByOne:
    """The directory's `ask`, without mailboxes."""

    def __init__(self, commits: PostgresCommitStore, draw: NodeDraw, clock: TurnedClock) -> None:
        self._commits = commits
        self._draw = draw
        self._clock = clock
        self._seq = 0
        self.asked: list[Message] = []

    async def ask(self, auction_id: int, message: Message) -> Reply:
        self.asked.append(message)
        found = await self._commits.take_over([auction_id])
        if not found:
            raise NotFound()
        loaded, self._seq = found[0], self._seq + 1
        arrival = Arrival(self._clock.now_ms(), self._seq)
        decision = decide(loaded.state, message, arrival, self._draw)
        if decision.changes:
            entry = Entry(
                expected=loaded.state.auction.revision,
                fence=loaded.fence,
                after=decision.state.auction,
                high_water_ms=arrival.at_ms,
                events=decision.events,
                booked=decision.booked,
                moved=decision.moved,
                notices=decision.notices,
                edited=isinstance(message, Edit),
            )
            flight = await self._commits.open_flight()
            try:
                outcome = (await flight.commit(uuid4(), [entry]))[auction_id]
            finally:
                await flight.close()
            assert isinstance(outcome, Committed), outcome
        assert decision.reply is not None
        if isinstance(decision.reply, Refused):
            raise decision.reply
        return decision.reply


@dataclass(slots=True)
class Diary:
    """Appointments that the catalog made."""

    appointments: list[tuple[int, int]] = field(default_factory=list)

    def published(self, auction_id: int, starts_at_ms: int) -> None:
        self.appointments.append((auction_id, starts_at_ms))


@dataclass(slots=True)
class Shop:
    """Two studios and whoever works there."""

    pool: Pool
    clock: TurnedClock
    store: PostgresAuctions
    directory: OneByOne
    diary: Diary
    watcher: Watcher
    auctions: Auctions
    listings: Listings
    studios: Studios
    studio_id: int
    other_studio_id: int
    owner: Staff
    """studio_admin of `studio_id`."""
    rival: Staff
    """studio_admin of `other_studio_id`."""
    platform: Staff
    """platform_admin."""

    def asked(self, **changes: Any) -> Asked:
        """A sale of four hours from now on, from 100.00 to 10.00, 5.00 less each half hour."""
        now_ms = self.clock.now_ms()
        terms: dict[str, Any] = {
            "title": "Sabah Yogası",
            "start_price": Decimal("100.00"),
            "floor_price": Decimal("10.00"),
            "drop_amount": Decimal("5.00"),
            "drop_every_ms": 30 * MINUTE_MS,
            "starts_at_ms": now_ms,
            "ends_at_ms": now_ms + 4 * HOUR_MS,
        }
        return Asked(**(terms | changes))

    async def enter(
        self, *, by: Staff | None = None, publish: bool = True, **changes: Any
    ) -> Created:
        """A new sale of the owner's, or of somebody else's."""
        return await self.auctions.create(
            by or self.owner, self.asked(**changes), studio_id=None, publish=publish
        )

    async def sale(self, **changes: Any) -> int:
        """The id of a new published sale."""
        return (await self.enter(**changes)).shown.auction.id

    async def draft(self, **changes: Any) -> int:
        """The id of a new draft."""
        return (await self.enter(publish=False, **changes)).shown.auction.id

    async def guest(self) -> int:
        """The id of a new verified customer."""
        number = await self.pool.fetchval("select count(*) from account")
        guest: int = await self.pool.fetchval(
            "insert into account (email, full_name, email_verified_at)"
            " values ($1, 'Guest', now()) returning id",
            f"guest{number}@example.org",
        )
        return guest

    async def book(self, auction_id: int) -> Reply:
        """A seat for a new guest."""
        return await self.directory.ask(auction_id, Book(await self.guest()))

    async def row(self, auction_id: int) -> dict[str, Any]:
        """The stored auction."""
        row = await self.pool.fetchrow("select * from auction where id = $1", auction_id)
        assert row is not None
        return dict(row)

    async def events(self, auction_id: int) -> list[dict[str, Any]]:
        """The stored events of an auction."""
        rows = await self.pool.fetch(
            "select * from event where auction_id = $1 order by revision", auction_id
        )
        return [dict(row) for row in rows]


@asynccontextmanager
async def open_shop(dsn: str) -> AsyncIterator[Shop]:
    """A shop on a fresh database."""
    clock, settings = TurnedClock(), Settings()
    pool = await open_pool(dsn)
    commits = PostgresCommitStore(dsn, settings)
    try:
        draw = NodeDraw(commits, Random(7), codes_recent_max=settings.codes_recent_max)
        await draw.fill()
        store, studios = PostgresAuctions(pool), Studios(PostgresStudios(pool))
        directory, diary, watcher, bus = (
            OneByOne(commits, draw, clock),
            Diary(),
            Watcher(),
            LocalBus(),
        )
        bus.attach(watcher)
        mine = await studios.create(Profile(name="Moda Dans", address="Moda Cad. 1"))
        other = await studios.create(Profile(name="Kadıköy Pilates"))
        yield Shop(
            pool=pool,
            clock=clock,
            store=store,
            directory=directory,
            diary=diary,
            watcher=watcher,
            auctions=Auctions(store, directory, diary, bus, clock),
            listings=Listings(
                store,
                clock,
                present=lambda _: None,
                changes=count().__next__,
                settings=Settings(reads_burst=1_000_000),
            ),
            studios=studios,
            studio_id=mine.id,
            other_studio_id=other.id,
            owner=await _staff(pool, "studio_admin", mine.id),
            rival=await _staff(pool, "studio_admin", other.id),
            platform=await _staff(pool, "platform_admin", None),
        )
    finally:
        await commits.close()
        await pool.close()


async def _staff(pool: Pool, role: str, studio_id: int | None) -> Staff:
    user_id = await pool.fetchval(
        "insert into account (email, full_name, role, studio_id, email_verified_at)"
        " values ($1, 'Staff', $2, $3, now()) returning id",
        f"{role}{studio_id}@example.org".lower(),
        role,
        studio_id,
    )
    return Staff(user_id, studio_id, platform=role == "platform_admin")
