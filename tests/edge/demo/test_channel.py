"""One connection that is made anew whenever it breaks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
from aiohttp import web

from edge.demo import channel as channels
from edge.demo.account import Account
from edge.demo.api import Api, Fields, Refusal, Unreachable, open_session
from edge.demo.channel import Channel, Punctuality, SentAway
from edge.demo.people import GUESTS
from engine.frames import encode, instant
from tests.edge.demo.samples import START_MS, booked, drop, updated
from tests.edge.demo.shop import PATIENCE_S, Shop, mono_ms, now_ms, until


class Owner:
    """Somebody who has a channel, and remembers what it brings."""

    def __init__(self, api: Api, account: Account | None = None) -> None:
        self.heard: list[Fields] = []
        self.starts: asyncio.Queue[None] = asyncio.Queue()
        self.channel = Channel(
            api,
            mono_ms=mono_ms,
            rng=Random(1),
            hear=lambda fields, _: self.heard.append(fields),
            opened=self._opened,
            punctuality=Punctuality(),
            account=account,
        )

    async def _opened(self) -> None:
        self.starts.put_nowait(None)

    async def started(self) -> None:
        """Wait for the next start."""
        async with asyncio.timeout(PATIENCE_S):
            await self.starts.get()

    def signed_in(self) -> int:
        """How often a token was taken."""
        return sum("role" in fields.get("result", {}) for fields in self.heard)

    def kinds(self) -> list[str]:
        return [fields["type"] for fields in self.heard]


@asynccontextmanager
async def connected(api: Api, account: Account | None = None) -> AsyncIterator[Owner]:
    """An owner whose channel is open."""
    owner = Owner(api, account)
    running = asyncio.ensure_future(owner.channel.run())
    try:
        await owner.started()
        yield owner
    finally:
        running.cancel()
        await asyncio.wait([running])


@asynccontextmanager
async def served(talk: Callable[[web.WebSocketResponse], Awaitable[None]]) -> AsyncIterator[Api]:
    """A live channel that behaves as a test wants it to."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(protocols=(channels.PROTOCOL,))
        await ws.prepare(request)
        await talk(ws)
        return ws

    app = web.Application()
    app.router.add_get("/ws", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with open_session() as http:
        yield Api(http, f"http://127.0.0.1:{runner.addresses[0][1]}")
    await runner.cleanup()


async def test_it_learns_the_servers_clock(shop: Shop) -> None:
    async with connected(shop.api) as owner:
        assert owner.channel.greeted.is_set()
        assert abs(owner.channel.server_ms() - now_ms()) < 100
        assert owner.kinds() == ["hello", *["pong"] * channels.PINGS_AT_FIRST]


async def test_questions_are_answered(shop: Shop) -> None:
    row = await shop.sale()
    async with connected(shop.api) as owner:
        answer = await owner.channel.ask("subscribe_auction", auction_ids=[row["id"]])
        assert answer["snapshots"][0]["auction_id"] == row["id"]
        assert owner.heard[-1] is answer, "the owner hears answers too, in their order"


async def test_a_refusal_has_its_code(shop: Shop) -> None:
    async with connected(shop.api) as owner:
        with pytest.raises(Refusal, match="AUTH_REQUIRED"):
            await owner.channel.ask("subscribe_user")


async def test_an_account_speaks_for_itself(shop: Shop) -> None:
    async with connected(shop.api, shop.account(GUESTS[0].email)) as owner:
        assert (await owner.channel.ask("subscribe_user"))["type"] == "ok"


async def test_without_a_connection_nothing_can_be_asked() -> None:
    async with open_session() as http:
        with pytest.raises(Unreachable):
            await Owner(Api(http, "http://127.0.0.1:1")).channel.ask("ping", client_ms=1)


async def test_a_token_is_said_anew_before_it_runs_out(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "ROUND_S", 0.02)
    passed_ms = 0.0
    account = Account(shop.api, GUESTS[0].email, lambda: passed_ms)
    async with connected(shop.api, account) as owner:
        passed_ms += (shop.config.engine.access_token_ttl_s - 30) * 1_000
        await until(lambda: owner.signed_in() == 1)
        passed_ms += (shop.config.engine.access_token_ttl_s - 30) * 1_000
        await until(lambda: owner.signed_in() == 2)
        assert owner.kinds().count("hello") == 1


async def test_the_time_is_asked_for_again_and_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "ROUND_S", 0.01)
    monkeypatch.setattr(channels, "PING_EVERY_S", 0.02)
    async with connected(shop.api) as owner:
        await until(lambda: owner.kinds().count("pong") >= channels.PINGS_AT_FIRST + 3)


async def test_it_comes_back_when_the_connection_breaks(shop: Shop) -> None:
    async with connected(shop.api) as owner:
        await owner.channel.hang_up()
        await owner.started()
        assert owner.kinds().count("hello") == 2
        assert (await owner.channel.ask("subscribe_lobby"))["type"] == "ok"


async def test_it_comes_back_with_another_token_when_its_own_is_refused(shop: Shop) -> None:
    account = shop.account(GUESTS[0].email)
    async with connected(shop.api, account) as owner:
        token = await account.token()
        await shop.api.ask("POST", "/auth/logout-all", token=token)
        await owner.channel.hang_up()
        await owner.started()
        assert await account.token() != token


async def test_it_does_not_come_back_where_it_was_sent_away() -> None:
    async def talk(ws: web.WebSocketResponse) -> None:
        await ws.close(code=4003)

    async with served(talk) as api:
        with pytest.raises(SentAway, match="4003"):
            async with asyncio.timeout(PATIENCE_S):
                await Owner(api).channel.run()


async def test_it_comes_back_at_once_to_a_server_that_is_leaving() -> None:
    visits: asyncio.Queue[float] = asyncio.Queue()

    async def talk(ws: web.WebSocketResponse) -> None:
        visits.put_nowait(mono_ms())
        await ws.send_str(encode({"type": "hello", "server_time": instant(0)}).decode())
        await ws.close(code=4200)

    async with served(talk) as api:
        running = asyncio.ensure_future(Owner(api).channel.run())
        async with asyncio.timeout(PATIENCE_S):
            first, second = await visits.get(), await visits.get()
        running.cancel()
        await asyncio.wait([running])
    assert second - first < 400


async def test_credentials_that_are_not_good_are_told(shop: Shop) -> None:
    with pytest.raises(Refusal, match="AUTH_INVALID"):
        async with asyncio.timeout(PATIENCE_S):
            await Owner(shop.api, shop.account("nobody@example.com")).channel.run()


def late(fields: dict[str, Any], since_ms: float = START_MS) -> float | None:
    return Punctuality().heard(fields, START_MS + 5_003.5, since_ms)


def test_frames_are_late_by_what_passed_since_their_instant() -> None:
    assert late(drop(1, "495.00")) == 3.5
    assert late(updated("activated", at=instant(START_MS + 5_000))) == 3.5


def test_a_frame_that_seems_to_come_early_is_on_time() -> None:
    assert late(booked(3, 1)) == 0


def test_what_took_effect_before_anybody_watched_is_not_late() -> None:
    assert late(drop(1, "495.00"), since_ms=START_MS + 5_001) is None


@pytest.mark.parametrize("reason", ["resync", "edited", "relisted", "cancelled"])
def test_neither_is_what_no_clock_made(reason: str) -> None:
    assert late(updated(reason)) is None


def test_bookings_are_counted_apart() -> None:
    punctuality = Punctuality()
    punctuality.heard(booked(3, 1), START_MS + 6_007, START_MS)
    punctuality.heard(drop(1, "495.00"), START_MS + 5_001, START_MS)
    punctuality.heard({"type": "heartbeat"}, START_MS, START_MS)
    assert punctuality.bookings.quantiles(0.5) == (7,)
    assert punctuality.clock.quantiles(0.5) == (1,)
