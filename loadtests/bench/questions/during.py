"""How long does a booking take while 8,000 sockets are told of a drop each second?

A hundred presses a second, evenly, each for a seat that nobody else wants, over REST: first while
nobody watches anything, then while the crowd watches another auction in `ticks` mode. A time runs
from the instant at which the press was due. The crowd is a process of its own, which gives way to
the one that measures.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from loadtests.bench.figures import Beside, Broken, Effort, Figure, doubts, quantiles
from loadtests.bench.http_load import Connection, connections, hang_up, press
from loadtests.bench.machine import Spell, crowded, generating
from loadtests.bench.pressing import at_a_pace
from loadtests.bench.product import Guest, Server, place
from loadtests.bench.sales import Sales, add, lately, now_ms, taken_over

CROWD = 8_000
DROP_MS = 1_000
PRESSES_PER_S = 100
CALLERS = 64
WATCHING_WITHIN_S = 60.0
ANSWER_TIMEOUT_S = 10.0


async def ask(effort: Effort) -> AsyncIterator[Figure]:
    """p50 and p99 of a booking, with and without the crowd."""
    rounds, presses = effort.of((4, 800), (2, 400))
    async with place() as at:
        guests = await at.guests(CALLERS)
        async with at.database() as database:
            seats = await add(database, 2 * rounds * presses, lately())
            start_ms = (now_ms() // DROP_MS - 4) * DROP_MS
            (watched,) = await add(database, 1, Sales(starts_at_ms=start_ms, drop_every_ms=DROP_MS))
        async with at.serving() as server, at.database() as database:
            await taken_over(database, seats)
            opened = await connections(server, CALLERS)
            stretches = [seats[n : n + presses] for n in range(0, len(seats), presses)]
            spells: list[Spell] = []
            alone, during = [], []
            for nth in range(rounds):
                mine = [_ms(server, opened, guests, each) for each in stretches[2 * nth :][:2]]
                alone.append(await mine[0])
                async with _watched(server, watched):
                    watch = server.stopwatch()
                    during.append(await mine[1])
                    spells.append(watch.spell())
            hang_up(opened)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        yield Figure(
            name=f"a booking while {CROWD:,} sockets hear a frame a second: {name}",
            unit="ms",
            samples=quantiles(during, share),
            beside=Beside("nobody watches", quantiles(alone, share)),
            note=f"{PRESSES_PER_S} presses a second; {spells[len(spells) // 2]}",
            doubts=doubts([crowded(spells)]),
        )


@asynccontextmanager
async def _watched(server: Server, auction: int) -> AsyncIterator[None]:
    """The crowd is there for as long as the block lasts. Raises Broken."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtests.bench.watching"),
        *(server.url, str(auction), str(CROWD)),
        stdout=PIPE,
    )
    assert process.stdout is not None, "piped"
    try:
        async with asyncio.timeout(WATCHING_WITHIN_S):
            if await process.stdout.readline() != b"watching\n":
                raise Broken(f"{CROWD:,} sockets could not all watch")
        yield
        if process.returncode is not None:
            raise Broken("the crowd was sent away")
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ms(
    server: Server, opened: Sequence[Connection], guests: Sequence[Guest], seats: Sequence[int]
) -> list[float]:
    """The time of each booking, in milliseconds. Raises Broken if one is refused."""
    requests = [
        press(server, guests[nth % len(guests)], seat, f"during-{seat:016d}")
        for nth, seat in enumerate(seats)
    ]
    with generating():
        async with asyncio.timeout(ANSWER_TIMEOUT_S + len(requests) / PRESSES_PER_S):
            return await at_a_pace(opened, requests, PRESSES_PER_S, 201, asyncio.Event())
