"""What do 200 log-ins at one instant cost everybody else?

Their passwords are right and hashed at cost 12, as in production, which takes a core for a quarter
of a second each: the server checks some, and tells the others at once when to come back. Meanwhile
50 presses a second go on, evenly, each for a seat that nobody else wants; before that the same,
with nobody logging in. Shown are their times, and how late the server's event loop was by its own
histogram. That is asked ten times a second and knows upper bounds only, so all rounds are taken
together for its p99.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import asyncpg
import orjson

from edge.hashing import HashLane
from engine.settings import Settings
from loadtests.bench import http_load
from loadtests.bench.figures import Beside, Broken, Effort, Figure, doubts, quantiles
from loadtests.bench.histogram import Buckets, buckets, within
from loadtests.bench.http_load import Answer, Connection, connections, hang_up
from loadtests.bench.machine import Spell, crowded, generating
from loadtests.bench.pressing import at_a_pace
from loadtests.bench.product import Guest, Place, Server, place
from loadtests.bench.sales import add, lately, taken_over

LOGINS = 200
BCRYPT_COST = 12
PRESSES_PER_S = 50
CALLERS = 64
BEFORE_S = 4.0
STORM_WITHIN_S = 60.0
LEAD_S = 0.2
"""From the first press to the log-ins."""
LAG = "hothour_loop_lag_seconds"
PASSWORD = "a long word for the bench"
_GIVEN = "update account set password_hash = $2 where id = any($1) returning email"


class Guarded(Place):
    """A place whose server works as hard for a password as in production."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._environment["HOTHOUR_BCRYPT_COST"] = str(BCRYPT_COST)


class Arrival(Connection):
    """Somebody who logs in once; all that is answered is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.said = b""

    def data_received(self, data: bytes) -> None:
        self.said += data
        super().data_received(data)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some presses, and how late the loop was meanwhile."""

    took_ms: Sequence[float]
    server: Spell
    before: Buckets
    after: Buckets


@dataclass(frozen=True, slots=True)
class Storm:
    """What came of the log-ins."""

    statuses: Counter[int]
    took_s: float
    """Until the last of them was answered."""


async def ask(effort: Effort) -> AsyncIterator[Figure]:
    """Loop lag, presses' times with and without the storm, what the log-ins heard."""
    rounds = effort.of(4, 2)
    presses = int(rounds * PRESSES_PER_S * (BEFORE_S + STORM_WITHIN_S))
    async with place() as empty, AsyncExitStack() as stack:
        at = Guarded(empty.folder)
        guests = await at.guests(LOGINS)
        async with at.database() as database:
            emails = await _give_password(database, guests)
            seats = await add(database, presses, lately())
        server = await stack.enter_async_context(at.serving())
        async with at.database() as database:
            await taken_over(database, seats)
        field = Field(server, guests, emails, await connections(server, CALLERS), iter(seats))
        before, during, storms = [], [], []
        for _ in range(rounds):
            before.append(await field.calm())
            stretch, storm = await field.stormy()
            during.append(stretch)
            storms.append(storm)
        hang_up(field.opened)
    for figure in _figures(before, during, storms):
        yield figure


async def _give_password(database: asyncpg.Connection, guests: Sequence[Guest]) -> list[str]:
    """One hash for all: that it is the same makes no check shorter. Their addresses."""
    lane = HashLane(Settings(bcrypt_cost=BCRYPT_COST))
    hashed = await lane.hash(PASSWORD)
    lane.close()
    rows = await database.fetch(_GIVEN, [guest.id for guest in guests], hashed)
    return [row["email"] for row in rows]


@dataclass(frozen=True, slots=True)
class Field:
    """Who presses and logs in where."""

    server: Server
    guests: Sequence[Guest]
    emails: Sequence[str]
    opened: Sequence[Connection]
    seats: Iterator[int]

    async def calm(self) -> Stretch:
        """Presses alone."""
        before = await self._lag()
        pressed = await self._press(int(BEFORE_S * PRESSES_PER_S), asyncio.Event())
        return Stretch(*pressed, before, await self._lag())

    async def stormy(self) -> tuple[Stretch, Storm]:
        """Presses for as long as log-ins are not all answered."""
        arrivals = await _arrivals(self.server, len(self.emails))
        requests = [login(self.server, email) for email in self.emails]
        most, over = int(STORM_WITHIN_S * PRESSES_PER_S), asyncio.Event()
        before = await self._lag()
        async with asyncio.TaskGroup() as group:
            pressing = group.create_task(self._press(most, over))
            await asyncio.sleep(LEAD_S)
            storm = await _storm(arrivals, requests)
            over.set()
        stretch = Stretch(*pressing.result(), before, await self._lag())
        hang_up(arrivals)
        return stretch, storm

    async def _press(self, most: int, over: asyncio.Event) -> tuple[list[float], Spell]:
        guests = self.guests
        requests = [
            http_load.press(self.server, guests[nth % len(guests)], seat, f"logins-{seat:016d}")
            for nth, seat in enumerate(islice(self.seats, most))
        ]
        with generating():
            watch = self.server.stopwatch()
            took_ms = await at_a_pace(self.opened, requests, PRESSES_PER_S, 201, over)
            return took_ms, watch.spell()

    async def _lag(self) -> Buckets:
        return buckets(await self.server.metrics(), LAG)


def login(server: Server, email: str) -> bytes:
    """The request that opens a session."""
    body = orjson.dumps({"email": email, "password": PASSWORD})
    head = (
        "POST /api/v1/auth/login HTTP/1.1\r\n"
        f"Host: {server.host}:{server.port}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _arrivals(server: Server, count: int) -> list[Arrival]:
    loop = asyncio.get_running_loop()
    opening = (loop.create_connection(Arrival, server.host, server.port) for _ in range(count))
    return [arrival for _, arrival in await asyncio.gather(*opening)]


async def _storm(arrivals: Sequence[Arrival], requests: Sequence[bytes]) -> Storm:
    """All of them at once. Raises Broken at an answer that is neither a session nor a `Retry-After`
    in a 503."""
    statuses: Counter[int] = Counter()
    done = asyncio.Event()

    def heard(_: Connection, answer: Answer, __: int) -> None:
        statuses[answer.status] += 1
        if statuses.total() == len(arrivals):
            done.set()

    began_s = time.perf_counter()
    for arrival, request in zip(arrivals, requests, strict=True):
        arrival.heard = heard
        arrival.send(request)
    try:
        async with asyncio.timeout(STORM_WITHIN_S):
            await done.wait()
    except TimeoutError:
        raise Broken(f"{statuses.total()} of {len(arrivals)} log-ins answered") from None
    took_s = time.perf_counter() - began_s
    if (wrong := unfit([arrival.said for arrival in arrivals])) is not None:
        raise Broken(f"a log-in was answered {wrong}")
    return Storm(statuses, took_s)


def unfit(answers: Sequence[bytes]) -> str | None:
    """The first answer that is neither 200 nor 503 with `Retry-After`, by its head."""
    for answer in answers:
        head = answer.partition(b"\r\n\r\n")[0].lower()
        status = head.split(b" ", 2)[1]
        if status != b"200" and not (status == b"503" and b"\r\nretry-after: " in head):
            return status.decode() + (" without Retry-After" if status == b"503" else "")
    return None


def summed(each: Sequence[Buckets]) -> Buckets:
    """Of several stretches together."""
    return {bound: sum(one[bound] for one in each) for bound in each[0]}


def _lag_ms(stretches: Sequence[Stretch], share: float) -> float:
    """Raises Broken if the server did not measure it."""
    bound_s = within(
        summed([stretch.before for stretch in stretches]),
        summed([stretch.after for stretch in stretches]),
        share,
    )
    if bound_s is None:
        raise Broken(f"the server noted no {LAG}")
    return bound_s * 1_000


def _figures(
    before: Sequence[Stretch], during: Sequence[Stretch], storms: Sequence[Storm]
) -> Iterator[Figure]:
    found = doubts([crowded([stretch.server for stretch in during])])
    calm = f"before it {_lag_ms(before, 0.99):g} ms at p99, {_lag_ms(before, 1.0):g} ms at most"
    name = f"{LOGINS} log-ins at once"
    for label, samples in (
        ("p99", (_lag_ms(during, 0.99),)),
        ("max", tuple(_lag_ms([stretch], 1.0) for stretch in during)),
    ):
        yield Figure(
            name=f"{name}: loop lag, {label}",
            unit="ms",
            samples=samples,
            note=f"upper bounds; {calm}; {during[0].server}",
            doubts=found,
        )
    for label, share in (("p50", 0.5), ("p99", 0.99)):
        yield Figure(
            name=f"{name}: a booking, {label}",
            unit="ms",
            samples=quantiles([stretch.took_ms for stretch in during], share),
            beside=Beside("before it", quantiles([each.took_ms for each in before], share)),
            note=f"{PRESSES_PER_S} presses a second, from the instant each was due",
            doubts=found,
        )
    took = " ".join(f"{storm.took_s:.1f}" for storm in storms)
    told = " ".join(str(storm.statuses[503]) for storm in storms)
    yield Figure(
        name=f"{name}: answered 200",
        unit="",
        samples=tuple(float(storm.statuses[200]) for storm in storms),
        note=f"503 with Retry-After: {told}, and nothing else; all answered after {took} s",
        doubts=doubts([None if all(s.statuses[200] for s in storms) else "nobody got in"]),
    )
