"""Callers that press again and again, at a server that does nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from itertools import repeat

import pytest

from loadtests.bench.beside import Contestant, alone, bare_aiohttp
from loadtests.bench.figures import Broken
from loadtests.bench.http_load import connections, hang_up, press
from loadtests.bench.live_load import watchers
from loadtests.bench.machine import Spell
from loadtests.bench.pressing import Pressed, at_a_pace, over_http, over_sockets, template
from loadtests.bench.product import Guest

KEY = "pressing-00000000"


@pytest.fixture(scope="module")
async def bare() -> AsyncIterator[Contestant]:
    """aiohttp with nothing in it, a process of its own."""
    async with bare_aiohttp() as server:
        yield alone("aiohttp", server)


def test_a_template_keeps_the_length_of_what_it_replaces() -> None:
    form = template(b"key=" + KEY.encode() + b" end", KEY)
    assert form(12) == b"key=00000000000000012 end"


async def test_everything_is_pressed_once_and_answered(bare: Contestant) -> None:
    waiting = iter([press(bare.server, Guest(n, "token"), 1, KEY) for n in range(50)])
    pressed = await over_http(bare, 4, lambda _: next(waiting, None), 200, 10.0)
    assert pressed.answers == 50
    assert all(ms > 0 for ms in pressed.took_ms)


async def test_callers_press_on_until_the_time_is_over(bare: Contestant) -> None:
    request = press(bare.server, Guest(1, "token"), 1, KEY)
    pressed = await over_http(bare, 4, lambda _: request, 200, 0.2)
    assert pressed.answers > 4
    assert pressed.per_s > 20


async def test_an_answer_that_is_not_the_right_one_ends_the_run(bare: Contestant) -> None:
    request = press(bare.server, Guest(1, "token"), 1, KEY).replace(b"/book", b"/nothing")
    with pytest.raises(Broken, match="aiohttp: a press was answered 404"):
        await over_http(bare, 1, lambda _: request, 200, 0.2)


async def test_presses_at_a_pace_are_sent_when_they_are_due(bare: Contestant) -> None:
    opened = await connections(bare.server, 2)
    request = press(bare.server, Guest(1, "token"), 1, KEY)
    began_s = time.perf_counter()
    took_ms = await at_a_pace(opened, repeat(request, 11), 100.0, 200, asyncio.Event())
    hang_up(opened)
    assert len(took_ms) == 11
    assert all(ms > 0 for ms in took_ms)
    assert time.perf_counter() - began_s >= 0.1


async def test_a_press_that_waits_for_a_connection_is_late(bare: Contestant) -> None:
    opened = await connections(bare.server, 1)
    request = press(bare.server, Guest(1, "token"), 1, KEY)
    # All are due within a microsecond, and the only connection takes one at a time: whoever comes
    # last has waited all along.
    began_s = time.perf_counter()
    took_ms = await at_a_pace(opened, repeat(request, 20), 1e9, 200, asyncio.Event())
    all_ms = (time.perf_counter() - began_s) * 1_000
    hang_up(opened)
    assert all_ms / 2 < max(took_ms) <= all_ms


async def test_nobody_presses_on_when_it_is_over(bare: Contestant) -> None:
    opened, over = await connections(bare.server, 1), asyncio.Event()
    request = press(bare.server, Guest(1, "token"), 1, KEY)

    def requests() -> Iterator[bytes]:
        yield from repeat(request, 3)
        over.set()
        yield from repeat(request)

    assert len(await at_a_pace(opened, requests(), 1_000.0, 200, over)) == 3
    hang_up(opened)


async def test_at_a_pace_too_a_wrong_answer_ends_the_run(bare: Contestant) -> None:
    opened = await connections(bare.server, 1)
    request = press(bare.server, Guest(1, "token"), 1, KEY).replace(b"/book", b"/nothing")
    with pytest.raises(ExceptionGroup) as failed:
        await at_a_pace(opened, [request], 100.0, 200, asyncio.Event())
    hang_up(opened)
    assert failed.group_contains(Broken, match="was answered 404")


async def test_sockets_press_and_are_answered_too(bare: Contestant) -> None:
    waiting = repeat(b'{"type":"book"}', 20)
    opened = await watchers(bare.server, 2)
    pressed = await over_sockets(bare, opened, lambda _: next(waiting, None), b"book", 10.0)
    assert pressed.answers == 20


async def test_an_echo_of_something_else_ends_the_run(bare: Contestant) -> None:
    opened = await watchers(bare.server, 1)
    with pytest.raises(Broken, match="was answered hello"):
        await over_sockets(bare, opened, lambda _: b"hello", b"book", 0.2)


def test_what_is_not_known_is_not_made_up() -> None:
    unknown = Spell("server", 2.0, None)
    pressed = Pressed((1.0, 2.0), unknown, unknown, None)
    assert (pressed.cpu_us, pressed.whole_cpu_us, pressed.per_s) == (None, None, 1.0)
