"""What does one frame cost that goes to many sockets, and when has the last of them got it?

One live auction whose price falls at a fixed rhythm, watched by 500 to 15,000 sockets in `ticks`
mode: the product's own hub and live connections. Beside it, in turns, a raw loop of `sock.send`
that writes as many bytes to as many sockets in the same rhythm, and the seed stack's room. What
counts is the server's processor time a frame, less what the server uses between frames.

And the same crowd in `schedule` mode, which is told nothing at a drop: it draws it by itself.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from urllib.request import urlopen

import asyncpg
import orjson

from loadtests.bench import beside, seed
from loadtests.bench.crowd import Crowd, Step, Tongue
from loadtests.bench.deliveries import Told, deliveries, rest
from loadtests.bench.figures import Beside, Broken, Effort, Figure, doubts
from loadtests.bench.machine import allow_files, bottleneck, crowded, generating
from loadtests.bench.product import Server, place
from loadtests.bench.sales import Sales, add, now_ms
from loadtests.bench.seed import Seed, seed_stack

EVERY_MS = {500: 250, 2_000: 250, 8_000: 500, 15_000: 1_000}
"""How often the price falls: the last frame of a drop is to arrive before the next one."""
SEED_EVERY_MS = {500: 500, 2_000: 1_000, 8_000: 4_000}
"""The same for the seed stack, and how large a crowd it is asked to tell."""
SEED_DELIVERIES = 3
SEED_ONCE = 8_000
"""So large a crowd it tells once, in no quick run: it takes half a minute to let them in."""
COUNTER = "hothour_fanout_frames_total"
SILENT = 2_000
"""Sockets in `schedule` mode."""
SILENT_FROM_S, SILENT_FOR_S = 0.5, 2.0
"""After the last of them has come; and then for so long."""
FILES_KEPT = 300
_FRAME = b'"price_update"'
_SAMPLE = orjson.dumps(
    {
        "type": "price_update",
        "auction_id": 1,
        "revision": 2,
        "step": 240,
        "at": "2026-01-01T12:00:00.000Z",
        "current_price": "899997.60",
        "next_price": "899997.59",
        "next_drop_at": "2026-01-01T12:00:00.250Z",
    }
).decode()
RAW = Tongue("/ws", (Step(b"\r\n\r\n"),), _FRAME)


@dataclass(frozen=True, slots=True)
class Turn:
    """One round of each; the seed stack's crowds are smaller."""

    product: Told
    raw: Told
    seed: Told | None


async def ask(effort: Effort) -> AsyncIterator[Figure]:
    """For each size of a crowd: the price of a frame, and the last one's time."""
    crowds, rounds, count = effort.of(
        ((500, 2_000, 8_000, 15_000), 3, 6), ((500, 2_000, 8_000), 2, 4)
    )
    allowed = allow_files(crowds[-1] + FILES_KEPT)
    async with place() as at, seed_stack() as peer, AsyncExitStack() as stack:
        await at.run("migrate")
        server = await stack.enter_async_context(at.serving())
        database = await stack.enter_async_context(at.database())
        for size in (size for size in crowds if size + FILES_KEPT <= allowed):
            every_ms = EVERY_MS[size]
            watched = native(await _falling(database, every_ms))
            async with beside.raw_sends(every_ms, _SAMPLE) as raw:
                turns = [
                    Turn(
                        await _tell(server, watched, size, count, every_ms),
                        await _tell(raw, RAW, size, count, every_ms),
                        await _seed(peer, size, effort, nth),
                    )
                    for nth in range(rounds)
                ]
            for figure in _figures(size, turns):
                yield figure
        silent = native(await _falling(database, EVERY_MS[SILENT]), "schedule")
        yield await asyncio.to_thread(_silence, server, silent)


def native(auction_id: int, mode: str = "ticks") -> Tongue:
    """How the live channel is spoken to."""
    wish = {"type": "subscribe_auction", "ref": 0, "auction_ids": [auction_id], "mode": mode}
    return Tongue("/ws", (Step(b"\r\n\r\n", orjson.dumps(wish)), Step(b'"subscribed"')), _FRAME)


# --- one round -----------------------------------------------------------------------------------


async def _falling(database: asyncpg.Connection, every_ms: int) -> int:
    """A live auction whose price falls at each multiple of `every_ms`."""
    (auction,) = await add(
        database, 1, Sales(starts_at_ms=_a_while_ago(every_ms), drop_every_ms=every_ms)
    )
    return auction


def _a_while_ago(every_ms: int) -> int:
    return (now_ms() // every_ms - 4) * every_ms


async def _tell(server: Server, tongue: Tongue, size: int, count: int, every_ms: int) -> Told:
    def tell() -> Told:
        with generating(), Crowd(server, tongue, size) as crowd:
            told = deliveries(crowd, count, every_ms)
        rest(server.pid)
        return told

    return await asyncio.to_thread(tell)


async def _seed(peer: Seed, size: int, effort: Effort, nth: int) -> Told | None:
    every_ms = SEED_EVERY_MS.get(size)
    if every_ms is None or (size >= SEED_ONCE and (effort.quick or nth)):
        return None
    (auction,) = await peer.auctions(1, _a_while_ago(every_ms), every_ms)
    return await _tell(peer.server, seed.tongue(auction), size, SEED_DELIVERIES, every_ms)


def _silence(server: Server, tongue: Tongue) -> Figure:
    """Raises Broken if a drop is told to anybody who draws it by himself."""
    with generating(), Crowd(server, tongue, SILENT) as crowd:
        crowd.hear_until(time.time() + SILENT_FROM_S)
        bytes_before, frames_before = crowd.heard.bytes, _written(server)
        crowd.hear_until(time.time() + SILENT_FOR_S)
        frames, heard = _written(server) - frames_before, crowd.heard.bytes - bytes_before
    if frames or heard:
        raise Broken(f"sockets in schedule mode were sent {frames:,.0f} frames, {heard:,} bytes")
    return Figure(
        name=f"{SILENT:,} sockets in schedule mode: frames",
        unit="",
        samples=(frames,),
        note=f"by the server's {COUNTER} in {SILENT_FOR_S:g} s, during which the price fell"
        f" {SILENT_FOR_S * 1_000 / EVERY_MS[SILENT]:.0f} times; the sockets heard {heard} bytes",
    )


def _written(server: Server) -> float:
    with urlopen(f"{server.url}/metrics", timeout=5) as answer:
        return written(answer.read().decode())


def written(exposition: str) -> float:
    """Frames to watchers, of every weight, since the process began. Raises Broken."""
    counts = re.findall(rf"^{COUNTER}(?:{{[^}}]*}})? (\S+)$", exposition, re.MULTILINE)
    if not counts and f"# TYPE {COUNTER} counter" not in exposition:
        raise Broken(f"the server does not count {COUNTER}")
    return sum(map(float, counts))


# --- figures -------------------------------------------------------------------------------------


def _figures(size: int, turns: Sequence[Turn]) -> Iterator[Figure]:
    product, raw = [turn.product for turn in turns], [turn.raw for turn in turns]
    peer = [turn.seed for turn in turns if turn.seed is not None]
    yield _cost(f"{size:,} sockets: processor time a frame", product, "raw sends", raw)
    yield _last(f"{size:,} sockets: last frame", product, "raw sends", raw)
    if peer:
        yield _cost(f"seed stack, {size:,} sockets: processor time", peer, "HotHour", product)
        yield _last(f"seed stack, {size:,} sockets: last frame", peer, "HotHour", product)


def _cost(name: str, mine: Sequence[Told], other: str, its: Sequence[Told]) -> Figure:
    return Figure(
        name=name,
        unit="us",
        samples=tuple(told.cpu_us or 0.0 for told in mine),
        beside=Beside(other, tuple(told.cpu_us or 0.0 for told in its)),
        note=f"{_size(mine):.0f} bytes a frame; {other}: {_size(its):.0f}",
        doubts=_doubts([*mine, *its]),
    )


def _size(told: Sequence[Told]) -> float:
    return median(each.bytes / each.frames for each in told)


def _last(name: str, mine: Sequence[Told], other: str, its: Sequence[Told]) -> Figure:
    return Figure(
        name=name,
        unit="ms",
        samples=tuple(median(told.last_ms) for told in mine),
        beside=Beside(other, tuple(median(told.last_ms) for told in its)),
        note="from the instant of the drop to the arrival of the last frame",
        doubts=doubts(
            (
                *(bottleneck(told.server, told.generator) for told in (*mine, *its)),
                *_doubts([*mine, *its]),
            )
        ),
    )


def _doubts(told: Sequence[Told]) -> tuple[str, ...]:
    return doubts([crowded([each.server for each in told])])
