"""The lobby tells what changed, at most once a second, and loses nothing on a connection."""

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest

from edge.lobby import LOBBY_KEY, ROWS_AN_UPDATE_MAX
from engine.domain.auction import Status
from engine.domain.messages import Book, CancelAuction
from engine.frames import instant
from tests.edge.live_clients import client_frame, wired
from tests.edge.live_shop import START_MS, Fields, auction_of
from tests.edge.live_world import World, world

OPENING = START_MS // 1000


async def told(client: Any) -> list[Fields]:
    return [m for m in await client.everything() if m["type"] == "lobby_update"]


def ids(update: Fields) -> list[int]:
    return [row["auction_id"] for row in update["changed"]]


def known(here: World, *auction_ids: int, **facts: Any) -> None:
    for auction_id in auction_ids:
        here.shop.publish(here.shop.open(auction_of(auction_id, **facts)))


async def test_a_subscription_starts_from_a_version_and_a_change_comes_with_the_next() -> None:
    async with world() as here, here.client() as client:
        answer = await client.ask("subscribe_lobby")
        assert answer["result"] == {"version": OPENING}
        known(here, 7)
        await here.pass_time(1_000)
        (update,) = await told(client)
    assert update == {
        "type": "lobby_update",
        "version": OPENING + 1,
        "changed": [
            {
                "auction_id": 7,
                "revision": 1,
                "step": 1,
                "status": "ACTIVE",
                "title": "Pilates",
                "studio_id": 3,
                "current_price": "490.00",
                "seats_left": 1,
                "next_drop_at": instant(START_MS + 2_000),
                "ends_at": instant(START_MS + 3_600_000),
                "turbo": False,
            }
        ],
        "removed": [],
    }


async def test_many_changes_in_a_second_are_one_update_of_their_last_state() -> None:
    async with world() as here, here.client() as client:
        known(here, 7, 8, seats=50)
        await client.ask("subscribe_lobby")
        for user_id in range(1, 11):
            here.shop.tell(7, Book(user_id))
        await here.pass_time(900, 100)
        assert await told(client) == []
        await here.pass_time(100)
        (update,) = await told(client)
    assert {row["auction_id"]: row["seats_left"] for row in update["changed"]} == {7: 40, 8: 50}


async def test_drops_are_changes_and_a_quiet_row_is_not_told_again() -> None:
    async with world() as here, here.client() as client:
        known(here, 7)
        known(here, 8, drop_every_ms=600_000)
        await client.ask("subscribe_lobby")
        await here.pass_time(1_000)
        assert ids(*await told(client)) == [7, 8]
        await here.pass_time(2_000)
        updates = await told(client)
    assert [ids(update) for update in updates] == [[7], [7]]
    assert [update["changed"][0]["current_price"] for update in updates] == ["480.00", "470.00"]
    assert [update["version"] for update in updates] == [OPENING + 2, OPENING + 3]


async def test_what_leaves_the_list_is_removed_once() -> None:
    async with world() as here, here.client() as client:
        known(here, 7, drop_every_ms=600_000)
        await client.ask("subscribe_lobby")
        await here.pass_time(1_000)
        here.shop.tell(7, CancelAuction(by=1))
        await here.pass_time(3_000)
        updates = await told(client)
    assert [(ids(update), update["removed"]) for update in updates] == [([7], []), ([], [7])]


async def test_a_sale_whose_time_is_over_is_removed_by_the_clock() -> None:
    async with world() as here, here.client() as client:
        known(here, 7, drop_every_ms=3_000, ends_at_ms=START_MS + 3_000)
        here.shop.publish(replace(here.shop[7], status=Status.SOLD, revision=2))
        await client.ask("subscribe_lobby")
        await here.pass_time(2_000)
        assert [update["removed"] for update in await told(client)] == [[]]
        await here.pass_time(2_000)
        assert [update["removed"] for update in await told(client)] == [[7]]


async def test_what_changed_while_nobody_watched_is_told_to_the_next() -> None:
    async with world() as here, here.client() as client:
        known(here, 7, 8)
        here.shop.tell(7, CancelAuction(by=1))
        await here.pass_time(5_000)
        assert len(here.timers) <= 1  # the sweeper's
        assert (await client.ask("subscribe_lobby"))["result"] == {"version": OPENING}
        await here.pass_time(1_000)
        (update,) = await told(client)
    assert (ids(update), update["removed"]) == ([8], [7])


async def test_a_large_change_is_spread_over_updates() -> None:
    async with world() as here, here.client() as client:
        await client.ask("subscribe_lobby")
        known(here, *range(1, 251), drop_every_ms=600_000)
        await here.pass_time(4_000)
        sizes = [len(update["changed"]) for update in await told(client)]
    assert sizes == [ROWS_AN_UPDATE_MAX, ROWS_AN_UPDATE_MAX, 50]


async def test_no_more_than_the_limit_is_followed_and_those_over_make_room() -> None:
    async with world(lobby_rows_max=2) as here, here.client() as client:
        short = {"drop_every_ms": 60_000, "ends_at_ms": START_MS + 60_000}
        known(here, 7, 8, **short)
        known(here, 9, drop_every_ms=600_000)
        await client.ask("subscribe_lobby")
        await here.pass_time(1_000)
        assert ids(*await told(client)) == [7, 8]
        await client.ask("unsubscribe_lobby")
        await here.pass_time(60_000)
        here.shop.publish(here.shop[9])
        await client.ask("subscribe_lobby")
        await here.pass_time(1_000)
        (update,) = await told(client)
    assert (ids(update), sorted(update["removed"])) == ([9], [7, 8])


async def test_who_unsubscribed_hears_no_more_and_the_beat_stops() -> None:
    async with world() as here, here.client() as client:
        await client.ask("subscribe_lobby")
        assert (await client.ask("unsubscribe_lobby"))["result"] == {}
        known(here, 7)
        await here.pass_time(3_000)
        assert await told(client) == []
        assert len(here.timers) <= 1


@pytest.fixture
def subscribing() -> bytes:
    return client_frame(b'{"type":"subscribe_lobby"}')


async def test_a_congested_watcher_gets_in_one_update_what_it_missed(subscribing: bytes) -> None:
    async with world() as here, here.client() as other, here.stuck(subscribing) as end:
        known(here, 7, drop_every_ms=600_000)
        lobby = here.hub.lobby
        await here.until(lambda: bool(lobby.topic.marks))
        await other.ask("subscribe_lobby")
        await here.pass_time(1_000)
        peer = end.getsockname()
        stuck = next(s for s in lobby.topic.marks if s.transport.get_extra_info("peername") == peer)
        while not stuck.full:
            stuck.transport.write(b"\x81\x04null")
        here.hub.writer.write(stuck, b"\x81\x04null")
        assert stuck.backlog is not None

        known(here, 8, 9, drop_every_ms=600_000)
        await here.pass_time(1_000)
        here.shop.tell(9, CancelAuction(by=1))
        here.shop.tell(7, Book(1))
        await here.pass_time(1_000)
        assert stuck.backlog.missed.keys() == {LOBBY_KEY}

        text = b""
        async with asyncio.timeout(10):
            while b'"removed":[9]}' not in text:
                text += await read(end)
                await here.pass_time(50, 50)
        update = orjson.loads(text[text.rindex(b'{"type":"lobby_update"') :])
    assert sorted(ids(update)) == [7, 8]
    assert update["removed"] == [9]
    assert update["version"] == OPENING + 3


async def read(end: Any) -> bytes:
    """What has arrived, if anything has."""
    try:
        async with asyncio.timeout(0.01):
            got: bytes = await asyncio.get_running_loop().sock_recv(end, 65_536)
            return got
    except TimeoutError:
        return b""


async def test_what_was_removed_while_nobody_watched_is_forgotten_with_its_version() -> None:
    """A list that still shows it must not pass for a fresh one."""
    async with world(lobby_rows_max=2) as here, here.client() as client:
        known(here, 1, 2)
        for auction_id in range(3, 8):
            here.shop.tell(auction_id - 2, CancelAuction(by=1))
            known(here, auction_id)
        answer = await client.ask("subscribe_lobby")
        assert answer["result"]["version"] > OPENING
        await here.pass_time(1_000)
        (update,) = await told(client)
        assert ids(update) == [6, 7]
        assert update["removed"] == [4, 5]
        assert len(here.hub.lobby._gone) <= 2


async def test_who_does_not_watch_the_lobby_is_not_made_up_for() -> None:
    async with world() as here:
        socket, _ = wired()
        assert here.hub._mend(socket, LOBBY_KEY, 1) is None
