"""A real server with the demo's accounts on it, for tests of the demo's own clients."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from time import monotonic, time
from typing import Any

import asyncpg

from edge import running
from edge.config import Config
from edge.demo import seeding
from edge.demo.account import Account
from edge.demo.api import Api, Fields, open_session
from edge.demo.people import HOUSES
from edge.demo.scene import Scene
from engine.frames import instant
from engine.settings import Settings
from tests.edge.rig import capturing_log

PATIENCE_S = 20.0


def mono_ms() -> float:
    """A clock that only goes forward."""
    return monotonic() * 1_000


def now_ms() -> int:
    """The server's clock runs on this machine."""
    return int(time() * 1_000)


async def until(seen: Callable[[], bool]) -> None:
    """Look again and again until it is so."""
    for _ in range(int(PATIENCE_S * 50)):
        if seen():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to that")


def config_for(dsn: str, folder: Path, **settings: Any) -> Config:
    """The demo's settings, on a test's database and with quick password hashes."""
    return Config(
        port=0,
        data_dir=folder,
        database_url=dsn,
        email_verification=False,
        allow_unsafe_database=True,
        engine=replace(Settings(bcrypt_cost=4), **settings),
    )


@dataclass(slots=True)
class Shop:
    """What a client of the demo works with."""

    config: Config
    api: Api
    scene: Scene
    rng: Random

    def account(self, email: str) -> Account:
        """Somebody of the demo, not signed in yet."""
        return Account(self.api, email, mono_ms)

    async def sale(self, **terms: Any) -> Fields:
        """A new auction of the first house, one lira less each second; its row."""
        start_ms = now_ms()
        body = {
            "title": "Yin Yoga",
            "start_price": "500.00",
            "floor_price": "300.00",
            "drop_amount": "1.00",
            "drop_interval_secs": 1,
            "start_time": instant(start_ms),
            "end_time": instant(start_ms + 60_000),
            "scheduled_at": instant(start_ms + 6 * 3_600_000),
            **terms,
        }
        admin = self.account(HOUSES[0].admin.email)
        row: Fields = await admin.ask("POST", "/auctions/", body)
        return row

    async def reservations(self, email: str) -> list[Fields]:
        """What somebody holds or has held, as the server says."""
        mine = await self.account(email).ask("GET", "/reservations/my/all")
        found: list[Fields] = mine["reservations"]
        return found

    async def watchers(self, auction_id: int) -> int:
        """How many sockets watch a sale, as a new visitor is told."""
        ask = {"type": "subscribe_auction", "auction_id": auction_id}
        async with self.api.http.ws_connect(f"{self.api.url}/ws") as ws:
            await ws.send_json(ask)
            async for message in ws:
                if message.json()["type"] == "subscribed":
                    return int(message.json()["snapshots"][0]["watchers"]) - 1
        raise AssertionError("the connection broke")

    async def until_watched_by(self, count: int, auction_id: int) -> None:
        """Wait until so many sockets watch a sale."""
        for _ in range(200):
            if await self.watchers(auction_id) == count:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"never watched by {count}")

    async def forget(self, *emails: str) -> None:
        """Take accounts away that nothing hangs on yet."""
        connection = await asyncpg.connect(self.config.database_url)
        await connection.execute("delete from account where email = any($1)", emails)
        await connection.close()


@asynccontextmanager
async def demo_shop(dsn: str, folder: Path, **settings: Any) -> AsyncIterator[Shop]:
    """A server on that database, seeded."""
    config = config_for(dsn, folder, **settings)
    async with (
        running.serving(config, capturing_log().logger) as (_, url),
        open_session() as http,
    ):
        await seeding.seed(config, dsn, running.signing_key(config))
        yield Shop(config, Api(http, url), Scene(), Random(7))
