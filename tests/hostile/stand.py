"""A real server that probes are sent to: who lives there, and what it must never do."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests.e2e.program import Api, Cast, Guest, Program, client, seed, serving
from tests.engine.world import eventually
from tests.hostile import wire
from tests.hostile.probe import SHORT, Deadlines, Target

TABLES = (
    "account",
    "session",
    "account_token",
    "idempotency_key",
    "auction",
    "reservation",
    "event",
    "outbox",
)
GENEROUS = {
    # Clients are counted as in production, but all that is asked here comes from one address.
    "HOTHOUR_RATE_LIMITS": "on",
    "HOTHOUR_RATE_REQUESTS_PER_S": "100000",
    "HOTHOUR_RATE_REQUESTS_BURST": "1000000",
    "HOTHOUR_RATE_LOGINS_PER_MIN": "100000",
    "HOTHOUR_RATE_BOOKINGS_PER_S": "10000",
    "HOTHOUR_RATE_BOOKINGS_BURST": "100000",
    "HOTHOUR_RATE_CODES_PER_MIN": "100000",
}


@dataclass(slots=True)
class Stand:
    """One server, a studio, guests, a sale that nobody manages to book."""

    server: Program
    api: Api
    cast: Cast
    auction: int
    database: asyncpg.Connection
    deadlines: Deadlines
    heard: int = 0
    """How much of its log has been read."""

    @property
    def port(self) -> int:
        return int(self.server.url.rpartition(":")[2])

    @property
    def guest(self) -> Guest:
        return self.cast.guests[0]

    @property
    def target(self) -> Target:
        return Target(self.port, self.guest.token.encode(), self.auction, self.deadlines)

    async def rows(self) -> dict[str, int]:
        """How many there are of everything that can be written."""
        counts = ", ".join(f"(select count(*) from {table}) as {table}" for table in TABLES)
        found = await self.database.fetchrow(f"select {counts}")
        assert found is not None
        return dict(found)

    async def begun(self, auction: int) -> None:
        """Wait until the start of a sale is written: by the clock, soon after it was made."""

        async def is_active() -> bool:
            query = "select status from auction where id = $1"
            return bool(await self.database.fetchval(query, auction) == "ACTIVE")

        await eventually(is_active)

    async def complaint(self) -> str:
        """What is wrong with the server; empty: the same process answers a healthy request, at
        once, and nothing has broken inside."""
        told = await wire.http(self.port, [wire.FOLLOW_UP], 1)
        if told != "200; goes on" or self.server.process.returncode is not None:
            return f"THE SERVER IS NOT WELL ({told})"
        heard = self.server.log
        new, self.heard = heard[self.heard :], len(heard)
        broken = "Traceback" in new or "request failed" in new or "broke" in new
        return "SOMETHING BROKE INSIDE" if broken else ""


@asynccontextmanager
async def standing(
    folder: Path, deadlines: Deadlines = SHORT, **settings: str
) -> AsyncIterator[Stand]:
    """A stand in a folder of its own."""
    given = {**GENEROUS, **deadlines.settings(), **settings}
    async with serving(folder, **given) as server, client(server.url) as api:
        cast = await seed(folder, 3, **given)
        auction = (await api.sale(cast.admin))["id"]
        dsn = json.loads((folder / "data" / "postgres.lock").read_text())["dsn"]
        database = await asyncpg.connect(dsn)
        stand = Stand(server, api, cast, auction, database, deadlines)
        try:
            await stand.begun(auction)
            yield stand
        finally:
            await database.close()
