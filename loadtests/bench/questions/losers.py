"""What does a press that comes too late cost: statements, answers a second, processor time?

Statements are counted in PostgreSQL's own log (`log_statement = all`), not in ours: a stretch in
which 1,000 guests, none seen before, lose over REST, against the stretch of the same length before
it in which nobody does anything; the difference is theirs. The background's statements come by
timers, so two stretches may differ by a few; texts that never occur while all is quiet are counted
apart, and there must be none.

Answers a second are those of connections that press again as soon as they are answered, over REST
and over the live channel in turns.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import asyncpg

from loadtests.bench import http_load, live_load
from loadtests.bench.figures import Beside, Broken, Effort, Figure, doubts
from loadtests.bench.http_load import Answer, Connection, connections
from loadtests.bench.live_load import LiveSocket, sign_in, watchers
from loadtests.bench.machine import Spell, Stopwatch, bottleneck, crowded, generating
from loadtests.bench.product import Guest, Place, Server, place
from loadtests.bench.sales import add, lately
from loadtests.bench.statements import statements

LOSERS = 1_000
STRETCH_S = 4.0
CALLERS = 64
"""Connections that press at the same time."""
ANSWERS_MIN = 1_000
_LOG_ALL = "alter system set log_statement = 'all'"
_LOG_AS_BEFORE = "alter system reset log_statement"
_RELOAD = "select pg_reload_conf()"
_TAKES_EFFECT_S = 0.5


@dataclass(frozen=True, slots=True)
class Closed:
    """What some callers did for some time."""

    answers: int
    server: Spell
    generator: Spell

    @property
    def per_s(self) -> float:
        return self.answers / self.server.wall_s

    @property
    def cpu_us(self) -> float | None:
        """The server's processor time an answer."""
        used = self.server.used
        return None if used is None else used.cpu_s * 1e6 / self.answers


async def ask(effort: Effort) -> AsyncIterator[Figure]:
    """Statements, then answers a second and their price on both channels."""
    stretches, rounds, round_s = effort.of((3, 5, 4.0), (1, 2, 2.0))
    async with place() as at:
        winner, *guests = await at.guests(1 + stretches * LOSERS)
        async with at.serving() as server, at.database() as database:
            (sold,) = await add(database, 1, lately())
            (buyer,) = await connections(server, 1)
            bought = await buyer.ask(http_load.press(server, winner, sold, _key(0)))
            if bought.status != 201:
                raise Broken(f"the first press was answered {bought.status}")
            yield await _statements(at, server, database, guests, sold)
            callers = guests[:CALLERS]
            rest, live = [], []
            for _ in range(rounds):
                rest.append(await _over_rest(server, callers, sold, round_s))
                live.append(await _over_live(server, callers, sold, round_s))
    for figure in (*_figures("REST", rest, None), *_figures("live channel", live, rest)):
        yield figure


def _key(nth: int) -> str:
    return f"losers-{nth:016d}"


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


class _Callers:
    """Counts answers, and keeps everybody pressing until it is over."""

    def __init__(self) -> None:
        self.answers = 0
        self.wrong = ""
        self._keys = 0
        self._pressing = True

    def next_key(self) -> str | None:
        """For the next press; None when it is over."""
        self._keys += 1
        return _key(self._keys) if self._pressing else None

    async def measure(self, server: Server, round_s: float) -> Closed:
        """Let them press for so long."""
        server_watch, own_watch = server.stopwatch(), Stopwatch("generator", os.getpid())
        before = self.answers
        await asyncio.sleep(round_s)
        closed = Closed(self.answers - before, server_watch.spell(), own_watch.spell())
        self._pressing = False
        if self.wrong:
            raise Broken(f"a press for a sold seat was answered {self.wrong}")
        return closed


async def _over_rest(server: Server, guests: Sequence[Guest], sold: int, round_s: float) -> Closed:
    callers = _Callers()
    opened = await connections(server, len(guests))

    def go_on(guest: Guest, connection: Connection, answer: Answer | None, _: int) -> None:
        if answer is not None:
            callers.answers += 1
            if answer.status != 409:
                callers.wrong = str(answer.status)
        if (key := callers.next_key()) is not None:
            connection.send(http_load.press(server, guest, sold, key))

    with generating():
        for connection, guest in zip(opened, guests, strict=True):
            connection.heard = partial(go_on, guest)
            go_on(guest, connection, None, 0)
        closed = await callers.measure(server, round_s)
    http_load.hang_up(opened)
    return closed


async def _over_live(server: Server, guests: Sequence[Guest], sold: int, round_s: float) -> Closed:
    callers = _Callers()
    opened = await watchers(server, len(guests))
    for socket, guest in zip(opened, guests, strict=True):
        await sign_in(socket, guest)

    def go_on(socket: LiveSocket, payload: bytes) -> None:
        if payload:
            callers.answers += 1
            if b'"SOLD"' not in payload:
                callers.wrong = payload.decode()
        if (key := callers.next_key()) is not None:
            socket.send(live_load.press(sold, key))

    with generating():
        for socket in opened:
            socket.heard = go_on
            go_on(socket, b"")
        closed = await callers.measure(server, round_s)
    live_load.hang_up(opened)
    return closed


def _figures(
    channel: str, rounds: Sequence[Closed], other: Sequence[Closed] | None
) -> Iterator[Figure]:
    usual = sorted(rounds, key=lambda closed: closed.server.waited_share)[len(rounds) // 2]
    found = doubts(
        (
            *(bottleneck(closed.server, closed.generator) for closed in rounds),
            crowded([closed.server for closed in rounds]),
            "hardly any answers" if min(c.answers for c in rounds) < ANSWERS_MIN else None,
        )
    )
    yield Figure(
        name=f"losers over the {channel}" if other else f"losers over {channel}",
        unit="/s",
        samples=tuple(closed.per_s for closed in rounds),
        beside=None if other is None else Beside("REST", tuple(c.per_s for c in other)),
        note=f"{CALLERS} callers; {usual.server}; {usual.generator}",
        doubts=found,
    )
    costs = tuple(closed.cpu_us for closed in rounds if closed.cpu_us is not None)
    if len(costs) == len(rounds):
        yield Figure(
            name=f"server's processor time for one, {channel}",
            unit="us",
            samples=costs,
            beside=None
            if other is None
            else Beside("REST", tuple(closed.cpu_us or 0.0 for closed in other)),
        )
