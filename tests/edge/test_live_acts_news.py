"""One's own news: by the token alone, at least once, and nobody else's."""

from collections.abc import AsyncIterator

import pytest

from engine.frames import instant
from engine.ports.commit import Unavailable
from engine.ports.outbox import OutboxRow
from tests.edge.live_clients import Client
from tests.edge.live_shop import START_MS, auction_of, guest
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


def row(event_id: int, topic: str = "booking_confirmed", user_id: int = 501) -> OutboxRow:
    payload = {"booking_code": "HOT-ABCD", "at": instant(START_MS)}
    return OutboxRow(event_id, topic, user_id, 7, payload)


async def test_ones_own_news_come_by_the_token_alone(here: World, client: Client) -> None:
    here.shop.open(auction_of(7))
    here.notices.rows = [row(41), row(77, user_id=502)]
    await here.signed_in(client)
    answer = await client.ask("subscribe_user")
    assert (answer["type"], answer["result"]) == ("ok", {"last_event_id": 41})
    booked = await client.ask("book", auction_id=7, idempotency_key=KEY)
    told = await client.next("booking_confirmed")
    assert told["booking_code"] == booked["result"]["booking_code"]
    assert isinstance(told["event_id"], int)
    assert told["at"] == instant(START_MS)


async def test_all_sockets_of_a_user_hear_and_the_booker_is_not_the_only_one(
    here: World, client: Client
) -> None:
    here.shop.open(auction_of(7))
    async with here.client() as second, here.client() as stranger:
        for each, user_id in ((client, 501), (second, 501), (stranger, 502)):
            await here.signed_in(each, guest(user_id))
            await each.ask("subscribe_user")
        await client.ask("book", auction_id=7, idempotency_key=KEY)
        assert await client.next("booking_confirmed") == await second.next("booking_confirmed")
        assert await stranger.everything() == []


async def test_without_a_token_or_for_another_user_there_is_no_news(
    here: World, client: Client
) -> None:
    assert (await client.ask("subscribe_user"))["code"] == "AUTH_REQUIRED"
    assert (await client.ask("subscribe_user", user_id=501))["code"] == "AUTH_REQUIRED"
    await here.signed_in(client, guest(501))
    assert (await client.ask("subscribe_user", user_id=502))["code"] == "FORBIDDEN"
    assert here.hub._followers == {}
    assert (await client.ask("subscribe_user", user_id=501))["type"] == "ok"


async def test_missed_news_come_before_the_answer_overlapping_rather_than_skipping(
    here: World, client: Client
) -> None:
    here.notices.rows = [row(i) for i in (3, 4, 5, 9)]
    here.notices.rows.append(row(11, "mail.verify_email"))
    here.notices.rows.append(row(12, "reservation_updated"))
    await here.signed_in(client)
    answer = await client.ask("subscribe_user", since=5)
    told = [(m["type"], m["event_id"]) for m in client.inbox]
    assert told == [
        ("booking_confirmed", 4),
        ("booking_confirmed", 5),
        ("booking_confirmed", 9),
        ("reservation_updated", 12),
    ]
    assert client.inbox[0]["booking_code"] == "HOT-ABCD"
    assert answer["result"] == {"last_event_id": 12}


async def test_much_that_was_missed_comes_page_by_page() -> None:
    async with world(outbox_batch_max=10) as here, here.client() as client:
        here.notices.rows = [row(i) for i in range(1, 96)]
        await here.signed_in(client)
        answer = await client.ask("subscribe_user", since=1)
        ids = [m["event_id"] for m in client.inbox]
    assert set(ids) == set(range(1, 96))
    assert ids == sorted(ids)[: len(ids)] or len(ids) < 2 * 95
    assert answer["result"] == {"last_event_id": 95}
    assert here.notices.reads < 20


async def test_who_missed_more_than_is_sent_at_once_is_told_how_far_it_got() -> None:
    async with world(outbox_batch_max=3) as here, here.client() as client:
        here.notices.rows = [row(i) for i in range(1, 200)]
        await here.signed_in(client)
        answer = await client.ask("subscribe_user", since=1)
        reached = answer["result"]["last_event_id"]
        assert reached == max(m["event_id"] for m in client.inbox) < 199


async def test_a_database_that_is_away_is_busy_and_nothing_is_half_done(
    here: World, client: Client
) -> None:
    await here.signed_in(client)
    here.notices.failure = Unavailable()
    answer = await client.ask("subscribe_user")
    assert (answer["code"], answer["retryable"]) == ("BUSY", True)
    assert here.hub._followers == {}


async def test_a_database_that_is_away_does_not_end_what_is_already_followed(
    here: World, client: Client
) -> None:
    await here.signed_in(client)
    await client.ask("subscribe_user")
    here.notices.failure = Unavailable()
    assert (await client.ask("subscribe_user"))["code"] == "BUSY"
    assert list(here.hub._followers) == [501]


async def test_a_session_that_ends_while_its_news_are_read_gets_none(
    here: World, client: Client
) -> None:
    here.notices.rows = [row(3)]
    await here.signed_in(client)
    here.notices.on_read = lambda: here.channel.revoked(["session-of-501"])
    answer = await client.ask("subscribe_user", since=1)
    assert answer["code"] == "AUTH_INVALID"
    assert [m["type"] for m in client.inbox] == ["session_expired"]
    assert here.hub._followers == {}
