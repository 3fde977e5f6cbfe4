"""Personal frames go to their own user's sockets, and are not left out."""

from collections.abc import AsyncIterator

import pytest

from edge.connection import Socket
from edge.topics import AuctionTopic
from engine import frames
from tests.edge.live_clients import Wire, wired
from tests.edge.live_shop import auction_of
from tests.edge.live_world import World, world


@pytest.fixture
async def here() -> AsyncIterator[World]:
    async with world() as running:
        yield running


async def watch(here: World, auction_id: int = 7, *, ticks: bool = True) -> tuple[Socket, Wire]:
    """A socket that watches, from the present view on."""
    socket, wire = wired()
    with here.hub.held([auction_id]) as (topic,):
        if topic.auction is None:
            assert await here.hub.load(topic) is None
        here.hub.join(socket, topic, ticks=ticks)
    return socket, wire


def topic_of(here: World, auction_id: int = 7) -> AuctionTopic:
    return here.hub._topics[auction_id]


def revisions(wire: Wire) -> list[int]:
    return [message["revision"] for message in wire.messages()]


def notice(event_id: int) -> frames.Frame:
    return frames.personal("notification", event_id, {"title": "ğ"})


async def test_personal_frames_go_to_all_sockets_of_that_user_and_to_no_other(
    here: World,
) -> None:
    (a1, wire1), (a2, wire2), (b, other) = wired(), wired(), wired()
    here.hub.follow(a1, 501)
    here.hub.follow(a2, 501)
    here.hub.follow(b, 502)
    here.hub.on_personal(501, notice(1))
    here.hub.on_personal(999, notice(2))
    assert (
        wire1.messages()
        == wire2.messages()
        == [{"type": "notification", "event_id": 1, "title": "ğ"}]
    )
    assert wire1.written[0] is wire2.written[0]
    assert other.written == []
    here.hub.unfollow(a1, 501)
    here.hub.unfollow(a1, 501)
    here.hub.on_personal(501, notice(3))
    assert len(wire1.written) == 1
    assert len(wire2.written) == 2


async def test_personal_frames_are_not_left_out_for_a_congested_socket(here: World) -> None:
    socket, wire = wired()
    here.hub.writer.prepare(socket)
    here.hub.follow(socket, 501)
    wire.stuck = True
    for number in range(200):
        here.hub.on_personal(501, notice(number))
    assert socket.backlog is None or len(wire.written) == 200


async def test_a_forgotten_socket_hears_nothing(here: World) -> None:
    here.shop.open(auction_of(7))
    socket, wire = await watch(here)
    socket.user_id = 501
    here.hub.follow(socket, 501)
    here.hub.lobby.join(socket)
    here.hub.forget(socket)
    here.shop.change(7)
    here.hub.on_personal(501, notice(1))
    await here.pass_time(3_000)
    assert wire.written == []
    assert here.hub._topics == {}
    assert here.hub._followers == {}
