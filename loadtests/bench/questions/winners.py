"""How many durable bookings of distinct auctions a second over HTTP, and what does one cost?

Everybody wins: each press is for a seat nobody else wants. The product answers after its commit
with everything in (key, event, outbox row); beside it, in turns, the seed stack with a transaction
a booking. Each has a PostgreSQL of its own with fsync, full_page_writes and synchronous_commit on;
all of that shares the server's core, and the processor time of a booking is that of all.

The product also writes each guest a mail in the same process, which the seed stack does not, and it
does so until long after the answers: there is one price until all are answered, and one until
nothing is left to do. A server that stands in line for its core stands behind its own database.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import islice

import asyncpg

from loadtests.bench import beside, http_load
from loadtests.bench.beside import Contestant
from loadtests.bench.deliveries import rest
from loadtests.bench.figures import Beside, Broken, Effort, Figure, doubts, quantile
from loadtests.bench.machine import bottleneck
from loadtests.bench.pressing import Pressed, over_http
from loadtests.bench.product import Guest, place
from loadtests.bench.sales import add, lately, now_ms, taken_over
from loadtests.bench.seed import Seed, seed_stack

CALLERS = (64, 256)
"""Connections that press at the same time."""
AT_MOST_S = 30.0

_HELD = "select count(*) from reservation where auction_id = any($1)"
_HELD_BY_SEED = "select count(*) from seed.reservation where auction_id = any($1)"


@dataclass(frozen=True, slots=True)
class Turn:
    """One round of each."""

    product: Pressed
    seed: Pressed
    mailed_cpu_us: float
    """The product's processor time a booking until its mail is written, too."""


async def ask(effort: Effort) -> AsyncIterator[Figure]:
    """Bookings a second, the price of one, and how long it takes; each beside the seed stack."""
    rounds, bookings = effort.of((3, 1_500), (2, 600))
    async with place() as at, seed_stack() as peer, AsyncExitStack() as stack:
        guests = await at.guests(max(CALLERS))
        async with at.database() as database:
            auctions = await add(database, len(CALLERS) * rounds * bookings, lately())
        server = await stack.enter_async_context(at.serving())
        database = await stack.enter_async_context(at.database())
        await taken_over(database, auctions)
        await asyncio.to_thread(rest, server.pid)
        left = iter(auctions)
        product = beside.alone("HotHour", server)
        for callers in CALLERS:
            turns = []
            for _ in range(rounds):
                before_s = product.cpu_s()
                mine = await _book(product, database, guests, callers, [*islice(left, bookings)])
                mailed_us = ((product.cpu_s() or 0.0) - (before_s or 0.0)) * 1e6 / bookings
                turns.append(Turn(mine, await _book_at_seed(peer, callers, bookings), mailed_us))
            for figure in _figures(callers, turns):
                yield figure


async def _book(
    product: Contestant,
    database: asyncpg.Connection,
    guests: Sequence[Guest],
    callers: int,
    auctions: Sequence[int],
) -> Pressed:
    """The seat of each of them; their actors are there already."""
    requests = [
        http_load.press(
            product.server, guests[nth % len(guests)], auction, f"winners-{auction:016d}"
        )
        for nth, auction in enumerate(auctions)
    ]
    pressed = await _press(product, callers, requests)
    await asyncio.to_thread(rest, product.server.pid)  # what follows a booking, off the seed's core
    _check(product, await database.fetchval(_HELD, auctions), len(auctions))
    return pressed


async def _book_at_seed(peer: Seed, callers: int, bookings: int) -> Pressed:
    auctions = await peer.auctions(bookings, now_ms() - 60_000)
    requests = [peer.press(nth + 1, auction) for nth, auction in enumerate(auctions)]
    pressed = await _press(peer.contestant, callers, requests)
    _check(peer.contestant, await peer.database.fetchval(_HELD_BY_SEED, auctions), bookings)
    return pressed


async def _press(contestant: Contestant, callers: int, requests: Sequence[bytes]) -> Pressed:
    waiting = iter(requests)
    pressed = await over_http(contestant, callers, lambda _: next(waiting, None), 201, AT_MOST_S)
    if next(waiting, None) is not None:
        raise Broken(f"{contestant.name}: not all booked within {AT_MOST_S:g} s")
    return pressed


def _check(contestant: Contestant, held: int, bookings: int) -> None:
    if held != bookings:
        raise Broken(f"{contestant.name}: {bookings:,} times 201, and {held:,} reservations")


def _figures(callers: int, turns: Sequence[Turn]) -> Iterator[Figure]:
    mine, its = [turn.product for turn in turns], [turn.seed for turn in turns]
    usual = mine[len(mine) // 2]
    note = f"each waits for its answer; {usual.server}; {usual.generator}"
    slow = doubts(bottleneck(pressed.server, pressed.generator) for pressed in mine)
    yield Figure(
        name=f"durable bookings over HTTP, {callers} callers",
        unit="/s",
        samples=tuple(pressed.per_s for pressed in mine),
        beside=Beside("the seed stack", tuple(pressed.per_s for pressed in its)),
        note=note,
        doubts=slow,
    )
    yield Figure(
        name=f"the same, p50, {callers} callers",
        unit="ms",
        samples=tuple(quantile(pressed.took_ms, 0.5) for pressed in mine),
        beside=Beside("the seed stack", tuple(quantile(pressed.took_ms, 0.5) for pressed in its)),
    )
    yield Figure(
        name=f"a booking at the seed stack, with PostgreSQL, {callers} callers",
        unit="us",
        samples=tuple(pressed.whole_cpu_us or 0.0 for pressed in its),
        beside=Beside("HotHour", tuple(pressed.whole_cpu_us or 0.0 for pressed in mine)),
    )
    yield Figure(
        name=f"a booking and its mail, with PostgreSQL, {callers} callers",
        unit="us",
        samples=tuple(turn.mailed_cpu_us for turn in turns),
        note="until the server had nothing left to do",
    )
