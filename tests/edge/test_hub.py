"""Views, gaps, and who hears what; and no public frame ever names a guest."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from edge.connection import Socket
from edge.fanout import DELIVERIES_MAX
from edge.topics import AuctionTopic
from engine import frames
from engine.domain.auction import Auction, Status
from engine.domain.messages import Book, GiveBack
from engine.ports.bus import Publication
from tests.edge.live_clients import Wire, wired
from tests.edge.live_shop import START_MS, auction_of, booked_frame
from tests.edge.live_world import World, world


@pytest.fixture
async def here() -> AsyncIterator[World]:
    async with world() as running:
        yield running


async def watch(here: World, auction_id: int = 7, *, ticks: bool = True) -> tuple[Socket, Wire]:
    """A socket that watches, from the present view on."""
    socket, wire = wired(writer=here.hub.writer)
    with here.hub.held([auction_id]) as (topic,):
        if topic.auction is None:
            assert await here.hub.load(topic) is None
        here.hub.join(socket, topic, ticks=ticks)
    return socket, wire


def topic_of(here: World, auction_id: int = 7) -> AuctionTopic:
    return here.hub._topics[auction_id]


def revisions(wire: Wire) -> list[int]:
    return [message["revision"] for message in wire.messages()]


# --- publications --------------------------------------------------------------------------------


async def test_a_publication_reaches_all_its_watchers_with_the_owners_own_bytes(
    here: World,
) -> None:
    here.shop.open(auction_of(7, seats=2))
    here.shop.open(auction_of(8))
    (_, one), (_, two), (_, other) = [await watch(here, i) for i in (7, 7, 8)]
    changed = replace(here.shop[7], revision=2)
    frame = booked_frame(changed)
    here.hub.on_publication(Publication(changed, (frame,)))
    await here.settle()
    assert one.written == two.written
    assert one.written[0] is two.written[0]
    assert one.written[0].endswith(frame.payload)
    assert other.written == []


async def test_what_a_watcher_has_already_is_not_told_again(here: World) -> None:
    opened = here.shop.open(auction_of(7, revision=5))
    _, wire = await watch(here)
    for revision in (3, 4, 5):
        old = replace(opened, revision=revision)
        here.shop.publish(old, booked_frame(old))
    await here.settle()
    assert wire.written == []
    assert topic_of(here).auction == opened


async def test_a_newer_object_of_the_same_revision_is_the_view_from_then_on(here: World) -> None:
    opened = here.shop.open(auction_of(7, status=Status.EXPIRED, revision=5))
    _, wire = await watch(here)
    here.shop.publish(replace(opened, seats_left=9))
    await here.settle()
    assert wire.written == []
    assert topic_of(here).auction == replace(opened, seats_left=9)


async def test_a_gap_is_mended_by_one_snapshot_of_the_newest(here: World) -> None:
    here.shop.open(auction_of(7))
    _, wire = await watch(here)
    here.shop.change(7, publish=False)
    here.shop.change(7)
    await here.settle()
    (told,) = wire.messages()
    assert (told["type"], told["reason"]) == ("auction_updated", "resync")
    assert (told["revision"], told["watchers"]) == (3, 1)


async def test_after_a_gap_a_whole_frame_says_it_all_and_what_follows_it_is_kept(
    here: World,
) -> None:
    opened = here.shop.open(auction_of(7))
    _, wire = await watch(here)
    versions = [replace(opened, revision=revision) for revision in range(2, 6)]
    whole = frames.resync(versions[1], here.clock.now_ms(), 1)
    told = (booked_frame(versions[0]), whole, *map(booked_frame, versions[2:]))
    here.hub.on_publication(Publication(versions[-1], told[1:]))
    await here.settle()
    assert [m["type"] for m in wire.messages()] == [
        "auction_updated",
        "auction_booked",
        "auction_booked",
    ]
    assert revisions(wire) == [3, 4, 5]


async def test_a_publication_without_frames_that_moves_on_is_a_gap_too(here: World) -> None:
    here.shop.open(auction_of(7))
    _, wire = await watch(here)
    here.shop.publish(here.shop.change(7, publish=False))
    await here.settle()
    assert [m["reason"] for m in wire.messages()] == ["resync"]


async def test_frames_partly_known_are_told_from_the_first_new_one_on(here: World) -> None:
    opened = here.shop.open(auction_of(7, revision=2))
    _, wire = await watch(here)
    versions = [replace(opened, revision=revision) for revision in (2, 3, 4)]
    here.hub.on_publication(Publication(versions[-1], tuple(map(booked_frame, versions))))
    await here.settle()
    assert revisions(wire) == [3, 4]


async def test_too_much_on_its_way_becomes_one_snapshot(here: World) -> None:
    here.shop.open(auction_of(7))
    _, wire = await watch(here)
    for _ in range(3 * DELIVERIES_MAX):
        here.shop.change(7)
        assert len(topic_of(here).queue) <= DELIVERIES_MAX
    await here.until(lambda: revisions(wire)[-1:] == [here.shop[7].revision])
    assert "auction_updated" in {m["type"] for m in wire.messages()}
    assert revisions(wire) == sorted(revisions(wire))


async def test_an_auction_nobody_watches_costs_nothing(here: World) -> None:
    here.shop.publish(here.shop.open(auction_of(7)))
    assert here.hub._topics == {}
    socket, _ = await watch(here)
    here.hub.leave(socket, 7)
    assert here.hub._topics == {}
    assert socket.auctions == ()
    assert len(here.timers) == 0


# --- modes, prices, announcements ----------------------------------------------------------------


async def test_prices_are_told_in_ticks_mode_and_in_schedule_mode_they_are_not(
    here: World,
) -> None:
    here.shop.open(auction_of(7))
    _, ticks = await watch(here)
    _, schedule = await watch(here, ticks=False)
    await here.pass_time(3_000)
    assert [m["step"] for m in ticks.messages()] == [1, 2, 3]
    assert schedule.written == []


async def test_the_timer_of_prices_lives_as_long_as_somebody_wants_them(here: World) -> None:
    here.shop.open(auction_of(7))
    await watch(here, ticks=False)
    assert len(here.timers) == 0
    socket, _ = await watch(here)
    assert len(here.timers) == 1
    here.hub.leave(socket, 7)
    assert len(here.timers) == 0


async def test_the_first_who_wants_prices_hears_of_no_drop_its_snapshot_held(
    here: World,
) -> None:
    here.shop.open(auction_of(7))
    await watch(here, ticks=False)
    await here.pass_time(3_500, 500)
    _, wire = await watch(here)
    await here.pass_time(400, 100)
    assert wire.written == []
    await here.pass_time(100)
    assert [m["step"] for m in wire.messages()] == [4]


async def test_a_drop_between_a_snapshots_making_and_its_arrival_is_told(here: World) -> None:
    opened = here.shop.open(auction_of(7))
    _, wire = await watch(here)
    edited = replace(opened, revision=2)
    made = frames.resync(edited, here.clock.now_ms(), 1)
    here.clock.now += 1_001
    here.shop.publish(edited, made)
    here.timers.run_due()
    await here.settle()
    assert [(m["type"], m["step"]) for m in wire.messages()] == [
        ("auction_updated", 0),
        ("price_update", 1),
    ]


async def test_an_announcement_repeats_the_price_to_ticks_mode_with_the_same_key(
    here: World,
) -> None:
    here.shop.open(auction_of(7))
    _, ticks = await watch(here)
    _, schedule = await watch(here, ticks=False)
    await here.pass_time(2_000)
    here.hub.on_announce(7)
    here.hub.on_announce(8)
    await here.settle()
    first, second, again = ticks.messages()
    assert (first["step"], second) == (1, again)
    assert schedule.written == []


async def test_a_sale_from_first_to_last_second_is_told_in_order(here: World) -> None:
    here.shop.open(auction_of(7, seats=2, ends_at_ms=START_MS + 20_000))
    _, wire = await watch(here)
    await here.pass_time(3_000)
    reply: Any = here.shop.tell(7, Book(501))
    await here.pass_time(2_000)
    here.shop.tell(7, Book(502))
    await here.pass_time(2_000)
    here.shop.tell(7, GiveBack(reply.reservation.id, 501))
    await here.pass_time(2_000)
    await here.pass_time(30_000)
    here.shop.advance(7)
    await here.settle()
    told = wire.messages()
    keys = [(m["revision"], m["step"]) for m in told]
    assert keys == sorted(keys)
    significant = [m for m in told if m["type"] != "price_update"]
    assert [m["revision"] for m in significant] == [2, 3, 4, 5]
    assert [m.get("reason", m["type"]) for m in significant] == [
        "auction_booked",
        "auction_booked",
        "relisted",
        "expired",
    ]
    while_sold = [m for m in told if m["revision"] == 3 and m["type"] == "price_update"]
    assert while_sold == []
    prices = [float(m["current_price"]) for m in told if m["type"] == "price_update"]
    assert prices == sorted(prices, reverse=True)


# --- the congested --------------------------------------------------------------------------------


async def test_a_snapshot_makes_up_for_what_a_congested_socket_missed(here: World) -> None:
    here.shop.open(auction_of(7))
    here.shop.open(auction_of(8))
    socket, wire = await watch(here)
    with here.hub.held([8]) as (other,):
        await here.hub.load(other)
        here.hub.join(socket, other, ticks=False)
    here.hub.writer.prepare(socket)
    wire.stuck = True
    while socket.backlog is None:
        here.shop.change(7)
        await here.settle()
    here.shop.change(7)
    here.shop.change(8)
    await here.settle()
    assert socket.backlog.missed.keys() == {7, 8}
    here.hub.join(socket, topic_of(here), ticks=True)
    assert socket.backlog.missed.keys() == {8}
    here.hub.leave(socket, 8)
    wire.stuck, wire.waiting = False, 0
    before = len(wire.written)
    await here.pass_time(100, 50)
    assert len(wire.written) == before


async def test_nothing_older_follows_what_made_up_for_a_congestion(here: World) -> None:
    here.shop.open(auction_of(7))
    socket, wire = await watch(here)
    here.shop.change(7)
    whole = here.hub._mend(socket, 7, 1)
    assert whole is not None
    assert b'"revision":2' in whole
    await here.settle()
    assert wire.written == []
    here.shop.change(7)
    await here.settle()
    assert revisions(wire) == [3]


# --- a stream without a gap ----------------------------------------------------------------------


async def test_the_first_live_revision_is_the_snapshots_and_one() -> None:
    async with world(counts_clients=False) as here, here.client() as client:
        here.shop.open(auction_of(7))
        stop = asyncio.Event()

        async def changes() -> None:
            while not stop.is_set():
                here.shop.change(7)
                await asyncio.sleep(0.0002)

        stream = asyncio.create_task(changes())
        seen = 0
        try:
            for nth in range(250):
                mode = ("ticks", "schedule")[nth % 2]
                answer = await client.ask("subscribe_auction", auction_id=7, mode=mode)
                held = answer["snapshots"][0]["revision"]
                client.inbox.clear()
                first = await client.until(lambda m: "revision" in m)
                assert first["revision"] > held
                assert first["revision"] == held + 1 or first.get("reason") == "resync"
                seen += first["revision"] == held + 1
        finally:
            stop.set()
            await stream
    assert seen >= 235


# --- nothing private -----------------------------------------------------------------------------


def private_marks(here: World, auction: Auction) -> set[str]:
    """Codes, guests and keys of an auction, as they would stand in a frame."""
    rows = here.shop.states[auction.id].ledger.by_id.values()
    marks = {row.code for row in rows} | {row.key for row in rows if row.key}
    return marks | {str(row.user_id) for row in rows} | {"user_id", "booking_code", "seat_no"}


async def test_no_public_frame_carries_a_code_a_key_or_a_guest(here: World) -> None:
    here.shop.open(auction_of(7, seats=20))
    _, ticks = await watch(here)
    _, schedule = await watch(here, ticks=False)
    lobby, lobby_wire = wired()
    here.hub.lobby.join(lobby)
    for nth in range(20):
        user_id = 770_000_001 + nth
        reply: Any = here.shop.tell(7, Book(user_id, key=f"secret-key-{nth:06}"))
        if nth % 3 == 0:
            here.shop.tell(7, GiveBack(reply.reservation.id, user_id))
        await here.pass_time(1_000)
    wires = (ticks, schedule, lobby_wire)
    public = "".join(orjson.dumps(m).decode() for wire in wires for m in wire.messages())
    assert len(public) > 10_000
    assert not [mark for mark in private_marks(here, here.shop[7]) if mark in public]
    whole = here.hub._mend(next(iter(topic_of(here).marks)), 7, 0)
    assert whole is not None
    assert not [mark for mark in private_marks(here, here.shop[7]) if mark.encode() in whole]
