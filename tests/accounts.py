"""A small world around accounts, for tests: the real store, the real hashes, a clock to turn."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from edge.hashing import HashLane
from edge.tokens import TokenMint
from engine.catalog.accounts import Accounts, Registration
from engine.catalog.login_delays import LoginDelays
from engine.catalog.sessions import Sessions, SignedIn
from engine.errors import Busy
from engine.ports.accounts import LinkClaim, Purpose, SessionsEnded
from engine.settings import Settings
from engine.store.postgres.accounts import PostgresAccounts
from engine.store.postgres.pool import Pool, open_pool

KEY = "k3y-of-these-tests-0123456789-abcdefghij"
NOW_MS = 1_800_000_000_000
SETTINGS = Settings(bcrypt_cost=4)
PASSWORD = "correct horse"
HOME = "192.0.2.7"
"""Where a guest logs in from, unless a test says otherwise."""


class TurnedClock:
    """A clock that stands until it is turned."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def mono_ns(self) -> int:
        return self._now_ms * 1_000_000

    def at_least(self, high_water_ms: int) -> None:
        self._now_ms = max(self._now_ms, high_water_ms)

    def forward(self, *, s: float = 0, ms: int = 0) -> None:
        self._now_ms += round(s * 1_000) + ms


class CountingLane(HashLane):
    """Counts the hashes it makes and compares with, and can be full for a while."""

    work = 0
    full = False

    async def hash(self, password: str) -> str:
        self.work += 1
        return await super().hash(password)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        if self.full:
            raise Busy
        self.work += 1
        return await super().matches(password, password_hash)


@dataclass(slots=True)
class World:
    """Everything about accounts, wired as the application wires it."""

    pool: Pool
    clock: TurnedClock
    settings: Settings
    hasher: CountingLane
    mint: TokenMint
    store: PostgresAccounts
    delays: LoginDelays
    accounts: Accounts
    sessions: Sessions
    ended: set[str] = field(default_factory=set)
    on_ended: SessionsEnded = lambda _: None
    """Hears of ended sessions, too."""

    async def register(self, **changes: Any) -> Registration:
        """Register somebody; only what matters has to be said."""
        form = replace(
            Registration(
                email="ada@example.com",
                full_name="Ada Yılmaz",
                phone="+905321110001",
                gender="FEMALE",
                password=PASSWORD,
            ),
            **changes,
        )
        await self.accounts.register(form, "tr")
        return form

    async def guest(self, **changes: Any) -> SignedIn:
        """Somebody registered, verified and logged in."""
        form = await self.register(**changes)
        if (await self.mails())[-1]["done_at"] is None:
            await self.accounts.verify_email(await self.newest_link("verify_email"))
        return await self.login(form.email, form.password)

    async def login(
        self, email: str = "ada@example.com", password: str = PASSWORD, address: str = HOME
    ) -> SignedIn:
        return await self.sessions.login(email, password, address)

    async def mails(self) -> list[asyncpg.Record]:
        """All outbox rows, oldest first."""
        return list(await self.pool.fetch("select * from outbox order by id"))

    async def newest_link(self, purpose: Purpose) -> str:
        """The token that the newest mail with such a link would hold."""
        payloads = [mail["payload"] for mail in await self.mails() if "jti" in mail["payload"]]
        row = await self.pool.fetchrow(
            """select id::text, account_id, expires_at from account_token
               where purpose = $1 and id = any($2::uuid[])
               order by array_position($2::uuid[], id) desc limit 1""",
            purpose,
            [payload["jti"] for payload in payloads],
        )
        assert row is not None, f"no mail holds a link to {purpose}"
        return self.mint.link(purpose, LinkClaim(row["id"], row["account_id"]), row["expires_at"])

    async def count(self, table: str) -> int:
        found: int = await self.pool.fetchval(f"select count(*) from {table}")
        return found

    @asynccontextmanager
    async def counting(self) -> AsyncIterator[list[str]]:
        """Collect the statements sent meanwhile, marks of transactions included."""

        statements: list[str] = []

        def note(record: Any) -> None:
            statements.append(record.query)

        async with self.pool.acquire() as connection:
            # The pool hands out its newest idle connection: the one that is given back here.
            connection.add_query_logger(note)
        try:
            yield statements
        finally:
            async with self.pool.acquire() as connection:
                connection.remove_query_logger(note)


@asynccontextmanager
async def account_world(
    dsn: str,
    *,
    clock: TurnedClock | None = None,
    settings: Settings = SETTINGS,
    verification: bool = True,
    delays: bool = False,
) -> AsyncIterator[World]:
    """Objects of their own on a database; several worlds on one are several nodes, or restarts."""
    clock = clock or TurnedClock()

    def end(session_ids: Collection[str]) -> None:
        world.ended.update(session_ids)
        world.on_ended(session_ids)

    pool = await open_pool(dsn)
    hasher = CountingLane(settings)
    mint = TokenMint(KEY, clock)
    store = PostgresAccounts(pool)
    login_delays = LoginDelays(clock, settings, enabled=delays)
    parts = (store, hasher, mint, login_delays, clock, settings)
    world = World(
        pool,
        clock,
        settings,
        hasher,
        mint,
        store,
        login_delays,
        Accounts(*parts, verification=verification, ended=end, mailed=lambda: None),
        Sessions(*parts, ended=end),
    )
    try:
        yield world
    finally:
        hasher.close()
        await pool.close()
