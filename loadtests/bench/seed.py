"""The seed stack as a contestant: its database, its process, its guests' tokens, its words."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace

import asyncpg
import jwt
import orjson

from loadtests.bench.beside import Contestant, running
from loadtests.bench.crowd import Step, Tongue
from loadtests.bench.families import family_of
from loadtests.bench.machine import CORES, pin
from loadtests.bench.product import Server, place
from loadtests.bench.sales import HOUR_MS

_MODULE = "loadtests.peers.seed_stack"
_TOKEN_LIVES_S = 3_600
_AUCTIONS = """
insert into seed.auction (title, start_price, floor_price, drop_amount, drop_every_ms,
    starts_at, ends_at)
select 'Vinyasa', 90000000, 100, 1, $2,
    to_timestamp($3::bigint / 1000.0), now() + interval '2 hours'
from generate_series(1, $1::int)
returning id
"""


@dataclass(frozen=True, slots=True)
class Seed:
    """One that is ready."""

    contestant: Contestant
    database: asyncpg.Connection
    dsn: str
    secret: str

    @property
    def server(self) -> Server:
        return self.contestant.server

    async def auctions(
        self, count: int, starts_at_ms: int, drop_every_ms: int = HOUR_MS
    ) -> list[int]:
        """So many live ones with a seat each."""
        rows = await self.database.fetch(_AUCTIONS, count, drop_every_ms, starts_at_ms)
        return [row["id"] for row in rows]

    def press(self, guest_id: int, auction_id: int) -> bytes:
        """The request that books the seat."""
        claims = {"sub": str(guest_id), "exp": int(time.time()) + _TOKEN_LIVES_S}
        token = jwt.encode(claims, self.secret, "HS256")
        body = orjson.dumps({"auction_id": auction_id})
        head = (
            "POST /book HTTP/1.1\r\n"
            f"Host: {self.server.host}:{self.server.port}\r\n"
            f"Authorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def tongue(auction_id: int) -> Tongue:
    """Engine.IO 4 over a WebSocket, and Socket.IO 5 on top of it."""
    wish = b'42["watch",%s]' % orjson.dumps({"auction_id": auction_id})
    return Tongue(
        path="/socket.io/?EIO=4&transport=websocket",
        steps=(Step(b"0{", b"40"), Step(b"40{", wish), Step(b'42["auction"')),
        frame=b'42["price_update"',
        ping=b"\x81\x012",
        pong=b"\x81\x81" + bytes(4) + b"3",
    )


@asynccontextmanager
async def seed_stack() -> AsyncIterator[Seed]:
    """A new one on a database of its own, both on the server's cores. Raises Broken."""
    async with place() as at, at.address() as dsn:
        postmaster = at.postmaster()
        for pid in family_of(postmaster):
            pin(pid, CORES.server)
        secret = secrets.token_hex(32)
        async with _process(dsn, secret) as server:
            database = await asyncpg.connect(dsn)
            try:
                yield Seed(_contestant(server, postmaster), database, dsn, secret)
            finally:
                await database.close()


@asynccontextmanager
async def also(seed: Seed, *flags: str) -> AsyncIterator[Seed]:
    """Another process on the same database, started with these flags. Raises Broken."""
    async with _process(seed.dsn, seed.secret, *flags) as server:
        yield replace(seed, contestant=_contestant(server, seed.contestant.heads[1]))


def _process(dsn: str, secret: str, *flags: str) -> AbstractAsyncContextManager[Server]:
    return running(_MODULE, "--dsn", dsn, "--secret", secret, *flags)


def _contestant(server: Server, postmaster: int) -> Contestant:
    return Contestant("the seed stack", server, (server.pid, postmaster))
