"""Who sits behind a socket, and what happens when a session ends."""

from collections.abc import AsyncIterator

import pytest

from engine import frames
from engine.frames import instant
from tests.edge.live_shop import START_MS, guest
from tests.edge.live_world import World, world

ENDS_MS = START_MS + 900_000


@pytest.fixture
async def here() -> AsyncIterator[World]:
    async with world(live_idle_timeout_ms=10_000_000) as running:
        yield running


def notice(event_id: int) -> frames.Frame:
    return frames.personal("notification", event_id, {})


async def test_signing_in_tells_who_one_is(here: World) -> None:
    here.tokens["good"] = guest(501)
    async with here.client() as client:
        answer = await client.ask("authenticate", token="good")
    assert answer == {
        "type": "ok",
        "ref": 1,
        "result": {"user_id": 501, "role": "customer", "expires_at": instant(ENDS_MS)},
    }


@pytest.mark.parametrize(("token", "code"), [("bad", "AUTH_INVALID"), ("old", "AUTH_EXPIRED")])
async def test_a_token_that_is_not_believed_changes_nothing(
    here: World, token: str, code: str
) -> None:
    here.tokens["old"] = guest(501, expires_at_ms=here.clock.now)
    async with here.client() as client:
        await here.signed_in(client)
        answer = await client.ask("authenticate", token=token)
        assert (answer["type"], answer["code"]) == ("error", code)
        assert (await client.ask("subscribe_user"))["type"] == "ok"


async def test_another_subject_needs_another_socket(here: World) -> None:
    async with here.client() as client:
        await here.signed_in(client, guest(501))
        here.tokens["other"] = guest(502)
        assert (await client.ask("authenticate", token="other"))["code"] == "AUTH_SUBJECT"
        here.channel.revoked(["session-of-501"])
        assert (await client.ask("authenticate", token="other"))["code"] == "AUTH_SUBJECT"
        assert (await client.ask("subscribe_user"))["code"] == "AUTH_REQUIRED"


async def test_a_session_is_warned_once_then_ends_and_the_socket_goes_on(here: World) -> None:
    async with here.client() as client:
        await here.signed_in(client)
        await client.ask("subscribe_user")
        await here.pass_time(839_000, 5_000)
        assert "session_expiring" not in {m["type"] for m in await client.everything()}
        await here.pass_time(2_000)
        assert [m for m in await client.everything() if m["type"] == "session_expiring"] == [
            {"type": "session_expiring", "at": instant(ENDS_MS)}
        ]
        await here.pass_time(60_000)
        assert [m for m in await client.everything() if m["type"].startswith("session")] == [
            {"type": "session_expired", "at": instant(ENDS_MS)}
        ]
        here.hub.on_personal(501, notice(1))
        answer = await client.ask("book", auction_id=7, idempotency_key="k" * 16)
        assert answer["code"] == "AUTH_REQUIRED"
        assert await client.everything() == []


async def test_a_session_is_over_at_its_instant_even_before_anybody_looked(here: World) -> None:
    async with here.client() as client:
        await here.signed_in(client)
        here.clock.now = ENDS_MS
        answer = await client.ask("book", auction_id=7, idempotency_key="k" * 16)
        assert answer["code"] == "AUTH_EXPIRED"


async def test_a_renewed_session_lives_on(here: World) -> None:
    async with here.client() as client:
        await here.signed_in(client)
        await client.ask("subscribe_user")
        await here.pass_time(850_000, 5_000)
        await here.signed_in(client, guest(501, expires_at_ms=ENDS_MS + 900_000))
        await here.pass_time(100_000, 5_000)
        here.hub.on_personal(501, notice(1))
        told = [m for m in await client.everything() if m["type"] != "heartbeat"]
    assert [m["type"] for m in told] == ["session_expiring", "notification"]


async def test_a_token_about_to_expire_is_warned_of_at_once(here: World) -> None:
    async with here.client() as client:
        await client.ask("ping", client_ms=1)
        await here.pass_time(20_000)
        await here.signed_in(client, guest(501, expires_at_ms=START_MS + 25_000))
        await here.pass_time(200, 100)
        assert [m["type"] for m in await client.everything()] == ["session_expiring"]
        await here.pass_time(5_000, 500)
        assert [m["type"] for m in await client.everything()] == ["session_expired"]


async def test_a_revoked_session_ends_the_personal_channel_at_once(here: World) -> None:
    async with here.client() as ended, here.client() as other:
        await here.signed_in(ended, guest(501, session_id="first"))
        await here.signed_in(other, guest(501, session_id="second"))
        for client in (ended, other):
            await client.ask("subscribe_user")
        here.channel.revoked(frozenset({"first", "unknown"}))
        here.hub.on_personal(501, notice(1))
        assert await ended.everything() == [
            {"type": "session_expired", "at": instant(here.clock.now)}
        ]
        assert [m["type"] for m in await other.everything()] == ["notification"]
        again = await here.signed_in(ended, guest(501, session_id="third"))
        assert again.session_id == "third"
        assert (await ended.ask("subscribe_user"))["type"] == "ok"


async def test_a_users_places_are_counted_by_socket_and_given_back(here: World) -> None:
    async with here.client() as client:
        await here.signed_in(client, guest(501))
        await here.signed_in(client, guest(501, expires_at_ms=ENDS_MS + 1))
        assert len(here.channel._sessions._sockets[501]) == 1
    await here.until(lambda: here.channel._sessions._sockets == {})
