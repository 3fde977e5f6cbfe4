"""Draining: every socket is told its own moment, and all are gone in time."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import connect

from tests.edge.live_clients import Client
from tests.edge.live_shop import auction_of
from tests.edge.live_world import World, world
from tests.edge.test_live import refused


async def test_draining_takes_nobody_in() -> None:
    async with world() as here:
        await here.channel.drain()
        assert (await refused(connect(here.url)))[::2] == (503, "DRAINING")


async def test_a_socket_that_slips_in_while_draining_is_told_to_go_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with world() as here:
        monkeypatch.setattr(here.channel._admission, "shut", lambda: None)
        await here.channel.drain()
        async with here.client() as client:
            assert (await client.next("draining"))["reconnect_in_ms"] == 0
            closing = asyncio.create_task(client.closed())
            await here.pass_time(200, 100)
            assert await closing == 4200


async def gone_at(here: World, client: Client, gone: list[int]) -> None:
    assert await client.closed() == 4200
    gone.append(here.clock.now)


async def test_every_socket_is_told_its_own_moment_and_closed_then() -> None:
    async with world(drain_sockets_per_s=10) as here, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(here.client()) for _ in range(20)]
        began, gone = here.clock.now, list[int]()
        draining = asyncio.create_task(here.channel.drain())
        told = [(await c.next("draining"))["reconnect_in_ms"] for c in clients]
        waits = [asyncio.create_task(gone_at(here, c, gone)) for c in clients]
        while not draining.done():
            await here.pass_time(100, 100)
            await asyncio.sleep(0.005)
        await asyncio.gather(*waits)
    assert sorted(told) == list(range(100, 2_001, 100))
    assert here.meters.closes == [4200] * 20
    assert 1_900 <= max(gone) - began <= 3_000
    assert len(set(gone)) >= 10


async def test_however_many_there_are_all_are_told_to_be_gone_in_time() -> None:
    async with world(drain_sockets_per_s=1, drain_s_max=2.0) as here, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(here.client()) for _ in range(5)]
        draining = asyncio.create_task(here.channel.drain())
        told = [(await c.next("draining"))["reconnect_in_ms"] for c in clients]
        waits = [asyncio.create_task(gone_at(here, c, [])) for c in clients]
        while not draining.done():
            await here.pass_time(100, 100)
            await asyncio.sleep(0.005)
        await asyncio.gather(*waits)
    assert sorted(told) == [400, 800, 1_200, 1_600, 2_000]


async def test_a_socket_that_was_told_and_stays_is_cut_three_seconds_later() -> None:
    async with world() as here, AsyncExitStack() as stack:
        await stack.enter_async_context(here.stuck())
        draining = asyncio.create_task(here.channel.drain())
        await here.settle()
        await here.pass_time(100, 100)
        assert here.meters.closes == [4200]
        await here.pass_time(2_900, 100)
        assert not draining.done()
        await here.pass_time(500, 100)
        await asyncio.wait_for(draining, 5)


async def test_a_press_under_way_is_answered_before_its_socket_closes() -> None:
    async with world() as here, here.client() as client:
        here.shop.open(auction_of(7))
        await here.signed_in(client)
        here.shop.ask_gate = asyncio.Event()
        press = asyncio.create_task(client.ask("book", auction_id=7, idempotency_key="k" * 16))
        await here.until(lambda: bool(here.shop.seen))
        draining = asyncio.create_task(here.channel.drain())
        await here.settle()
        await here.pass_time(1_000, 100)
        assert here.meters.closes == []
        here.shop.ask_gate.set()
        assert (await press)["type"] == "ok"
        closing = asyncio.create_task(client.closed())
        await here.pass_time(500, 100)
        assert await closing == 4200
        await asyncio.wait_for(draining, 5)
