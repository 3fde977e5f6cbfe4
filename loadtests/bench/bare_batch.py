"""The limit of group commit: the same gathering of what waits, and nothing but auction and seat.

One statement a batch (compare-and-set on the auctions, the reservations of those that were found),
on as many connections as the product's committer has. No keys, no events, no outbox, no probes, no
retries, and whoever is in the way fails the batch.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from math import ceil
from typing import Any

import asyncpg

from engine.ports.commit import Entry
from engine.store.postgres.pool import connect

_BATCH = """
with e as materialized (select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[],
        $5::int[], $6::timestamptz[])
    as e(auction_id, expected, fence, status, seats_left, frozen_at)),
r as (select * from unnest($7::bigint[], $8::bigint[], $9::bigint[], $10::int[], $11::bigint[],
        $12::text[], $13::bigint[], $14::timestamptz[])
    as r(id, auction_id, user_id, seat_no, price, code, revision, accepted_at)),
upd as (
    update auction a set revision = a.revision + 1, status = e.status, seats_left = e.seats_left,
        frozen_at = e.frozen_at
    from e
    where a.id = e.auction_id and a.id = any (array(select auction_id from e))
      and a.revision = e.expected and a.fence = e.fence
    returning a.id
),
ins as (
    insert into reservation (id, auction_id, user_id, seat_no, price, code, revision, accepted_at)
    select r.* from r where r.auction_id in (select id from upd)
)
select count(*) from upd
"""
_LISTS = 14
_WORTH_A_FLIGHT = 32


class BareBatch:
    """`commit` from as many tasks as there are, inside `flying`."""

    def __init__(self, most: int, flights: int) -> None:
        self._most = most
        self._flights = flights
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._flying = 0
        self._work = asyncio.Event()

    async def commit(self, entry: Entry) -> None:
        """Until it is durable."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        self._work.set()
        await done

    async def fly(self, prepared: "asyncpg.prepared_stmt.PreparedStatement[Any]") -> None:
        """For ever."""
        while True:
            if not self._waiting:
                self._work.clear()
                await self._work.wait()
                continue
            share = ceil((len(self._waiting) + self._flying) / self._flights)
            share = min(self._most, max(_WORTH_A_FLIGHT, share))
            batch, self._waiting = self._waiting[:share], self._waiting[share:]
            self._flying += len(batch)
            batch.sort(key=lambda each: each[0].after.id)
            written = await prepared.fetchval(*_columns([entry for entry, _ in batch]))
            assert written == len(batch), "nobody else books these"
            self._flying -= len(batch)
            for _, done in batch:
                done.set_result(None)


@asynccontextmanager
async def bare_batches(dsn: str, *, most: int, flights: int) -> AsyncIterator[BareBatch]:
    """Its connections are set up as the product's are."""
    bare = BareBatch(most, flights)
    connections = [await connect(dsn, profile="commit") for _ in range(flights)]
    tasks = []
    try:
        for connection in connections:
            prepared = await connection.prepare(_BATCH)
            await prepared.fetchval(*[[]] * _LISTS)
            tasks.append(asyncio.get_running_loop().create_task(bare.fly(prepared)))
        yield bare
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in connections:
            connection.terminate()


def _columns(entries: Sequence[Entry]) -> list[Sequence[Any]]:
    rows = [
        (
            (after := entry.after).id,
            entry.expected,
            entry.fence,
            after.status,
            after.seats_left,
            after.frozen_at_ms,
            (held := entry.booked[0]).id,
            after.id,
            held.user_id,
            held.seat_no,
            held.price,
            held.code,
            held.revision,
            held.accepted_at_ms,
        )
        for entry in entries
    ]
    return list(zip(*rows, strict=True))
