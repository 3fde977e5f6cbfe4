"""What does a press that comes too late cost: statements, answers a second, processor time?

Statements are counted in PostgreSQL's own log (`log_statement = all`), not in ours: a stretch in
which 1,000 guests, none seen before, lose over REST, against the stretch of the same length before
it in which nobody does anything; the difference is theirs. The background's statements come by
timers, so two stretches may differ by a few; texts that never occur while all is quiet are counted
apart, and there must be none.

Then connections that press again as soon as they are answered, in turns: over REST beside aiohttp's
empty handler, which gets the same bytes, and over the live channel beside aiohttp's bare echo; both
beside the seed stack, whose loser costs its database a failing INSERT.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count

import asyncpg

from loadtests.bench import beside, http_load, live_load
from loadtests.bench.beside import Contestant
from loadtests.bench.figures import Beside, Broken, Effort, Figure, doubts
from loadtests.bench.http_load import Connection, connections
from loadtests.bench.live_load import sign_in, watchers
from loadtests.bench.machine import bottleneck, crowded
from loadtests.bench.pressing import Next, Pressed, over_http, over_sockets, template
from loadtests.bench.product import Guest, Place, Server, place
from loadtests.bench.sales import add, lately, now_ms
from loadtests.bench.seed import Seed, also, seed_stack
from loadtests.bench.statements import statements

LOSERS = 1_000
STRETCH_S = 4.0
CALLERS = 64
"""Connections that press at the same time."""
ANSWERS_MIN = 1_000
_KEY = "losers-000000000"
_LOG_ALL = "alter system set log_statement = 'all'"
_LOG_AS_BEFORE = "alter system reset log_statement"
_RELOAD = "select pg_reload_conf()"
_TAKES_EFFECT_S = 0.5


async def ask(effort: Effort) -> AsyncIterator[Figure]:
    """Statements, then answers a second and their price, each beside what it is compared with."""
    stretches, rounds, round_s = effort.of((3, 5, 3.0), (1, 3, 1.0))
    async with place() as at, AsyncExitStack() as stack:
        winner, *guests = await at.guests(1 + stretches * LOSERS)
        server = await stack.enter_async_context(at.serving())
        database = await stack.enter_async_context(at.database())
        (sold,) = await add(database, 1, lately())
        await _sell(server, winner, sold)
        yield await _statements(at, server, database, guests, sold)
        bare = await stack.enter_async_context(beside.bare_aiohttp())
        peer = await stack.enter_async_context(seed_stack())
        looking = await stack.enter_async_context(also(peer, "--look-first"))
        field = Field(server, bare, guests[:CALLERS], sold)
        turns = [await field.turn(round_s, peer, looking) for _ in range(rounds)]
    for figure in _figures(turns):
        yield figure


async def _sell(server: Server, winner: Guest, seat: int) -> None:
    (buyer,) = await connections(server, 1)
    bought = await buyer.ask(http_load.press(server, winner, seat, _KEY))
    buyer.close()
    if bought.status != 201:
        raise Broken(f"the first press was answered {bought.status}")


# --- statements ----------------------------------------------------------------------------------


async def _statements(
    at: Place,
    server: Server,
    database: asyncpg.Connection,
    guests: Sequence[Guest],
    sold: int,
) -> Figure:
    opened = await connections(server, CALLERS)
    await _log(database, _LOG_ALL)
    quiet: list[Counter[str]] = []
    loud: list[Counter[str]] = []
    for first in range(0, len(guests), LOSERS):
        losers = guests[first : first + LOSERS]
        async with _stretch(at, quiet):
            pass
        async with _stretch(at, loud):
            await _lose(server, opened, losers, sold)
    await _log(database, _LOG_AS_BEFORE)
    http_load.hang_up(opened)
    known = set().union(*quiet)
    new = sum(count for said in loud for text, count in said.items() if text not in known)
    idle = [said.total() for said in quiet]
    busy = [said.total() for said in loud]
    return Figure(
        name=f"statements for {LOSERS:,} losers",
        unit="",
        samples=tuple(float(b - i) for i, b in zip(idle, busy, strict=True)),
        note=(
            f"{STRETCH_S:g} s each: quiet {_list(idle)}, with {LOSERS:,} losers {_list(busy)};"
            f" statements with a text unknown while quiet: {new}"
        ),
        doubts=doubts([None if min(idle) else "PostgreSQL's log shows no statements at all"]),
    )


def _list(counts: Sequence[int]) -> str:
    return " ".join(map(str, counts))


async def _log(database: asyncpg.Connection, change: str) -> None:
    await database.execute(change)
    await database.execute(_RELOAD)
    await asyncio.sleep(_TAKES_EFFECT_S)


@asynccontextmanager
async def _stretch(at: Place, counts: list[Counter[str]]) -> AsyncIterator[None]:
    """Count what is asked of PostgreSQL in STRETCH_S, whatever happens in the block."""
    said_before, until_s = len(at.database_log()), time.perf_counter() + STRETCH_S
    yield
    left_s = until_s - time.perf_counter()
    if left_s < 0:
        raise Broken(f"{LOSERS:,} presses took more than {STRETCH_S:g} s")
    await asyncio.sleep(left_s)
    counts.append(statements(at.database_log()[said_before:].decode()))


async def _lose(
    server: Server, opened: Sequence[Connection], losers: Sequence[Guest], sold: int
) -> None:
    """Each of them presses once."""
    waiting = iter(losers)

    async def press_on(connection: Connection) -> None:
        for guest in waiting:
            key = f"lost-{guest.id:016d}"
            answer = await connection.ask(http_load.press(server, guest, sold, key))
            if answer.status != 409:
                raise Broken(f"a press for a sold seat was answered {answer.status}")

    await asyncio.gather(*map(press_on, opened))


# --- answers a second ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Turn:
    """One round of each."""

    rest: Pressed
    empty: Pressed
    live: Pressed
    echo: Pressed
    seed: Pressed
    looking: Pressed
    """The seed stack, when it looks first whether the seat is sold."""


class Field:
    """Who loses where."""

    def __init__(self, server: Server, bare: Server, guests: Sequence[Guest], sold: int) -> None:
        self._product = beside.alone("HotHour", server)
        self._bare = beside.alone("aiohttp", bare)
        self._guests = guests
        self._sold = sold
        self._numbers = count()

    async def turn(self, round_s: float, peer: Seed, looking: Seed) -> Turn:
        """Each once, for so long."""
        return Turn(
            rest=await self._over_http(self._product, 409, round_s),
            empty=await self._over_http(self._bare, 200, round_s),
            live=await self._over_live(round_s),
            echo=await self._echoed(round_s),
            seed=await self._at_seed(peer, round_s),
            looking=await self._at_seed(looking, round_s),
        )

    async def _over_http(self, contestant: Contestant, right: int, round_s: float) -> Pressed:
        forms = [
            template(http_load.press(self._product.server, guest, self._sold, _KEY), _KEY)
            for guest in self._guests
        ]
        return await over_http(contestant, len(forms), self._numbered(forms), right, round_s)

    async def _over_live(self, round_s: float) -> Pressed:
        opened = await watchers(self._product.server, len(self._guests))
        for socket, guest in zip(opened, self._guests, strict=True):
            await sign_in(socket, guest)
        return await over_sockets(self._product, opened, self._pressed(), b'"SOLD"', round_s)

    async def _echoed(self, round_s: float) -> Pressed:
        opened = await watchers(self._bare.server, len(self._guests))
        return await over_sockets(self._bare, opened, self._pressed(), b'"book"', round_s)

    async def _at_seed(self, peer: Seed, round_s: float) -> Pressed:
        (sold,) = await peer.auctions(1, now_ms() - 60_000)
        (buyer,) = await connections(peer.server, 1)
        if (bought := await buyer.ask(peer.press(1, sold))).status != 201:
            raise Broken(f"{peer.contestant.name}: the first press was answered {bought.status}")
        buyer.close()
        requests = [peer.press(2 + nth, sold) for nth in range(len(self._guests))]
        return await over_http(
            peer.contestant, len(requests), lambda nth: requests[nth], 409, round_s
        )

    def _pressed(self) -> Next:
        form = template(live_load.press(self._sold, _KEY), _KEY)
        return self._numbered([form] * len(self._guests))

    def _numbered(self, forms: Sequence[Callable[[int], bytes]]) -> Next:
        return lambda nth: forms[nth](next(self._numbers))


def _figures(turns: Sequence[Turn]) -> Iterator[Figure]:
    rest, live = [turn.rest for turn in turns], [turn.live for turn in turns]
    empty, echo = [turn.empty for turn in turns], [turn.echo for turn in turns]
    peer, looking = [turn.seed for turn in turns], [turn.looking for turn in turns]
    yield _per_s("losers over REST", rest)
    yield _per_s("losers over the live channel", live, Beside("REST", _rates(rest)))
    yield _cost("server's processor time for one, REST", rest, "aiohttp's empty handler", empty)
    yield _cost("the same, live channel", live, "aiohttp's bare echo", echo)
    yield _whole_cost("one at the seed stack, with PostgreSQL", peer, "REST", rest)
    yield _whole_cost("the same", peer, "live channel", live)
    yield _whole_cost("one at a seed stack that looks first", looking, "REST", rest)


def _rates(rounds: Sequence[Pressed]) -> tuple[float, ...]:
    return tuple(pressed.per_s for pressed in rounds)


def _per_s(name: str, rounds: Sequence[Pressed], compared: Beside | None = None) -> Figure:
    usual = sorted(rounds, key=lambda pressed: pressed.server.waited_share)[len(rounds) // 2]
    return Figure(
        name=name,
        unit="/s",
        samples=_rates(rounds),
        beside=compared,
        note=f"{CALLERS} callers; {usual.server}; {usual.generator}",
        doubts=doubts(
            (
                *(bottleneck(pressed.server, pressed.generator) for pressed in rounds),
                *_doubts(rounds),
            )
        ),
    )


def _doubts(rounds: Sequence[Pressed]) -> tuple[str, ...]:
    return doubts(
        (
            crowded([pressed.server for pressed in rounds]),
            "hardly any answers" if min(p.answers for p in rounds) < ANSWERS_MIN else None,
        )
    )


def _cost(name: str, mine: Sequence[Pressed], other: str, its: Sequence[Pressed]) -> Figure:
    """Processor time of the two servers alone."""
    return Figure(
        name=name,
        unit="us",
        samples=tuple(pressed.cpu_us or 0.0 for pressed in mine),
        beside=Beside(other, tuple(pressed.cpu_us or 0.0 for pressed in its)),
        doubts=_doubts([*mine, *its]),
    )


def _whole_cost(name: str, mine: Sequence[Pressed], other: str, its: Sequence[Pressed]) -> Figure:
    """Processor time with that of the databases."""
    return Figure(
        name=name,
        unit="us",
        samples=tuple(pressed.whole_cpu_us or 0.0 for pressed in mine),
        beside=Beside(f"HotHour, {other}", tuple(p.whole_cpu_us or 0.0 for p in its)),
        doubts=_doubts(its),  # the seed stack shares its core with its database, always,
    )
