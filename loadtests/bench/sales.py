"""Auctions as publication (and their start) leave them, by the thousand, in one statement each.

Prices fall by the smallest coin and never reach the floor, so every drop is a change.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from loadtests.bench.figures import Broken

TAKEN_OVER_WITHIN_S = 30.0
HOUR_MS = 3_600_000

_STUDIO = """
insert into studio (name) select 'Bench' where not exists (select from studio)
"""
_SALES = """
insert into auction (studio_id, title, start_price, floor_price, drop_amount, drop_every_ms,
    starts_at, ends_at, class_at, seats, seats_left, status, revision)
select (select min(id) from studio), 'Vinyasa', 90000000, 100, 1, $2,
    at, at + $5 * interval '1 millisecond', at + 2 * $5 * interval '1 millisecond',
    $6, $6, $7, case $7 when 'ACTIVE' then 2 else 1 end
from generate_series(0, $1::int - 1) n,
    lateral (select $3::timestamptz + n * $4::float * interval '1 millisecond' as at) starts
returning id
"""
# From the last one on, since they are taken in order: next to no work while there is one left.
_LEFT = """
select id from auction where id between $1 and $2 and fence = 0 order by id desc limit 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sales:
    """Like auctions: the nth starts `n * apart_ms` after `starts_at_ms`."""

    starts_at_ms: int
    apart_ms: float = 0.0
    drop_every_ms: int = HOUR_MS
    lasts_ms: int = 2 * HOUR_MS
    seats: int = 1
    live: bool = True
    """ACTIVE; else SCHEDULED."""


def now_ms() -> int:
    """By this machine's clock."""
    return time.time_ns() // 1_000_000


async def add(database: asyncpg.Connection, count: int, sales: Sales) -> list[int]:
    """Insert so many; their ids, in order of their starts."""
    await database.execute(_STUDIO)
    rows = await database.fetch(
        _SALES,
        count,
        sales.drop_every_ms,
        sales.starts_at_ms,
        sales.apart_ms,
        sales.lasts_ms,
        sales.seats,
        "ACTIVE" if sales.live else "SCHEDULED",
        timeout=60,
    )
    return [row["id"] for row in rows]


def lately() -> Sales:
    """Live since a minute ago, without a drop for the next hour."""
    return Sales(starts_at_ms=now_ms() - 60_000)


async def taken_over(database: asyncpg.Connection, ids: Sequence[int]) -> None:
    """Wait until a node has moved the fence of each of these, inserted in one go. Raises Broken."""
    try:
        async with asyncio.timeout(TAKEN_OVER_WITHIN_S):
            while True:
                if await database.fetchval(_LEFT, ids[0], ids[-1]) is None:
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise Broken(f"auctions not loaded within {TAKEN_OVER_WITHIN_S:.0f} s") from None
