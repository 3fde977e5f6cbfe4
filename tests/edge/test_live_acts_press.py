"""The press of "Hemen Kap" over a socket: who wins, who is told what."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.domain.auction import AllowedGender, Status
from engine.domain.messages import Book
from engine.errors import Busy, UnknownOutcome
from engine.frames import instant
from tests.edge.live_clients import Client
from tests.edge.live_shop import START_MS, Fields, auction_of, guest
from tests.edge.live_world import World, world

KEY = "a-key-of-16-chars"


@pytest.fixture
async def here() -> AsyncIterator[World]:
    async with world() as running:
        yield running


@pytest.fixture
async def client(here: World) -> AsyncIterator[Client]:
    async with here.client() as connected:
        yield connected


async def test_a_press_is_answered_with_the_reservation(here: World, client: Client) -> None:
    here.shop.open(auction_of(7, revision=3))
    await here.signed_in(client, guest(501))
    here.clock.now += 2_500
    answer = await client.ask("book", auction_id=7, idempotency_key=KEY, max_price="480.00")
    code = answer["result"].pop("booking_code")
    assert code.startswith("HOT-")
    assert answer == {
        "type": "ok",
        "ref": 2,
        "result": {
            "id": answer["result"]["id"],
            "auction_id": 7,
            "user_id": 501,
            "locked_price": "480.00",
            "currency": "TRY",
            "status": "PENDING_ON_SITE",
            "reserved_at": instant(START_MS + 2_500),
            "revision": 4,
            "seat_no": 1,
            "cancellable_until": instant(START_MS + 7_200_000),
            "replayed": False,
        },
    }
    assert here.shop.seen == [(7, Book(501, "FEMALE", KEY, 48_000))]
    again = await client.ask("book", auction_id=7, idempotency_key=KEY, max_price=480)
    assert again["result"] == {**answer["result"], "booking_code": code, "replayed": True}
    assert here.meters.presses == ["booked", "booked"]


async def test_the_loser_hears_by_how_much(here: World, client: Client) -> None:
    here.shop.open(auction_of(7))
    here.shop.tell(7, Book(777))
    here.clock.now += 17
    await here.signed_in(client)
    answer = await client.ask("book", auction_id=7, idempotency_key=KEY)
    assert {name: answer[name] for name in ("type", "code", "retryable", "late_by_ms")} == {
        "type": "error",
        "code": "SOLD",
        "retryable": False,
        "late_by_ms": 17,
    }
    assert answer["sold_at"] == instant(START_MS)
    assert answer["message"]


async def test_a_price_above_the_limit_says_what_it_is_now(here: World, client: Client) -> None:
    here.shop.open(auction_of(7))
    await here.signed_in(client)
    answer = await client.ask("book", auction_id=7, idempotency_key=KEY, max_price="499.99")
    named = ("code", "current_price", "currency", "revision", "step")
    assert [answer[name] for name in named] == ["PRICE_ABOVE_MAX", "500.00", "TRY", 1, 0]


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"role": "studio_admin"}, "FORBIDDEN"),
        ({"role": "desk", "verified": False}, "FORBIDDEN"),
        ({"verified": False}, "EMAIL_UNVERIFIED"),
        ({"gender": "MALE"}, "NOT_ELIGIBLE"),
        ({"gender": None}, "NOT_ELIGIBLE"),
    ],
)
async def test_who_may_not_book_is_told_why(
    here: World, client: Client, facts: Fields, code: str
) -> None:
    here.shop.open(auction_of(7, allowed_gender=AllowedGender.FEMALE))
    await here.signed_in(client, guest(501, **facts))
    answer = await client.ask("book", auction_id=7, idempotency_key=KEY)
    assert answer["code"] == code
    assert here.meters.presses == [code]


@pytest.mark.parametrize(
    ("auction_id", "facts", "code"),
    [
        (404, {}, "NOT_FOUND"),
        (7, {"status": Status.SCHEDULED, "starts_at_ms": START_MS + 1}, "NOT_STARTED"),
        (7, {"status": Status.EXPIRED}, "EXPIRED"),
        (7, {"status": Status.CANCELLED}, "CANCELLED"),
    ],
)
async def test_what_cannot_be_booked_says_why(
    here: World, client: Client, auction_id: int, facts: Fields, code: str
) -> None:
    here.shop.open(auction_of(7, **facts))
    await here.signed_in(client)
    answer = await client.ask("book", auction_id=auction_id, idempotency_key=KEY)
    assert answer["code"] == code


async def test_the_anonymous_may_watch_but_not_book(here: World, client: Client) -> None:
    here.shop.open(auction_of(7))
    answer = await client.ask("book", auction_id=7, idempotency_key=KEY)
    assert answer["code"] == "AUTH_REQUIRED"
    assert here.shop.seen == []


@pytest.mark.parametrize("failure", [Busy(), UnknownOutcome(retry_after_ms=2_000)])
async def test_what_is_unknown_is_said_to_be_retryable(
    here: World, client: Client, failure: Any
) -> None:
    here.shop.open(auction_of(7))
    await here.signed_in(client)
    here.shop.failure = failure
    answer = await client.ask("book", auction_id=7, idempotency_key=KEY)
    assert (answer["code"], answer["retryable"]) == (failure.code, True)
    assert answer["retry_after_ms"] == failure.retry_after_ms


async def test_while_a_press_waits_the_socket_is_not_deaf(here: World, client: Client) -> None:
    here.shop.open(auction_of(7))
    await here.signed_in(client)
    here.shop.ask_gate = asyncio.Event()
    await client.send({"type": "book", "ref": "press", "auction_id": 7, "idempotency_key": KEY})
    assert (await client.ask("ping", client_ms=1))["type"] == "pong"
    await client.ask("subscribe_auction", auction_id=7)
    here.shop.ask_gate.set()
    assert (await client.answer("press"))["type"] == "ok"
    assert (await client.next("auction_booked"))["status"] == "SOLD"


async def test_a_press_goes_on_when_its_guest_has_gone(here: World) -> None:
    here.shop.open(auction_of(7))
    here.shop.ask_gate = asyncio.Event()
    async with here.client() as client:
        await here.signed_in(client)
        await client.send({"type": "book", "auction_id": 7, "idempotency_key": KEY})
        await here.until(lambda: bool(here.shop.seen))
        client.ws.transport.abort()
        await here.until(lambda: here.channel.open_sockets == 0)
    here.shop.ask_gate.set()
    await here.until(lambda: here.shop[7].status is Status.SOLD)
