"""Drafts written, sales read: the catalog's side of table `auction`.

Every statement that changes a sale names status DRAFT, so no published one can be touched from
here. A row's `xmin`, which PostgreSQL changes with every write, is the version that a change is
compared with: drafts have no revision to compare.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import asyncpg

from engine.domain.auction import Status
from engine.domain.decision import Event, EventKind
from engine.ports.auctions import Draft, Filters, Listed, Order, Past, Position, Publishing, Venue
from engine.store.postgres import auction_lists
from engine.store.postgres.access import reading, writing
from engine.store.postgres.pool import AnyConnection, Pool
from engine.store.postgres.rows import read_auction
from engine.store.records import event_payload

_COLUMNS: Final = """
    a.id, a.title, a.description, a.allowed_gender, a.currency, a.cancel_cutoff_ms,
    a.no_show_grace_ms, a.start_price, a.floor_price, a.drop_amount, a.drop_every_ms, a.starts_at,
    a.ends_at, a.class_at, a.seats, a.turbo_amount, a.turbo_trigger_ms, a.turbo_every_ms, a.status,
    a.revision, a.seats_left, a.turbo_started_at, a.frozen_at,
    s.id as studio_id, s.name as studio_name, s.address, s.google_maps_url, s.zone"""
_STORED: Final = f"""
select {_COLUMNS}, a.xmin::text::bigint as version
from auction a join studio s on s.id = a.studio_id
"""
_WRITTEN: Final = f"select {_COLUMNS}, a.version from a join studio s on s.id = a.studio_id"
_VERSION: Final = "a.xmin::text::bigint as version"

_ADD: Final = f"""
with a as (
    insert into auction as a (
        studio_id, created_by, currency, cancel_cutoff_ms, no_show_grace_ms, status, seats_left,
        title, description, allowed_gender, start_price, floor_price, drop_amount, drop_every_ms,
        starts_at, ends_at, class_at, seats, turbo_amount, turbo_trigger_ms, turbo_every_ms
    )
    select s.id, $2, s.currency, s.cancel_cutoff_s * 1000::bigint, s.no_show_grace_s * 1000::bigint,
        'DRAFT', $13, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
    from studio s where s.id = $1
    returning a.*, {_VERSION}
)
{_WRITTEN}
"""
_REWRITE: Final = f"""
with a as (
    update auction a set title = $3, description = $4, allowed_gender = $5, start_price = $6,
        floor_price = $7, drop_amount = $8, drop_every_ms = $9, starts_at = $10, ends_at = $11,
        class_at = $12, seats = $13, seats_left = $13, turbo_amount = $14, turbo_trigger_ms = $15,
        turbo_every_ms = $16
    where a.id = $1 and a.status = 'DRAFT' and a.xmin::text::bigint = $2
    returning a.*, {_VERSION}
)
{_WRITTEN}
"""
_PUBLISH: Final = f"""
with a as (
    update auction a set status = 'SCHEDULED', revision = 1, last_commit_id = gen_random_uuid(),
        high_water = greatest(a.high_water, $3)
    where a.id = $1 and a.status = 'DRAFT' and a.xmin::text::bigint = $2
    returning a.*, {_VERSION}
), e as (
    insert into event (auction_id, revision, kind, at, payload, commit_id)
    select a.id, a.revision, $4, $3, $5, a.last_commit_id from a
)
{_WRITTEN}
"""
_REMOVE: Final = "delete from auction where id = $1 and status = 'DRAFT' returning true"
_HISTORY: Final = """
select revision, kind, at, payload from event
where auction_id = $1 and revision > $2 order by revision limit $3
"""


class PostgresAuctions:
    """The AuctionStore on PostgreSQL. Borrows a connection for each call."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def one(self, auction_id: int) -> Listed | None:
        async with reading(self._pool) as connection:
            row = await connection.fetchrow(f"{_STORED} where a.id = $1", auction_id)
        return None if row is None else _listed(row)

    async def page(
        self, filters: Filters, order: Order, after: Position | None, now_ms: int, limit: int
    ) -> Sequence[Listed]:
        tail, arguments = auction_lists.tail(filters, order, after, now_ms, limit)
        async with reading(self._pool) as connection:
            rows = await connection.fetch(f"{_STORED} {tail}", *arguments)
        return [_listed(row) for row in rows]

    async def history(self, auction_id: int, after_revision: int, limit: int) -> Sequence[Past]:
        async with reading(self._pool) as connection:
            rows = await connection.fetch(_HISTORY, auction_id, after_revision, limit)
        return [
            Past(
                revision=row["revision"],
                kind=row["kind"],
                at_ms=row["at"],
                price=row["payload"]["price"],
                actor=row["payload"]["actor"],
            )
            for row in rows
        ]

    async def add(
        self, studio_id: int, by: int, draft: Draft, publishing: Publishing | None
    ) -> Listed | None:
        async with writing(self._pool) as connection, connection.transaction():
            row = await connection.fetchrow(_ADD, studio_id, by, *_values(draft))
            if row is None or publishing is None:
                return None if row is None else _listed(row)
            return await _publish(connection, _listed(row), publishing)

    async def rewrite(self, draft_row: Listed, draft: Draft) -> Listed | None:
        key = (draft_row.auction.id, draft_row.version)
        async with writing(self._pool) as connection:
            row = await connection.fetchrow(_REWRITE, *key, *_values(draft))
        return None if row is None else _listed(row)

    async def publish(self, draft_row: Listed, publishing: Publishing) -> Listed | None:
        async with writing(self._pool) as connection:
            return await _publish(connection, draft_row, publishing)

    async def remove(self, auction_id: int) -> bool:
        async with writing(self._pool) as connection:
            return await connection.fetchval(_REMOVE, auction_id) is not None


async def _publish(
    connection: AnyConnection, draft_row: Listed, publishing: Publishing
) -> Listed | None:
    """One statement: the compare-and-set, and the event that only it lets in."""
    after = replace(draft_row.auction, status=Status.SCHEDULED, revision=1)
    event = Event(
        EventKind.PUBLISHED, publishing.at_ms, after, publishing.price, f"user:{publishing.by}"
    )
    key = (after.id, draft_row.version)
    kind, payload = event.kind.value, event_payload(event)
    row = await connection.fetchrow(_PUBLISH, *key, event.at_ms, kind, payload)
    return None if row is None else _listed(row)


def _values(draft: Draft) -> tuple[Any, ...]:
    """What staff enter, in the order of the statements' placeholders."""
    terms, turbo = draft.terms, draft.terms.turbo
    return (
        draft.title,
        draft.description,
        draft.allowed_gender.value,
        terms.start_price,
        terms.floor_price,
        terms.drop_amount,
        terms.drop_every_ms,
        terms.starts_at_ms,
        terms.ends_at_ms,
        terms.class_at_ms,
        terms.seats,
        None if turbo is None else turbo.amount,
        None if turbo is None else turbo.trigger_ms,
        None if turbo is None else turbo.every_ms,
    )


def _listed(row: asyncpg.Record) -> Listed:
    venue = Venue(
        row["studio_id"],
        row["studio_name"],
        row["address"],
        row["google_maps_url"],
        row["zone"],
    )
    return Listed(read_auction(row), venue, row["version"])
