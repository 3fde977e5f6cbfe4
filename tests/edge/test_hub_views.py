"""Where a topic's view comes from, and how long it is kept."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from edge.connection import Socket
from edge.topics import AuctionTopic
from engine.domain.auction import Status
from engine.errors import Busy, Internal, NotFound
from engine.ports.commit import Unavailable
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


async def test_many_who_come_at_once_share_one_look(here: World) -> None:
    here.shop.open(auction_of(7))
    here.shop.view_gate = asyncio.Event()
    coming = [asyncio.create_task(watch(here)) for _ in range(20)]
    await here.settle()
    here.shop.view_gate.set()
    await asyncio.gather(*coming)
    assert here.shop.looks == 1
    assert here.hub.watchers(7) == 20


async def test_a_frame_that_arrives_while_the_view_is_loaded_wins(here: World) -> None:
    here.shop.open(auction_of(7))
    here.shop.view_gate = asyncio.Event()
    coming = asyncio.create_task(watch(here))
    await here.settle()
    newer = here.shop.change(7)
    here.shop.view_gate.set()
    _, wire = await coming
    assert topic_of(here).auction == newer
    await here.settle()
    assert wire.written == []


async def test_of_two_objects_of_one_revision_the_published_one_wins(here: World) -> None:
    """A seat that comes back after the end changes the object and not its revision."""
    opened = here.shop.open(auction_of(7, status=Status.EXPIRED, revision=5))
    here.shop.view_gate = asyncio.Event()
    coming = asyncio.create_task(watch(here))
    await here.settle()
    here.shop.publish(replace(opened, seats_left=9))
    here.shop.view_gate.set()
    await coming
    assert topic_of(here).auction == replace(opened, seats_left=9)


async def test_a_look_that_is_newer_than_the_view_mends_all_watchers(here: World) -> None:
    here.shop.open(auction_of(7))
    _, wire = await watch(here)
    newest = here.shop.change(7, publish=False)
    with here.hub.held([7]) as (topic,):
        await here.hub.load(topic)
        assert topic.auction == newest
    await here.settle()
    assert [(m["reason"], m["revision"]) for m in wire.messages()] == [("resync", 2)]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(NotFound(), NotFound), (Unavailable(), Busy), (RuntimeError("broken"), Internal)],
)
async def test_a_view_that_cannot_be_had_leaves_nothing_behind(
    here: World, failure: Exception, expected: type[Exception]
) -> None:
    here.shop.failure = failure
    with here.hub.held([7]) as (topic,):
        assert isinstance(await here.hub.load(topic), expected)
        assert topic.auction is None
    assert here.hub._topics == {}


async def test_a_topic_stays_while_somebody_is_about_to_join_it(here: World) -> None:
    here.shop.open(auction_of(7))
    first, _ = await watch(here)
    with here.hub.held([7]) as (topic,):
        here.hub.leave(first, 7)
        assert topic_of(here) is topic
        second, wire = wired()
        here.hub.join(second, topic, ticks=False)
    here.shop.change(7)
    await here.settle()
    assert revisions(wire) == [2]


async def test_who_waits_for_a_view_and_goes_away_takes_it_from_nobody(here: World) -> None:
    here.shop.open(auction_of(7))
    here.shop.view_gate = asyncio.Event()
    leaving, staying = (asyncio.create_task(watch(here)) for _ in range(2))
    await here.settle()
    leaving.cancel()
    await here.settle()
    here.shop.view_gate.set()
    await staying
    assert here.shop.looks == 1
