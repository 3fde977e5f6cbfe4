"""A socket's life: what is judged before the upgrade, the greeting, the goodbye."""

import asyncio
import socket as sockets
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.web import Request
from websockets.asyncio.client import connect
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidMessage, InvalidStatus

from tests.edge.live_clients import client_frame
from tests.edge.live_shop import auction_of, guest
from tests.edge.live_world import World, world


async def refused(attempt: AbstractAsyncContextManager[Any]) -> tuple[int, Headers, str]:
    """(status, headers, code) of an upgrade that is turned away."""
    with pytest.raises(InvalidStatus) as caught:
        await attempt.__aenter__()
    response = caught.value.response
    body = response.body.decode()
    code = body.partition('"code": "')[2].partition('"')[0]
    return response.status_code, response.headers, code


def server_side(here: World) -> sockets.socket:
    """The server's end of the only connection."""
    (only,) = here.channel._sockets
    found: sockets.socket = only.transport.get_extra_info("socket")
    return found


# --- the greeting --------------------------------------------------------------------------------


async def test_the_first_frame_is_the_greeting_and_it_comes_once() -> None:
    async with world() as here, here.client(hello=False) as client:
        hello = await client.next("hello")
        again = await client.everything()
    assert hello.pop("connection_id")
    assert hello == {
        "type": "hello",
        "protocol": "hothour.v1",
        "epoch": "epoch-1",
        "server_time": "2026-02-25T06:13:20.000Z",
        "idle_ms": 90_000,
        "limits": {
            "frame_bytes": 4_096,
            "messages_per_s": 20,
            "messages_burst": 40,
            "bookings_per_s": 5,
            "authentications_per_min": 5,
            "subscriptions": 200,
        },
        "reconnect_ms": [500, 20_000],
    }
    assert again == []


async def test_every_connection_has_an_id_of_its_own() -> None:
    async with world() as here:
        ids = set()
        for _ in range(3):
            async with here.client(hello=False) as client:
                ids.add((await client.next("hello"))["connection_id"])
    assert len(ids) == 3


# --- before the upgrade --------------------------------------------------------------------------


async def test_our_protocol_is_spoken_when_it_is_offered_among_others() -> None:
    offered: Any = ["other.v2", "hothour.v1"]
    async with world() as here, here.client(subprotocols=offered) as client:
        assert client.ws.subprotocol == "hothour.v1"


async def test_no_offer_is_fine_and_nothing_is_negotiated() -> None:
    async with world() as here, here.client() as client:
        assert client.ws.subprotocol is None


async def test_only_unknown_protocols_are_400_before_the_upgrade() -> None:
    async with world() as here:
        offered: Any = ["hothour.v2", "bearer.secret"]
        status, _, code = await refused(connect(here.url, subprotocols=offered))
    assert (status, code) == (400, "VALIDATION")
    assert here.meters.refusals == ["VALIDATION"]


async def test_a_plain_request_is_400() -> None:
    async with world() as here, ClientSession() as session:
        response = await session.get(here.url.replace("ws:", "http:"))
        assert response.status == 400
        assert (await response.json())["code"] == "VALIDATION"


@pytest.mark.parametrize(
    "changed", [{"Sec-WebSocket-Version": "12"}, {"Sec-WebSocket-Key": "short"}]
)
async def test_a_broken_handshake_is_400(changed: dict[str, str]) -> None:
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    async with world() as here, ClientSession() as session:
        url = here.url.replace("ws:", "http:")
        response = await session.get(url, headers={**headers, **changed})
        assert response.status == 400
        assert (await response.json())["code"] == "VALIDATION"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_page_of_another_origin_is_403(origin: Any) -> None:
    async with world() as here:
        status, _, code = await refused(connect(here.url, origin=origin))
    assert (status, code) == (403, "FORBIDDEN")


async def test_pages_of_allowed_origins_and_of_our_own_host_may_connect() -> None:
    async with world(origins=["https://shop.example"]) as here:
        own: Any = f"https://127.0.0.1:{here.port}"
        allowed: Any = "https://Shop.example"
        for origin in (own, allowed):
            async with here.client(origin=origin) as client:
                assert await client.everything() == []


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Bearer nonsense", "AUTH_INVALID"),
        ("Basic good", "AUTH_INVALID"),
        ("Bearer old", "AUTH_EXPIRED"),
    ],
)
async def test_a_bad_token_in_the_header_is_401(header: str, code: str) -> None:
    async with world() as here:
        here.tokens["good"] = guest()
        here.tokens["old"] = guest(expires_at_ms=here.clock.now)
        attempt = connect(here.url, additional_headers={"Authorization": header})
        assert (await refused(attempt))[::2] == (401, code)


async def test_a_good_token_in_the_header_signs_in() -> None:
    async with world() as here:
        here.tokens["good"] = guest(501)
        async with here.client(additional_headers={"Authorization": "Bearer good"}) as client:
            answer = await client.ask("subscribe_user", user_id=501)
    assert answer["type"] == "ok"


# --- counts --------------------------------------------------------------------------------------


async def test_one_socket_too_many_of_an_address_is_503_and_its_neighbour_is_not() -> None:
    async with world(live_sockets_per_address_max=2) as here, AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(here.client())
        status, headers, code = await refused(connect(here.url))
        here.address = "192.0.2.7"
        await stack.enter_async_context(here.client())
    assert (status, code) == (503, "BUSY")
    assert int(headers["Retry-After"]) >= 1


async def test_a_place_is_free_again_when_its_socket_is_gone() -> None:
    async with world(live_sockets_per_address_max=1) as here:
        for _ in range(3):
            async with here.client():
                assert here.meters.open_now == 1
            await here.until(lambda: here.meters.open_now == 0)
        assert here.channel.open_sockets == 0


async def test_one_socket_too_many_of_the_process_is_503() -> None:
    async with world(sockets_max=1, counts_clients=False) as here, here.client():
        assert (await refused(connect(here.url)))[::2] == (503, "BUSY")


async def test_without_counts_an_address_may_have_any_number() -> None:
    async with (
        world(live_sockets_per_address_max=1, counts_clients=False) as here,
        here.client(),
        here.client() as second,
    ):
        assert await second.everything() == []


async def test_one_socket_too_many_of_a_user_is_503_when_the_header_tells_who() -> None:
    async with world(live_sockets_per_user_max=1) as here:
        here.tokens["good"] = guest()
        header = {"Authorization": "Bearer good"}
        async with here.client(additional_headers=header):
            attempt = connect(here.url, additional_headers=header)
            assert (await refused(attempt))[::2] == (503, "BUSY")


async def test_one_socket_too_many_of_a_user_is_closed_when_its_message_tells_who() -> None:
    async with world(live_sockets_per_user_max=1) as here, here.client() as first:
        await here.signed_in(first)
        async with here.client() as second:
            await second.send({"type": "authenticate", "token": next(iter(here.tokens))})
            assert await second.closed() == 4005
        assert await first.everything() == []


# --- the connection itself -----------------------------------------------------------------------


async def test_the_kernel_shows_a_backlog_early_and_nothing_is_delayed_or_compressed() -> None:
    async with world() as here, here.client() as client:
        end = server_side(here)
        lowat = end.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_NOTSENT_LOWAT)
        nodelay = end.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY)
        assert client.ws.protocol.extensions == []
    assert lowat == 4_096
    assert nodelay


async def test_a_client_that_says_goodbye_hears_it_back() -> None:
    async with world() as here:
        async with here.client() as client:
            await client.ws.close(4_999)
            assert client.ws.close_code == 4_999
        await here.until(lambda: here.channel.open_sockets == 0)
    assert here.meters.closes == []


async def test_a_client_that_vanishes_leaves_nothing_behind() -> None:
    async with world() as here:
        here.shop.open(auction_of(7))
        async with here.client() as client:
            await here.signed_in(client)
            await client.ask("subscribe_auction", auction_id=7)
            await client.ask("subscribe_lobby")
            await client.ask("subscribe_user")
            client.ws.transport.abort()
            await here.until(lambda: here.channel.open_sockets == 0)
        assert here.hub._topics == {}
        assert here.hub._followers == {}
        assert not here.hub.lobby.topic.marks
        assert here.channel._sessions._sockets == {}


@pytest.mark.parametrize("what", ["say", "hear"])
async def test_what_breaks_on_our_side_closes_that_connection_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    async with world() as here, here.client() as neighbour:
        with monkeypatch.context() as broken:
            broken.setattr(here.channel._conversation, what, raising)
            async with here.client(hello=False) as client:
                with suppress(ConnectionClosedError):  # it may break before
                    await client.send({"type": "subscribe_lobby"})
                assert await client.closed() == 4102
        await here.until(lambda: here.channel.open_sockets == 1)
        assert await neighbour.everything() == []
    assert "a live connection broke" in caplog.text


def raising(*_: object) -> None:
    raise RuntimeError("ours")


async def test_who_is_gone_before_the_upgrade_is_no_error_of_ours(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(request: Request) -> None:
        assert request.transport is not None
        request.transport.abort()

    async with world() as here:
        monkeypatch.setattr(here.channel._admission, "check", gone)
        with pytest.raises(InvalidMessage):
            await connect(here.url)
        await here.until(lambda: here.channel._admission.entered == 0)
        assert here.channel.open_sockets == 0
    assert caplog.text == ""


async def test_two_upgrades_of_one_user_at_once_leave_one_too_many_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world(live_sockets_per_user_max=1) as here, here.client() as first:
        who = await here.signed_in(first)
        # Judged before the first one had signed in, opened after.
        monkeypatch.setattr(here.channel._sessions, "of_header", lambda _: who)
        async with here.client(additional_headers={"Authorization": "Bearer x"}) as second:
            assert await second.closed() == 4005


async def test_last_words_nobody_reads_are_not_waited_for_for_ever() -> None:
    async with world() as here, here.stuck() as end:
        await here.until(lambda: here.channel.open_sockets == 1)
        (socket,) = here.channel._sockets
        while not socket.full:
            socket.transport.write(b"\x81\x04null")
        await asyncio.get_running_loop().sock_sendall(end, client_frame(b"\x03\xe8", 0x88))
        await here.until(lambda: here.channel.open_sockets == 0)
        assert socket.transport.get_write_buffer_size() > 0
        await here.pass_time(3_100, 100)
        await here.until(lambda: socket.transport.get_write_buffer_size() == 0)


async def test_half_a_goodbye_of_tcp_is_not_waited_for_for_ever_either() -> None:
    async with world() as here, here.stuck() as end:
        await here.until(lambda: here.channel.open_sockets == 1)
        (socket,) = here.channel._sockets
        while not socket.full:
            socket.transport.write(b"\x81\x04null")
        end.shutdown(sockets.SHUT_WR)
        await here.until(lambda: here.channel.open_sockets == 0)
        assert socket.transport.get_write_buffer_size() > 0
        await here.pass_time(3_100, 100)
        await here.until(lambda: socket.transport.get_write_buffer_size() == 0)


async def test_when_the_channel_stops_no_connection_is_left() -> None:
    async with world() as here, here.client() as client:
        await here.channel.stop()
        assert here.channel.open_sockets == 0
        with pytest.raises(ConnectionClosedError):
            await client.ws.recv()
