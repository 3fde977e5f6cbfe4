"""1,000 and 5,000 guests press for one seat, over REST on connections that are open already.

Spread evenly over a second, and once all at one instant. One hears 201, every other that it is sold
(or BUSY, which is counted), and the database holds one reservation: more winners than seats, or
than reservations, fail the run. An answer's time counts from the instant at which its press was
due, so a generator that falls behind makes it look worse, never better.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import asyncpg

from loadtests.bench.figures import Broken, Effort, Figure, doubts, quantile, quantiles
from loadtests.bench.http_load import Answer, Connection, connections, hang_up, press
from loadtests.bench.machine import (
    Spell,
    Stopwatch,
    allow_files,
    bottleneck,
    crowded,
    generating,
)
from loadtests.bench.product import Guest, Server, place
from loadtests.bench.sales import add, lately

CROWDS = (1_000, 5_000)
SPREAD_S = 1.0
LEAD_S = 0.3
"""From the making of the requests to the first press."""
ANSWERS_WITHIN_S = 20.0
LATE_MS_MAX = 10.0
"""A press sent later than this after it was due: the generator fell behind."""
TICK_S = 0.001
"""Timers know no shorter time, so whoever is due within one presses together."""
STEP = 37
"""Guests change places from round to round, so that another one comes first."""
FILES_KEPT = 300
TOO_LITTLE = "0.01"

_HELD = "select count(*) from reservation where auction_id = $1"


@dataclass(frozen=True, slots=True)
class Rush:
    """One round: who pressed when, and what came back."""

    crowd: int
    spread_s: float
    late_ms: Sequence[float]
    """How long after it was due each press was sent."""
    took_ms: Sequence[float]
    statuses: Counter[int]
    server: Spell
    generator: Spell


async def ask(effort: Effort) -> AsyncIterator[Figure]:
    """Times of the answers, for each crowd."""
    rounds = effort.of(5, 2)
    crowds = [crowd for crowd in CROWDS if crowd + FILES_KEPT <= allow_files(2 * CROWDS[-1])]
    kinds = [*((crowd, SPREAD_S) for crowd in crowds), (crowds[-1], 0.0)]
    async with place() as at:
        guests = await at.guests(crowds[-1])
        async with at.serving() as server, at.database() as database:
            opened = await connections(server, len(guests))
            for crowd, spread_s in kinds:
                seats = await add(database, rounds, lately())
                await _wake(server, opened[0], guests[-1], seats)
                rushes = [
                    await _rush(server, _moved(guests, STEP * nth)[:crowd], opened, seat, spread_s)
                    for nth, seat in enumerate(seats)
                ]
                await _check(database, seats, rushes)
                for figure in _figures(rushes):
                    yield figure
            hang_up(opened)


async def _wake(server: Server, connection: Connection, guest: Guest, seats: Sequence[int]) -> None:
    """Have the auctions' actors loaded, as a live auction's is: by presses that pay too little."""
    for seat in seats:
        request = press(server, guest, seat, f"wake-{seat:012d}", TOO_LITTLE)
        answer = await connection.ask(request)
        if b"PRICE_ABOVE_MAX" not in answer.body:
            raise Broken(f"a press that pays too little was answered {answer.status}")


def _moved(guests: Sequence[Guest], by: int) -> list[Guest]:
    return [*guests[by:], *guests[:by]]


async def _rush(
    server: Server,
    guests: Sequence[Guest],
    opened: Sequence[Connection],
    seat: int,
    spread_s: float,
) -> Rush:
    requests = [press(server, guest, seat, f"rush-{seat:08d}-{guest.id:08d}") for guest in guests]
    late_ms: list[float] = []
    took_ms: list[float] = []
    statuses: Counter[int] = Counter()
    done = asyncio.Event()
    with generating():
        begin_ns = time.perf_counter_ns() + int(LEAD_S * 1e9)
        due_ns = [begin_ns + int(spread_s * 1e9 * n / len(guests)) for n in range(len(guests))]
        server_watch, own_watch = server.stopwatch(), Stopwatch("generator", os.getpid())

        def heard(due_ns: int, _: Connection, answer: Answer, came_ns: int) -> None:
            statuses[answer.status] += 1
            took_ms.append((came_ns - due_ns) / 1e6)
            if len(took_ms) == len(guests):
                done.set()

        for connection, at_ns in zip(opened, due_ns, strict=False):
            connection.heard = partial(heard, at_ns)
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                await _press(late_ms, opened, requests, due_ns)
                await done.wait()
        except TimeoutError:
            raise Broken(f"{len(took_ms):,} of {len(guests):,} presses answered") from None
        spells = server_watch.spell(), own_watch.spell()
    return Rush(len(guests), spread_s, late_ms, took_ms, statuses, *spells)


async def _press(
    late_ms: list[float],
    opened: Sequence[Connection],
    requests: Sequence[bytes],
    due_ns: Sequence[int],
) -> None:
    """Send each request when it is due, whatever has become of those before."""
    for connection, request, at_ns in zip(opened, requests, due_ns, strict=False):
        left_s = (at_ns - time.perf_counter_ns()) / 1e9
        if left_s > 0:
            await asyncio.sleep(max(TICK_S, left_s))
        connection.send(request)
        late_ms.append((time.perf_counter_ns() - at_ns) / 1e6)


async def _check(
    database: asyncpg.Connection, seats: Sequence[int], rushes: Sequence[Rush]
) -> None:
    for seat, rush in zip(seats, rushes, strict=True):
        held = await database.fetchval(_HELD, seat)
        won = rush.statuses[201]
        if won > 1 or won != held or rush.statuses.keys() - {201, 409, 503}:
            told = ", ".join(f"{n:,} times {status}" for status, n in rush.statuses.items())
            raise Broken(f"one seat has {held} reservations, and its presses heard {told}")


def _figures(rushes: Sequence[Rush]) -> Iterator[Figure]:
    crowd, spread_s = rushes[0].crowd, rushes[0].spread_s
    name = f"{crowd:,} guests " + (f"over {spread_s:g} s" if spread_s else "at one instant")
    late_ms = quantile([late for rush in rushes for late in rush.late_ms], 0.99)
    behind = f"the generator sent 1 % of the presses more than {late_ms:.0f} ms late"
    won = sum(rush.statuses[201] for rush in rushes)
    found = doubts(
        (
            # At one instant, sending is what takes the time.
            behind if spread_s and late_ms > LATE_MS_MAX else None,
            *(bottleneck(rush.server, rush.generator) for rush in rushes if spread_s),
            crowded([rush.server for rush in rushes]),
            None if won == len(rushes) else "a round went by in which nobody won",
        )
    )
    busy = sum(rush.statuses[503] for rush in rushes)
    note = (
        f"{won} times 201 in {len(rushes)} rounds, {busy} times BUSY, else 409;"
        f" 99 % of the presses sent within {late_ms:.1f} ms of being due"
    )
    took = [rush.took_ms for rush in rushes]
    for label, share in (("p50", 0.5), ("p99", 0.99)):
        yield Figure(
            name=f"{name}, {label}",
            unit="ms",
            samples=quantiles(took, share),
            note=note,
            doubts=found,
        )
