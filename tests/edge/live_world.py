"""A live channel on a real socket of loopback, with everything behind it."""

import asyncio
import socket as sockets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from websockets.asyncio.client import connect

from edge.hub import Hub
from edge.live import LiveChannel
from edge.meters import Silent
from edge.problems import problem
from edge.routing import Principal
from engine.errors import AuthExpired, AuthInvalid, HotHourError
from engine.settings import Settings
from tests.edge.live_clients import UPGRADE, Client
from tests.edge.live_shop import ManualClock, ManualTimers, Notices, Shop, guest, until


class Meters(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.late_ms: list[int] = []
        self.closes: list[int] = []
        self.refusals: list[str] = []
        self.presses: list[str] = []
        self.kinds: list[str] = []
        self.congested_most = 0
        self.written: Counter[str] = Counter()
        self.open_now = 0

    def sockets(self, open_now: int) -> None:
        self.open_now = open_now

    def turned_away(self, code: str) -> None:
        self.refusals.append(code)

    def closed(self, code: int) -> None:
        self.closes.append(code)

    def heard(self, kind: str) -> None:
        self.kinds.append(kind)

    def booking(self, channel: str, outcome: str) -> None:
        assert channel == "live"
        self.presses.append(outcome)

    def price_late(self, late_ms: int) -> None:
        self.late_ms.append(late_ms)

    def fanned_out(self, weight: str, sockets: int) -> None:
        self.written[weight] += sockets

    def congested(self, sockets_now: int) -> None:
        self.congested_most = max(self.congested_most, sockets_now)


@dataclass
class World:
    """A server on loopback and everything behind it."""

    clock: ManualClock
    timers: ManualTimers
    hub: Hub
    shop: Shop
    notices: Notices
    channel: LiveChannel
    meters: Meters
    tokens: dict[str, Principal]
    settings: Settings
    port: int = 0
    address: str | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def bearer(self, token: str) -> Principal:
        """Whose token it is."""
        principal = self.tokens.get(token)
        if principal is None:
            raise AuthInvalid()
        if principal.expires_at_ms <= self.clock.now_ms():
            raise AuthExpired()
        return principal

    @asynccontextmanager
    async def client(self, *, hello: bool = True, **options: Any) -> AsyncIterator[Client]:
        """A connected client that has been greeted."""
        async with connect(self.url, ping_interval=None, **options) as ws:
            client = Client(ws)
            if hello:
                await client.next("hello")
            yield client

    @asynccontextmanager
    async def stuck(self, *frames_first: bytes) -> AsyncIterator[sockets.socket]:
        """A connection that upgrades, sends these bytes, and then neither reads nor answers. Its
        window is small, so that what it does not read stays with the server."""
        loop = asyncio.get_running_loop()
        with sockets.socket() as end:
            end.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
            end.setblocking(False)
            await loop.sock_connect(end, ("127.0.0.1", self.port))
            await loop.sock_sendall(end, UPGRADE)
            while b"\r\n\r\n" not in await loop.sock_recv(end, 512):
                pass
            for frame in frames_first:
                await loop.sock_sendall(end, frame)
            yield end

    async def signed_in(self, client: Client, principal: Principal | None = None) -> Principal:
        """Let a client say who it is."""
        principal = principal or guest()
        token = f"token-{principal.user_id}-{principal.session_id}-{principal.expires_at_ms}"
        self.tokens[token] = principal
        answer = await client.ask("authenticate", token=token)
        assert answer["type"] == "ok", answer
        return principal

    async def pass_time(self, ms: int, step_ms: int = 1_000) -> None:
        """Time goes by in steps, and whatever falls due happens."""
        end_ms = self.clock.now + ms
        while self.clock.now < end_ms:
            self.clock.now = min(end_ms, self.clock.now + step_ms)
            self.timers.run_due()
            await self.settle()

    async def settle(self) -> None:
        """Let the loop do what it has."""
        for _ in range(5):
            await asyncio.sleep(0)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds; time stands still."""
        await until(holds, 0.001)


def refuse(error: HotHourError, request: web.Request) -> web.Response:
    """A problem, without the pipeline."""
    body = problem(error, language="en", request_id="request-1", instance=request.path)
    headers = {"Retry-After": "1"} if error.retryable else {}
    return web.json_response(body, status=body["status"], headers=headers)


@asynccontextmanager
async def world(
    *,
    clock: ManualClock | None = None,
    counts_clients: bool = True,
    sockets_max: int = 1_000,
    origins: Sequence[str] = (),
    **settings: Any,
) -> AsyncIterator[World]:
    """A running world; `settings` are knobs by name."""
    knobs = Settings(**settings)
    clock = clock or ManualClock()
    timers = ManualTimers(clock, yield_after_ms=knobs.yield_after_ms)
    shop, meters, notices = Shop(clock), Meters(), Notices()
    hub = Hub(views=shop, settings=knobs, clock=clock, timers=timers, meters=meters)
    shop.sinks.append(hub)
    made: list[World] = []
    channel = LiveChannel(
        hub=hub,
        asks=shop,
        outbox=notices,
        bearer=lambda token: made[0].bearer(token),
        refuse=refuse,
        address_of=lambda request: made[0].address or request.remote or "",
        origins=origins,
        epoch="epoch-1",
        sockets_max=sockets_max,
        counts_clients=counts_clients,
        settings=knobs,
        clock=clock,
        timers=timers,
        meters=meters,
    )
    here = World(clock, timers, hub, shop, notices, channel, meters, {}, knobs)
    made.append(here)
    app = web.Application()
    app.router.add_get("/ws", channel.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    here.port = runner.addresses[0][1]
    try:
        yield here
    finally:
        await channel.stop()
        await runner.cleanup()
        timers.stop()
