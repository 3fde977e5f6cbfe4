"""How late are price frames at 1,000 live auctions that drop every second, one watcher each?

Twice: with starts a millisecond apart, and with all drops at the same instant. And, in no quick
run, at 10,000 whose starts are a tenth of a millisecond apart. A frame's lateness is its arrival by
this machine's clock minus its `at`; that the server's clock is the same within a fraction of a
millisecond is checked by pings all the while. The server's own histogram is shown beside.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from loadtests.bench import clocks, histogram
from loadtests.bench.clocks import Bounds, Exchange
from loadtests.bench.figures import Broken, Effort, Figure, doubts, quantiles
from loadtests.bench.live_load import LiveSocket, hang_up, watchers
from loadtests.bench.machine import Spell, Stopwatch, bottleneck, crowded, generating
from loadtests.bench.product import Server, place
from loadtests.bench.sales import Sales, add, now_ms

AUCTIONS = 1_000
MANY_AUCTIONS = 10_000
IDS_A_SOCKET = 100
"""As many as one message may name."""
DROP_EVERY_MS = 1_000
WARM_UP_S = 3
PING_EVERY_S = 0.1
CLOCKS_APART_MS_MAX = 1.0
FRAMES_SHARE_MIN = 0.999
"""Of several missed drops only the latest is told, so frames may be fewer than drops."""
HISTOGRAM = "hothour_frame_lateness_seconds"
SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


@dataclass(frozen=True, slots=True)
class Heard:
    """What all sockets heard in some rounds."""

    rounds: Sequence[Sequence[float]]
    """Lateness of each frame, in milliseconds."""
    clocks: Bounds
    server: Spell
    generator: Spell
    own: str
    """What the server says of itself."""


async def ask(effort: Effort) -> AsyncIterator[Figure]:
    """Lateness, staggered and aligned."""
    rounds, round_s = effort.of((3, 12), (2, 5))
    together = [{"staggered": (AUCTIONS, DROP_EVERY_MS / AUCTIONS), "aligned": (AUCTIONS, 0.0)}]
    if not effort.quick:
        many = f"{MANY_AUCTIONS:,} staggered"
        together.append({many: (MANY_AUCTIONS, DROP_EVERY_MS / MANY_AUCTIONS)})
    for kinds in together:
        async for figure in _at_a_server(kinds, rounds, round_s):
            yield figure


async def _at_a_server(
    kinds: Mapping[str, tuple[int, float]], rounds: int, round_s: int
) -> AsyncIterator[Figure]:
    """One of its own for these; each is so many auctions, so many milliseconds apart."""
    async with place() as at:
        await at.run("migrate")
        # On a whole second, so that a round holds the same number of drops of each auction.
        start_ms = now_ms() // DROP_EVERY_MS * DROP_EVERY_MS - 60_000
        async with at.database() as database:
            everywhere = {
                name: await add(
                    database,
                    count,
                    Sales(starts_at_ms=start_ms, apart_ms=apart, drop_every_ms=DROP_EVERY_MS),
                )
                for name, (count, apart) in kinds.items()
            }
        async with at.serving() as server:
            for name, ids in everywhere.items():
                with generating():
                    heard = await _watch(server, ids, rounds, round_s)
                for figure in _figures(name, heard, len(ids) * round_s * 1_000 // DROP_EVERY_MS):
                    yield figure


async def _watch(server: Server, ids: Sequence[int], rounds: int, round_s: int) -> Heard:
    sockets = await watchers(server, len(ids) // IDS_A_SOCKET + 1)
    pinging, watching = sockets[0], sockets[1:]
    for nth, socket in enumerate(watching):
        await _subscribe(socket, ids[nth * IDS_A_SOCKET : (nth + 1) * IDS_A_SOCKET])
    await asyncio.sleep(WARM_UP_S)
    before = histogram.buckets(await server.metrics(), HISTOGRAM)
    clocks_, own = server.stopwatch(), Stopwatch("generator", os.getpid())
    # Rounds are told apart by `at`, so each begins in the middle between two aligned drops.
    first_ms = (now_ms() // DROP_EVERY_MS + 1) * DROP_EVERY_MS + DROP_EVERY_MS // 2
    for socket in watching:
        socket.tape()
    exchanges = await _ping(pinging, until_s=first_ms / 1_000 + rounds * round_s + 1)
    server_use, generator_use = clocks_.spell(), own.spell()
    after = histogram.buckets(await server.metrics(), HISTOGRAM)
    lateness: list[list[float]] = [[] for _ in range(rounds)]
    for socket in watching:
        for at_ms, late_ms in _frames(socket):
            nth = (at_ms - first_ms) // (round_s * 1_000)
            if 0 <= nth < rounds:
                lateness[nth].append(late_ms)
    hang_up(sockets)
    bounds = clocks.bounds(exchanges)
    return Heard(lateness, bounds, server_use, generator_use, _said(before, after))


async def _subscribe(socket: LiveSocket, ids: Sequence[int]) -> None:
    told = await socket.ask(type="subscribe_auction", auction_ids=list(ids), mode="ticks")
    assert len(told["snapshots"]) == len(ids), "all of them are on sale"


async def _ping(socket: LiveSocket, *, until_s: float) -> list[Exchange]:
    """Ask for the server's time until the given one."""
    exchanges = []
    while time.time() < until_s:
        asked_ms = time.time_ns() / 1e6
        told = await socket.ask(type="ping", client_ms=int(asked_ms))
        heard_ms = time.time_ns() / 1e6
        exchanges += [
            Exchange(asked_ms, told["received_ms"], heard_ms),
            Exchange(asked_ms, told["sent_ms"], heard_ms),
        ]
        await asyncio.sleep(PING_EVERY_S)
    return exchanges


def _frames(socket: LiveSocket) -> list[tuple[int, float]]:
    """Each price frame's `at`, and how much later it came, in milliseconds."""
    found = []
    for came_ns, payload in socket.played():
        frame = orjson.loads(payload)
        if frame["type"] == "price_update":
            at_ms = round(datetime.fromisoformat(frame["at"]).timestamp() * 1_000)
            found.append((at_ms, came_ns / 1e6 - at_ms))
    return found


def _said(before: histogram.Buckets, after: histogram.Buckets) -> str:
    parts = []
    for name, share in SHARES.items():
        bound_s = histogram.within(before, after, share)
        if bound_s is not None:
            parts.append(f"{name} <= {bound_s * 1_000:g} ms")
    return "the server's own histogram: " + (", ".join(parts) or "empty")


def _figures(name: str, heard: Heard, drops: int) -> Iterator[Figure]:
    """`drops`: in a round."""
    fewest = min(map(len, heard.rounds))
    if not fewest:
        raise Broken("a round went by without a frame")
    found = doubts(
        (
            None
            if fewest >= FRAMES_SHARE_MIN * drops
            else f"a round had {fewest:,} frames for {drops:,} drops",
            None
            if heard.clocks.possible and heard.clocks.worst_ms <= CLOCKS_APART_MS_MAX
            else "the clocks are apart",
            bottleneck(heard.server, heard.generator),
            crowded([heard.server]),
            crowded([heard.generator]),
        )
    )
    pooled = [late for samples in heard.rounds for late in samples]
    note = (
        f"{len(pooled):,} frames, worst {max(pooled):.1f} ms; server's clock minus ours"
        f" between {heard.clocks.low_ms:.2f} and {heard.clocks.high_ms:.2f} ms;"
        f" {heard.own}; {heard.server}; {heard.generator}"
    )
    for label, share in SHARES.items():
        yield Figure(
            name=f"{name}, {label}",
            unit="ms",
            samples=quantiles(heard.rounds, share),
            note=note,
            doubts=found,
        )
