"""Subscriptions, and the clock."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import orjson
import pytest

from edge.wire.live import SubscribeAuction
from engine.frames import instant
from engine.ports.commit import Unavailable
from tests.edge.live_clients import Client, wired
from tests.edge.live_shop import START_MS, TURBO, auction_of
from tests.edge.live_world import World, world


@pytest.fixture
async def here() -> AsyncIterator[World]:
    async with world() as running:
        yield running


@pytest.fixture
async def client(here: World) -> AsyncIterator[Client]:
    async with here.client() as connected:
        yield connected


async def test_the_answer_to_a_subscription_is_the_snapshot(here: World, client: Client) -> None:
    here.shop.open(auction_of(7, revision=4, seats=3, turbo=TURBO))
    here.clock.now += 2_500
    answer = await client.ask("subscribe_auction", auction_id=7)
    assert answer == {
        "type": "subscribed",
        "ref": 1,
        "snapshots": [
            {
                "auction_id": 7,
                "revision": 4,
                "step": 2,
                "status": "ACTIVE",
                "current_price": "480.00",
                "currency": "TRY",
                "seats": 3,
                "seats_left": 3,
                "schedule": {
                    "starts_at": instant(START_MS),
                    "ends_at": instant(START_MS + 3_600_000),
                    "start_price": "500.00",
                    "floor_price": "100.00",
                    "drops": [
                        {"from": instant(START_MS), "every_ms": 1_000, "amount": "10.00"},
                        {
                            "from": instant(START_MS + 3_000_000),
                            "every_ms": 500,
                            "amount": "5.00",
                        },
                    ],
                },
                "turbo_started_at": None,
                "next_price": "470.00",
                "next_drop_at": instant(START_MS + 3_000),
                "watchers": 1,
                "server_time": instant(START_MS + 2_500),
            }
        ],
        "current": [],
        "rejected": [],
    }


async def test_many_at_once_each_gets_its_own_verdict(here: World, client: Client) -> None:
    for auction_id in (7, 8):
        here.shop.open(auction_of(auction_id))
    answer = await client.ask("subscribe_auction", auction_ids=[7, 404, 8])
    assert [snapshot["auction_id"] for snapshot in answer["snapshots"]] == [7, 8]
    assert answer["rejected"] == [{"auction_id": 404, "code": "NOT_FOUND"}]
    assert 404 not in here.hub._topics


async def test_a_view_that_cannot_be_had_now_is_rejected_with_its_code(
    here: World, client: Client
) -> None:
    here.shop.failure = Unavailable()
    answer = await client.ask("subscribe_auction", auction_id=7)
    assert answer["rejected"] == [{"auction_id": 7, "code": "BUSY"}]


@pytest.mark.parametrize(
    ("mode", "since", "is_current"),
    [
        ("schedule", 4, True),
        ("schedule", [4, 0], True),
        ("schedule", 3, False),
        ("ticks", [4, 2], True),
        ("ticks", [4, 1], False),
        ("ticks", 4, False),
        ("ticks", [3, 2], False),
        ("ticks", [9, 2], False),
    ],
)
async def test_nothing_is_sent_again_only_if_nothing_changed(
    here: World, client: Client, mode: str, since: Any, is_current: bool
) -> None:
    here.shop.open(auction_of(7, revision=4))
    here.clock.now += 2_500
    answer = await client.ask("subscribe_auction", auction_id=7, mode=mode, since={"7": since})
    assert answer["current"] == ([7] if is_current else [])
    assert len(answer["snapshots"]) == (not is_current)
    here.shop.change(7)
    assert (await client.next("auction_booked"))["revision"] == 5


async def test_a_client_that_has_seen_more_than_we_makes_us_look_again(
    here: World, client: Client
) -> None:
    here.shop.open(auction_of(7))
    await client.ask("subscribe_auction", auction_id=7)
    here.shop.change(7, publish=False)
    async with here.client() as other:
        answer = await other.ask("subscribe_auction", auction_id=7, since={"7": 2})
        assert answer["snapshots"][0]["revision"] == 2
    assert (await client.next("auction_updated"))["revision"] == 2


async def test_asking_again_changes_the_mode_and_sends_a_fresh_snapshot(
    here: World, client: Client
) -> None:
    here.shop.open(auction_of(7))
    await client.ask("subscribe_auction", auction_id=7, mode="schedule")
    await here.pass_time(2_000)
    assert await client.everything() == []
    answer = await client.ask("subscribe_auction", auction_id=7)
    assert (answer["snapshots"][0]["step"], answer["snapshots"][0]["watchers"]) == (2, 1)
    await here.pass_time(1_000)
    assert [m["step"] for m in await client.everything()] == [3]
    await client.ask("subscribe_auction", auction_id=7, mode="schedule")
    await here.pass_time(1_000)
    assert await client.everything() == []


async def test_who_unsubscribes_hears_no_more(here: World, client: Client) -> None:
    for auction_id in (7, 8):
        here.shop.open(auction_of(auction_id))
    await client.ask("subscribe_auction", auction_ids=[7, 8])
    answer = await client.ask("unsubscribe_auction", auction_ids=[7, 404])
    assert (answer["type"], answer["result"]) == ("ok", {})
    for auction_id in (7, 8):
        here.shop.change(auction_id)
    await here.settle()
    assert [m["auction_id"] for m in await client.everything()] == [8]


async def test_a_socket_watches_no_more_than_its_limit() -> None:
    async with world(live_subscriptions_max=3) as here, here.client() as client:
        for auction_id in range(1, 6):
            here.shop.open(auction_of(auction_id))
        answer = await client.ask("subscribe_auction", auction_ids=[1, 2, 3, 4])
        assert answer["rejected"] == [{"auction_id": 4, "code": "LIMIT_REACHED"}]
        again = await client.ask("subscribe_auction", auction_ids=[3, 5])
        assert [s["auction_id"] for s in again["snapshots"]] == [3]
        assert again["rejected"] == [{"auction_id": 5, "code": "LIMIT_REACHED"}]
        await client.ask("unsubscribe_auction", auction_id=1)
        last = await client.ask("subscribe_auction", auction_id=5)
        assert last["rejected"] == []
        assert set(here.hub._topics) == {2, 3, 5}


async def test_the_watchers_of_an_auction_are_counted(here: World, client: Client) -> None:
    here.shop.open(auction_of(7))
    await client.ask("subscribe_auction", auction_id=7)
    async with here.client() as other:
        answer = await other.ask("subscribe_auction", auction_id=7, mode="schedule")
        assert answer["snapshots"][0]["watchers"] == 2
    await here.until(lambda: here.hub.watchers(7) == 1)


async def test_under_a_stream_of_changes_no_snapshot_leaves_a_gap() -> None:
    """Thousands of times, with frames of every kind on their way in slices."""
    rng = random.Random(7)
    async with world(counts_clients=False, yield_after_ms=0.01) as here:
        here.shop.open(auction_of(7))
        crowd = [wired() for _ in range(20)]
        acts = here.channel._conversation._acts
        asked = 0
        for _ in range(10_000):
            socket, wire = crowd[rng.randrange(20)]
            wanted = SubscribeAuction((7,), rng.random() < 0.5, {})
            answer = acts.act(socket, wanted, START_MS)
            if not isinstance(answer, dict):
                answer = await answer()
            wire.written.append(b"\x81\x00" + orjson.dumps(answer["snapshots"][0]))
            asked += 1
            for _ in range(rng.randrange(4)):
                if rng.random() < 0.1:
                    here.clock.now += 1_000
                    here.timers.run_due()
                here.shop.change(7)
            if rng.random() < 0.9:
                await asyncio.sleep(0)
        await here.settle()
        checked = sum(checked_stream(wire.written) for _, wire in crowd)
    assert asked == 10_000
    assert checked >= 3_000


def checked_stream(written: list[bytes]) -> int:
    """No gap and nothing older after any snapshot; how many snapshots a frame followed."""
    held, followed, fresh = 0, 0, False
    for raw in written:
        told = orjson.loads(raw[2:] if raw[1] == 0 else raw[4:] if raw[1] == 126 else raw[2:])
        revision = told["revision"]
        if raw[1] == 0:
            assert revision >= held
            fresh = True
        elif told["type"] == "auction_booked":
            assert revision == held + 1
            followed, fresh = followed + fresh, False
        elif told["type"] == "price_update":
            assert revision == held
        else:
            assert told["reason"] == "resync"
            assert revision > held
            followed, fresh = followed + fresh, False
        held = revision
    return followed


async def test_a_ping_tells_the_time(here: World, client: Client) -> None:
    assert await client.ask("ping", ref="p", client_ms=17.25) == {
        "type": "pong",
        "ref": "p",
        "client_ms": 17.25,
        "received_ms": START_MS,
        "sent_ms": START_MS,
    }


async def test_who_draws_drops_by_himself_is_sent_nothing_at_them() -> None:
    async with world(counts_clients=False) as here, AsyncExitStack() as stack:
        here.shop.open(auction_of(7))
        clients = [await stack.enter_async_context(here.client()) for _ in range(3)]
        for client, mode in zip(clients, ("schedule", "schedule", "ticks"), strict=True):
            await client.ask("subscribe_auction", auction_id=7, mode=mode)
        await here.pass_time(10_000)
        told = [[m["type"] for m in await client.everything()] for client in clients]
        assert here.meters.written == {"price": 10}
        assert told == [[], [], ["price_update"] * 10]


async def test_who_is_gone_before_a_view_was_loaded_watches_nothing() -> None:
    async with world() as here:
        here.shop.open(auction_of(7))
        here.shop.view_gate = asyncio.Event()
        async with here.client() as client:
            await client.send({"type": "subscribe_auction", "auction_id": 7})
            await here.until(lambda: here.shop.looks == 1)
            client.ws.transport.abort()
            await here.until(lambda: here.channel.open_sockets == 0)
        here.shop.view_gate.set()
        await here.until(lambda: not here.hub._topics)
