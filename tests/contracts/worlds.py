"""One world a kind of store: the stores under contract, and a look behind them.

Rows are read as the memory's row classes, whichever store they come from, so that a test compares
what was written and not how.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.domain.auction import Auction
from engine.ports.commit import CommitStore, ScheduleStore
from engine.ports.leases import LeaseStore
from engine.ports.outbox import OutboxRow, OutboxStore
from engine.settings import Settings
from engine.store.memory.commit import MemoryCommitStore
from engine.store.memory.database import (
    AuctionRow,
    EventRow,
    MemoryDatabase,
    NoticeRow,
    ReservationRow,
)
from engine.store.memory.leases import MemoryLeaseStore
from engine.store.memory.outbox import MemoryOutboxStore
from engine.store.memory.schedule import MemoryScheduleStore
from engine.store.postgres.commit import PostgresCommitStore
from engine.store.postgres.lane import Lane
from engine.store.postgres.leases import PostgresLeaseStore
from engine.store.postgres.outbox import PostgresOutboxStore
from engine.store.postgres.pool import Connection, connect
from engine.store.postgres.rows import read_auction, read_reservation
from engine.store.postgres.schedule import PostgresScheduleStore

SHARDS = 64
SWEEP_BATCH_MAX = 3


class World(Protocol):
    """What a contract is tested against."""

    @property
    def commits(self) -> CommitStore: ...
    @property
    def schedule(self) -> ScheduleStore: ...
    @property
    def leases(self) -> LeaseStore: ...
    @property
    def outbox(self) -> OutboxStore: ...

    async def add_guests(self, *ids: int) -> None:
        """Accounts that may book."""

    async def add_auction(self, auction: Auction) -> None:
        """As the catalog leaves it."""

    async def add_row(self, row: OutboxRow) -> None:
        """An outbox row that is due at once."""

    async def auction(self, auction_id: int) -> AuctionRow:
        """What is stored of an auction."""

    async def reservations(self, auction_id: int) -> Sequence[ReservationRow]:
        """Its reservations, by id."""

    async def events(self, auction_id: int) -> Sequence[EventRow]:
        """Its events, by revision."""

    async def notices(self) -> Sequence[NoticeRow]:
        """All outbox rows, by id."""

    async def now_ms(self) -> int:
        """By the store's own clock."""

    async def pass_ms(self, ms: int) -> None:
        """Let the store's clock go on."""

    async def close(self) -> None:
        """The end."""


@dataclass
class HandClock:
    """A clock that only a test moves."""

    at_ms: int = 1_767_268_800_000

    def now_ms(self) -> int:
        return self.at_ms

    def mono_ns(self) -> int:
        return self.at_ms * 1_000_000

    def at_least(self, high_water_ms: int) -> None:
        self.at_ms = max(self.at_ms, high_water_ms)


class MemoryWorld:
    """Everything in this process."""

    def __init__(self) -> None:
        self._clock = HandClock()
        self.database = MemoryDatabase(self._clock, shards_number=SHARDS)
        self.commits = MemoryCommitStore(self.database)
        self.schedule = MemoryScheduleStore(self.database, sweep_batch_max=SWEEP_BATCH_MAX)
        self.leases = MemoryLeaseStore(self.database)
        self.outbox = MemoryOutboxStore(self.database)

    async def add_guests(self, *ids: int) -> None:
        self.database.guests.update(ids)

    async def add_auction(self, auction: Auction) -> None:
        self.database.add_auction(auction)

    async def add_row(self, row: OutboxRow) -> None:
        now_ms = self._clock.now_ms()
        self.database.outbox[row.id] = NoticeRow(row, now_ms, now_ms)

    async def auction(self, auction_id: int) -> AuctionRow:
        return self.database.auctions[auction_id]

    async def reservations(self, auction_id: int) -> Sequence[ReservationRow]:
        rows = self.database.reservations
        return [rows[found] for found in sorted(self.database.by_auction[auction_id])]

    async def events(self, auction_id: int) -> Sequence[EventRow]:
        stored = sorted(self.database.events.items())
        return [row for (of, _), row in stored if of == auction_id]

    async def notices(self) -> Sequence[NoticeRow]:
        return [row for _, row in sorted(self.database.outbox.items())]

    async def now_ms(self) -> int:
        return self._clock.now_ms()

    async def pass_ms(self, ms: int) -> None:
        self._clock.at_ms += ms

    async def close(self) -> None:
        pass


_EMPTY = """
update shard set node_id = null;
delete from node; delete from outbox; delete from event; delete from reservation;
delete from auction; delete from account; delete from studio;
"""
_ADD_STUDIO = "insert into studio (id, name) overriding system value values (1, 'Stüdyo')"
_ADD_GUEST = """
insert into account (id, email, full_name, email_verified_at)
overriding system value values ($1, 'guest' || $1::bigint || '@example.com', 'Konuk', now())
"""
_ADD_AUCTION = """
insert into auction (id, studio_id, title, description, currency, allowed_gender, cancel_cutoff_ms,
    no_show_grace_ms, start_price, floor_price, drop_amount, drop_every_ms, starts_at, ends_at,
    class_at, seats, turbo_amount, turbo_trigger_ms, turbo_every_ms, status, revision, seats_left,
    turbo_started_at, frozen_at, high_water)
overriding system value values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
    $16, $17, $18, $19, $20, $21, $22, $23, $24, 'epoch')
"""
_ADD_ROW = """
insert into outbox (id, topic, user_id, auction_id, payload, attempts)
values ($1, $2, $3, $4, $5, $6)
"""
_RESERVATIONS = "select * from reservation where auction_id = $1 order by id"
_PASS = "update node set lease_until = lease_until - $1::bigint * interval '1 ms'"
_PASS_OUTBOX = """
update outbox set created_at = created_at - $1::bigint * interval '1 ms',
    due_at = due_at - $1::bigint * interval '1 ms', done_at = done_at - $1::bigint * interval '1 ms'
"""


@dataclass
class PostgresWorld:
    """A real database. Its clock cannot be moved, so what it is compared with is."""

    commits: PostgresCommitStore
    schedule: PostgresScheduleStore
    leases: PostgresLeaseStore
    outbox: PostgresOutboxStore
    connection: Connection
    _lane: Lane

    @classmethod
    async def open(cls, dsn: str, settings: Settings | None = None) -> "PostgresWorld":
        """Whatever the database held is gone."""
        lane = Lane(dsn)
        connection = await connect(dsn)
        await connection.execute(_EMPTY)
        world = cls(
            PostgresCommitStore(dsn, settings or Settings()),
            PostgresScheduleStore(lane, shards=SHARDS, sweep_batch_max=SWEEP_BATCH_MAX),
            PostgresLeaseStore(lane),
            PostgresOutboxStore(lane),
            connection,
            lane,
        )
        await connection.execute(_ADD_STUDIO)
        return world

    async def add_guests(self, *ids: int) -> None:
        await self.connection.executemany(_ADD_GUEST, [(guest,) for guest in ids])

    async def add_auction(self, auction: Auction) -> None:
        terms, turbo = auction.terms, auction.terms.turbo
        await self.connection.execute(
            _ADD_AUCTION,
            auction.id,
            auction.studio_id,
            auction.title,
            auction.description,
            auction.currency,
            auction.allowed_gender,
            auction.cancel_cutoff_ms,
            auction.no_show_grace_ms,
            terms.start_price,
            terms.floor_price,
            terms.drop_amount,
            terms.drop_every_ms,
            terms.starts_at_ms,
            terms.ends_at_ms,
            terms.class_at_ms,
            terms.seats,
            turbo and turbo.amount,
            turbo and turbo.trigger_ms,
            turbo and turbo.every_ms,
            auction.status,
            auction.revision,
            auction.seats_left,
            auction.turbo_started_at_ms,
            auction.frozen_at_ms,
        )

    async def add_row(self, row: OutboxRow) -> None:
        await self.connection.execute(
            _ADD_ROW,
            row.id,
            row.topic,
            row.user_id,
            row.auction_id,
            row.payload,
            row.attempts,
        )

    async def auction(self, auction_id: int) -> AuctionRow:
        row = await self.connection.fetchrow("select * from auction where id = $1", auction_id)
        assert row is not None
        return AuctionRow(read_auction(row), row["fence"], row["last_commit_id"], row["high_water"])

    async def reservations(self, auction_id: int) -> Sequence[ReservationRow]:
        rows = await self.connection.fetch(_RESERVATIONS, auction_id)
        return [
            ReservationRow(
                read_reservation(row),
                row["changed_by"],
                row["change_reason"],
                row["late_cancel"],
                row["code_live"],
            )
            for row in rows
        ]

    async def events(self, auction_id: int) -> Sequence[EventRow]:
        rows = await self.connection.fetch(
            "select auction_id, revision, kind, at, payload, commit_id from event"
            " where auction_id = $1 order by revision",
            auction_id,
        )
        return [EventRow(*row) for row in rows]

    async def notices(self) -> Sequence[NoticeRow]:
        rows = await self.connection.fetch(
            "select id, topic, user_id, auction_id, payload, attempts, created_at, due_at, done_at"
            " from outbox order by id"
        )
        return [NoticeRow(OutboxRow(*row[:6]), *row[6:]) for row in map(tuple, rows)]

    async def now_ms(self) -> int:
        now_ms: int = await self.connection.fetchval("select now()")
        return now_ms

    async def pass_ms(self, ms: int) -> None:
        await self.connection.execute(_PASS, ms)
        await self.connection.execute(_PASS_OUTBOX, ms)

    async def close(self) -> None:
        await self.commits.close()
        await self._lane.close()
        await self.connection.close()
