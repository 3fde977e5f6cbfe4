"""Two studios with everybody who may come in, and whatever they may ask for, on a real database.

Rows are entered as they are, so that a sale can be in any state, and each bears a mark that occurs
nowhere else. A server on the same database and with the same key believes the tokens made here.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import asyncpg

from edge.hashing import HashLane
from edge.tokens import TokenMint
from engine.clock import AnchoredClock
from engine.domain import codes
from engine.ports.accounts import Account, LinkClaim, Purpose, Session
from engine.settings import Settings

KEY = "Zm9yIHRoZSBtYXRyaXggYW5kIGl0cyBzZXJ2ZXI"
PASSWORD = "an open sesame"
"""Everybody's."""
HOUR_S = 3_600
TOKEN_S = 4 * HOUR_S

_PERSON = """
insert into account
    (email, full_name, phone, gender, role, studio_id, password_hash, email_verified_at)
values ($1, $2, $3, $4, $5, $6, $7, case when $8 then now() end) returning id
"""
_STUDIO = "insert into studio (name, address) values ($1, 'Moda Cad. 1') returning id"
_SALE = """
with a as (
    insert into auction (studio_id, created_by, title, description, start_price, floor_price,
        drop_amount, drop_every_ms, starts_at, ends_at, class_at, seats, seats_left, status,
        revision, turbo_amount, turbo_trigger_ms, turbo_every_ms, last_commit_id)
    select $1, $2, $3, $3 || ' anlatım', 20000, 5000, 500, 30000, at + $5 * unit, at + $6 * unit,
        at + $7 * unit, $8, $8, $4, case when $4 = 'DRAFT' then 0 else 1 end, 1000, 600000, 5000,
        case when $4 <> 'DRAFT' then gen_random_uuid() end
    from (select date_trunc('milliseconds', now()) as at, interval '1 second' as unit) clock
    returning *
), e as (
    insert into event (auction_id, revision, kind, at, payload, commit_id)
    select id, 1, 'published', starts_at, $9::jsonb, last_commit_id from a where revision = 1
)
select id from a
"""
_SEAT = """
with a as (
    update auction set seats_left = seats_left - case when $5 = 'CANCELLED' then 0 else 1 end
    where id = $2 returning *
)
insert into reservation (id, auction_id, user_id, seat_no, price, code, revision, status,
    accepted_at, changed_at, change_reason)
select $1, $2, $3, coalesce((select max(seat_no) from reservation where auction_id = $2), 0) + 1,
    12500, $4, 1, $5, date_trunc('milliseconds', now()),
    case when $5 <> 'PENDING_ON_SITE' then date_trunc('milliseconds', now()) end, null
from a returning replace(qr_token::text, '-', '') as token
"""

_PUBLISHED = '{"type": "published", "price": "200.00", "actor": "%s", "seats_left": %d}'


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    id: int
    email: str
    full_name: str
    phone: str
    role: str
    studio_id: int | None
    verified: bool
    gender: str = "FEMALE"

    @property
    def account(self) -> Account:
        """What a token is made of."""
        return Account(
            self.id,
            self.email,
            self.full_name,
            self.phone,
            self.gender,
            self.role,
            self.studio_id,
            self.verified,
        )

    @property
    def marks(self) -> tuple[str, ...]:
        """What nobody else is told."""
        return self.email, self.full_name, self.phone


@dataclass(frozen=True, slots=True)
class Sale:
    """An auction, by its mark."""

    id: int
    studio_id: int
    title: str


@dataclass(frozen=True, slots=True)
class Seat:
    """A reservation, what opens it, and whose it is."""

    id: int
    sale: Sale
    guest: Person
    code: str
    token: str

    @property
    def marks(self) -> tuple[str, ...]:
        """What nobody but its guest and its studio is told."""
        return self.code, self.token, self.token.upper(), self.sale.title, *self.guest.marks


class Premises:
    """Makes people, sales and seats, and tokens for whoever asks."""

    def __init__(self, database: asyncpg.Connection, password_hash: str, seed: int) -> None:
        self.database = database
        self._hash = password_hash
        self._rng = Random(seed)
        settings = Settings()
        self.mint = TokenMint(
            KEY,
            AnchoredClock(
                step_ms_max=settings.clock_step_ms_max,
                slew_ppm=settings.clock_slew_ppm,
                ahead_ms_max=settings.high_water_ahead_ms_max,
            ),
        )

    def mark(self) -> str:
        """A word that occurs nowhere else."""
        return f"kanarya{self._rng.randrange(16**12):012x}"

    async def studio(self) -> int:
        """A new studio."""
        studio_id: int = await self.database.fetchval(_STUDIO, f"Salon {self.mark()}")
        return studio_id

    async def person(
        self, role: str = "customer", studio_id: int | None = None, *, verified: bool = True
    ) -> Person:
        """Somebody new."""
        mark = self.mark()
        email, name = f"{mark}@mail.example.com", f"Ad{mark[7:]} Soyad{mark[7:]}"
        phone = f"+90{5_000_000_000 + self._rng.randrange(900_000_000)}"
        row = (email, name, phone, "FEMALE", role, studio_id, self._hash, verified)
        person_id = await self.database.fetchval(_PERSON, *row)
        return Person(person_id, email, name, phone, role, studio_id, verified)

    async def sale(
        self,
        studio_id: int,
        by: Person | None = None,
        *,
        status: str = "ACTIVE",
        starts_in_s: int = -60,
        ends_in_s: int = 4 * HOUR_S,
        class_in_s: int = 24 * HOUR_S,
        seats: int = 20,
    ) -> Sale:
        """A new sale with turbo, in any state."""
        title = f"Yoga {self.mark()}"
        payload = _PUBLISHED % (f"user:{by.id}" if by else "clock", seats)
        times = (starts_in_s, ends_in_s, class_in_s)
        sale_id = await self.database.fetchval(
            _SALE, studio_id, by and by.id, title, status, *times, seats, payload
        )
        return Sale(sale_id, studio_id, title)

    async def past_sale(self, studio_id: int, by: Person | None = None) -> Sale:
        """A new sale that is over, of a class that began an hour ago."""
        return await self.sale(
            studio_id,
            by,
            status="EXPIRED",
            starts_in_s=-4 * HOUR_S,
            ends_in_s=-2 * HOUR_S,
            class_in_s=-HOUR_S,
        )

    async def seat(self, sale: Sale, guest: Person, status: str = "PENDING_ON_SITE") -> Seat:
        """A reservation of that sale."""
        reservation_id = await self.database.fetchval("select nextval('reservation_id')")
        code = codes.draw(self._rng, 8)
        token = await self.database.fetchval(_SEAT, reservation_id, sale.id, guest.id, code, status)
        return Seat(reservation_id, sale, guest, code, token)

    # --- tokens ----------------------------------------------------------------------------------

    def token(self, person: Person, *, session_id: str | None = None, ttl_s: int = TOKEN_S) -> str:
        """An access token; without a session, one that nobody can end."""
        return self.mint.access(person.account, session_id or str(uuid.uuid4()), ttl_s)

    async def session(self, person: Person) -> Session:
        """A session that is in the database."""
        row: Any = await self.database.fetchrow(
            """insert into session (id, account_id, rotated_at, created_at, expires_at)
               select gen_random_uuid(), $1, at, at, at + interval '1 day'
               from (select date_trunc('milliseconds', now()) as at) clock
               returning id::text, (extract(epoch from created_at) * 1000)::bigint as created_ms""",
            person.id,
        )
        made = row["created_ms"]
        return Session(row["id"], person.id, 0, made, made, made + 86_400_000, False)

    async def link(self, person: Person, purpose: Purpose) -> str:
        """The token of a mailed link."""
        row: Any = await self.database.fetchrow(
            """insert into account_token (id, account_id, purpose, expires_at)
               select gen_random_uuid(), $1, $2, date_trunc('second', now()) + interval '1 day'
               returning id::text, (extract(epoch from expires_at) * 1000)::bigint as ends_ms""",
            person.id,
            purpose,
        )
        return self.mint.link(purpose, LinkClaim(row["id"], person.id), row["ends_ms"])


@asynccontextmanager
async def open_premises(dsn: str, seed: int = 1) -> AsyncIterator[Premises]:
    """Premises on a migrated database."""
    lane = HashLane(Settings(bcrypt_cost=4))
    try:
        password_hash = await lane.hash(PASSWORD)
    finally:
        lane.close()
    connection = await asyncpg.connect(dsn)
    try:
        yield Premises(connection, password_hash, seed)
    finally:
        await connection.close()
