"""Auctions and reservations in PostgreSQL: one transaction a booking, a constraint that decides."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from loadtests.peers.seed_stack.pricing import Schedule

CONNECTIONS = 32
_SCHEMA = Path(__file__).with_name("schema.sql")
_SCHEDULE = """
select start_price, floor_price, drop_amount, drop_every_ms, starts_at, ends_at
from seed.auction where id = $1
"""
_SCHEDULE_AND_SOLD = """
select start_price, floor_price, drop_amount, drop_every_ms, starts_at, ends_at,
    exists (select from seed.reservation where auction_id = auction.id) as sold
from seed.auction where id = $1
"""
_INSERT = """
insert into seed.reservation (auction_id, guest_id, price, code) values ($1, $2, $3, $4)
returning id
"""


class Refused(Exception):
    """Why there is no booking: an HTTP status and a code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Reservation:
    """A seat, and whose it is. `price` in minor units."""

    id: int
    auction_id: int
    guest_id: int
    price: int
    code: str


class Store:
    """Bookings of one database; `look_first`: ask whether it is sold before trying."""

    def __init__(self, pool: asyncpg.Pool, *, look_first: bool) -> None:
        self._pool = pool
        self._look_first = look_first

    async def schedule(self, auction_id: int) -> Schedule:
        """Raises Refused."""
        return _schedule(await self._pool.fetchrow(_SCHEDULE, auction_id))

    async def book(self, auction_id: int, guest_id: int) -> Reservation:
        """The seat at the price of now. Raises Refused."""
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                price = await self._price(connection, auction_id)
                code = f"HOT-{secrets.token_hex(4).upper()}"
                number = await connection.fetchval(_INSERT, auction_id, guest_id, price, code)
        except asyncpg.UniqueViolationError:
            raise Refused(409, "SOLD") from None
        return Reservation(number, auction_id, guest_id, price, code)

    async def _price(self, connection: asyncpg.pool.PoolConnectionProxy, auction_id: int) -> int:
        query = _SCHEDULE_AND_SOLD if self._look_first else _SCHEDULE
        row = await connection.fetchrow(query, auction_id)
        schedule, now = _schedule(row), datetime.now(UTC)
        if self._look_first and row is not None and row["sold"]:
            raise Refused(409, "SOLD")
        if not schedule.live_at(now):
            raise Refused(409, "NOT_LIVE")
        return schedule.price_at(now)


async def open_pool(dsn: str) -> asyncpg.Pool:
    """Connections to a database in the newest shape."""
    pool = await asyncpg.create_pool(dsn, min_size=CONNECTIONS, max_size=CONNECTIONS)
    await pool.execute(_SCHEMA.read_text())
    return pool


def _schedule(row: asyncpg.Record | None) -> Schedule:
    if row is None:
        raise Refused(404, "NOT_FOUND")
    return Schedule(*tuple(row)[:6])
