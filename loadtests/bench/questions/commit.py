"""How many durable bookings of distinct auctions a second: group commit, or a transaction each?

Group commit is the product's own committer on its own store, everything in: keys, events, outbox,
isolation of offenders; its entries are made by the product's own rules. Beside it what one would
write without it: three statements in a transaction (the auction by compare-and-set, the
reservation, the event; no key, no outbox) on a pool of 32 connections, 64 at once. And the limit:
the bare batch (bare_batch.py), gathered the same way. All in this process, in turns, on auctions
of their own, on one embedded PostgreSQL with fsync, full_page_writes and synchronous_commit on, its
tables never analysed by us. Nothing is pinned: this process and the database share all cores either
way, and processor time counts both.

And one booking alone, beside one statement that does the three things at once.
"""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from uuid import uuid4

import asyncpg

from engine.clock import AnchoredClock
from engine.committer import Committer
from engine.domain import codes
from engine.domain.messages import Arrival, Book
from engine.errors import Busy
from engine.mailbox import Envelope
from engine.ports.commit import Committed, Entry
from engine.ports.telemetry import Silent
from engine.settings import Settings
from engine.store.postgres.commit import PostgresCommitStore
from engine.store.postgres.pool import ConnectSettings, assert_safe, connect, open_pool
from engine.turn import Turn
from loadtests.bench.bare_batch import BareBatch, bare_batches
from loadtests.bench.figures import Beside, Broken, Effort, Figure, quantile, quantiles
from loadtests.bench.machine import use
from loadtests.bench.product import place
from loadtests.bench.sales import add, lately, now_ms

WAITING = (64, 256, 1_000)
BOOKINGS = {64: 8_000, 256: 12_000, 1_000: 20_000}
EACH_BOOKINGS = 5_000
EACH_AT_ONCE = 64
EACH_CONNECTIONS = 32
ALONE = 200
GUESTS = 5_000
TAKEN_AT_ONCE = 5_000

_GUESTS = """
insert into account (email, full_name, gender, email_verified_at)
select format('guest%s@bench.example', n), 'Guest', 'FEMALE', now()
from generate_series(1, $1::int) n returning id
"""
_UPDATE = """
update auction set revision = $2, status = 'SOLD', seats_left = 0, frozen_at = $3
where id = $1 and revision = $4 and fence = $5
"""
_RESERVE = """
insert into reservation (id, auction_id, user_id, seat_no, price, code, revision, accepted_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_RECORD = """
insert into event (auction_id, revision, kind, at, payload, commit_id)
values ($1, $2, 'booked', $3, $4, $5)
"""
_AT_ONCE = """
with sold as (
    update auction set revision = $2, status = 'SOLD', seats_left = 0, frozen_at = $3
    where id = $1 and revision = $4 and fence = $5 returning id
), held as (
    insert into reservation (id, auction_id, user_id, seat_no, price, code, revision, accepted_at)
    select $6, id, $7, $8, $9, $10, $2, $3 from sold
)
insert into event (auction_id, revision, kind, at, payload, commit_id)
select id, $2, 'booked', $3, $11, $12 from sold
"""

Act = Callable[[Entry], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Round:
    """What so many at once did."""

    per_s: float
    cpu_us: float
    """Processor time of one: this process and PostgreSQL's backends."""
    took_ms: Sequence[float]


class Draw:
    """Numbers and codes nobody else draws here; the product's own come from the database."""

    def __init__(self) -> None:
        self._number = 0
        self._rng = Random(1)
        self._drawn: set[str] = set()

    def reservation_id(self) -> int:
        self._number += 1
        return self._number

    def notice_id(self) -> int:
        return self.reservation_id()

    def code(self) -> str:
        while (code := codes.draw(self._rng)) in self._drawn:
            pass
        self._drawn.add(code)
        return code


class Till:
    """Where entries come from, and both ways to make them durable."""

    def __init__(
        self,
        database: asyncpg.Connection,
        store: PostgresCommitStore,
        committer: Committer,
        pool: asyncpg.Pool,
        bare: BareBatch,
        guests: Sequence[int],
    ) -> None:
        self.booked = 0
        """Bookings that were confirmed."""
        self.busy = 0
        """Times somebody had to ask again."""
        self.database = database
        self._store = store
        self._committer = committer
        self._pool = pool
        self._bare = bare
        self._guests = guests
        self._draw = Draw()

    async def entries(self, count: int) -> list[Entry]:
        """The winning press of each of so many new auctions, not committed yet."""
        ids = await add(self.database, count, lately())
        loop = asyncio.get_running_loop()
        made: list[Entry] = []
        for first in range(0, count, TAKEN_AT_ONCE):
            for loaded in await self._store.take_over(ids[first : first + TAKEN_AT_ONCE]):
                guest = self._guests[len(made) % len(self._guests)]
                key = f"commit-{loaded.state.auction.id:016d}"
                turn = Turn(loaded.state, loaded.fence, self._draw)
                press = Book(guest, "FEMALE", key)
                turn.take(Envelope(press, Arrival(now_ms(), 1), loop.create_future()))
                assert turn.offers is not None, "the sale is live and its seat is free"
                made.append(turn.offers)
        await self.database.execute("checkpoint", timeout=60)
        return made

    async def together(self, entry: Entry) -> None:
        """The product's way: whoever hears BUSY (nothing was done) asks again."""
        while True:
            try:
                outcome = await self._committer.commit(entry)
                break
            except Busy:
                self.busy += 1
        if not isinstance(outcome, Committed):
            raise Broken(f"a booking was not committed: {outcome}")
        self.booked += 1

    async def each(self, entry: Entry) -> None:
        """A transaction of three statements."""
        sold, held, told = _rows(entry)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_UPDATE, *sold)
            await connection.execute(_RESERVE, *held)
            await connection.execute(_RECORD, *told)
        self.booked += 1

    async def barely(self, entry: Entry) -> None:
        """As part of a bare batch."""
        await self._bare.commit(entry)
        self.booked += 1

    async def cpu_s(self) -> float:
        """Processor time so far, of this process and of every backend there is."""
        pids = await self.database.fetch("select pid from pg_stat_activity where pid is not null")
        uses = [use(row["pid"]) for row in pids]
        return time.process_time() + sum(each.cpu_s for each in uses if each is not None)

    async def bare(self) -> Act:
        """One statement, prepared, on one connection."""
        prepared = await self.database.prepare(_AT_ONCE)

        async def act(entry: Entry) -> None:
            sold, held, told = _rows(entry)
            number, _, guest, seat_no, price, code, *_ = held
            await prepared.fetch(*sold, number, guest, seat_no, price, code, *told[3:])
            self.booked += 1

        return act


def _rows(entry: Entry) -> tuple[tuple[object, ...], tuple[object, ...], tuple[object, ...]]:
    """An entry's auction, reservation and event, as statements of one row take them."""
    (held,), (event,) = entry.booked, entry.events
    sold = (entry.auction_id, event.revision, event.at_ms, entry.expected, entry.fence)
    seat = (held.id, held.auction_id, held.user_id, held.seat_no, held.price, held.code)
    payload = {"price": event.price, "seats_left": 0}
    return (
        sold,
        (*seat, held.revision, held.accepted_at_ms),
        (entry.auction_id, event.revision, event.at_ms, payload, uuid4()),
    )


async def ask(effort: Effort) -> AsyncIterator[Figure]:
    """Bookings a second, their times, and one alone."""
    rounds = effort.of(5, 2)
    async with place() as at:
        await at.run("migrate")
        async with at.address() as dsn, _open(dsn) as till:
            await _warm_up(till)
            each: list[Round] = []
            groups: dict[int, list[Round]] = {waiting: [] for waiting in WAITING}
            bares: dict[int, list[Round]] = {waiting: [] for waiting in WAITING}
            for _ in range(rounds):
                each.append(await _crowd(till, till.each, EACH_BOOKINGS, EACH_AT_ONCE))
                for waiting, done in groups.items():
                    bares[waiting].append(
                        await _crowd(till, till.barely, BOOKINGS[waiting], waiting)
                    )
                    done.append(await _crowd(till, till.together, BOOKINGS[waiting], waiting))
            for figure in _crowd_figures(groups, each, f"{till.busy} times BUSY in all"):
                yield figure
            for figure in _limit_figures(groups, bares):
                yield figure
            yield await _alone(till, rounds)
            held = await till.database.fetchval("select count(*) from reservation")
            if held != till.booked:
                raise Broken(f"{till.booked} bookings were confirmed and {held} are there")


@asynccontextmanager
async def _open(dsn: str) -> AsyncIterator[Till]:
    settings = Settings()
    clock = AnchoredClock(
        step_ms_max=settings.clock_step_ms_max,
        slew_ppm=settings.clock_slew_ppm,
        ahead_ms_max=settings.high_water_ahead_ms_max,
    )
    store = PostgresCommitStore(dsn, settings)
    committer = Committer(store, clock, Random(2), settings, Silent())
    database = await connect(dsn, profile="commit")
    pool = await open_pool(dsn, ConnectSettings(catalog_connections_max=EACH_CONNECTIONS))
    try:
        await assert_safe(database, allow_unsafe=False)
        await committer.start()
        await committer.connected()
        guests = [row["id"] for row in await database.fetch(_GUESTS, GUESTS)]
        most, flights = settings.commit_batch_max, settings.commit_flights
        async with bare_batches(dsn, most=most, flights=flights) as bare:
            yield Till(database, store, committer, pool, bare, guests)
    finally:
        await committer.stop()
        await pool.close()
        await database.close()
        await store.close()


async def _warm_up(till: Till) -> None:
    """Connections opened, statements prepared, pages touched."""
    for act in (till.each, till.barely, till.together):
        await _crowd(till, act, 2_000, EACH_AT_ONCE)


async def _crowd(till: Till, act: Act, count: int, at_once: int) -> Round:
    """So many bookings, always so many waiting."""
    entries = await till.entries(count)
    took_ms: list[float] = []
    left: Iterator[Entry] = iter(entries)

    async def book_on() -> None:
        for entry in left:
            began_s = time.perf_counter()
            await act(entry)
            took_ms.append((time.perf_counter() - began_s) * 1_000)

    # What is made before, by the thousand, is no garbage: as in a server after its start.
    gc.collect()
    gc.freeze()
    began_s, before_s = time.perf_counter(), await till.cpu_s()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(book_on())
    took_s = time.perf_counter() - began_s
    used_s = await till.cpu_s() - before_s
    gc.unfreeze()
    return Round(count / took_s, used_s / count * 1e6, took_ms)


def _crowd_figures(
    groups: dict[int, list[Round]], each: Sequence[Round], note: str
) -> Iterator[Figure]:
    beside = Beside("a transaction each", tuple(done.per_s for done in each))
    for waiting, rounds in groups.items():
        yield Figure(
            name=f"group commit, {waiting:,} waiting",
            unit="/s",
            samples=tuple(done.per_s for done in rounds),
            beside=beside,
            note=note,
        )
    p50s = quantiles([done.took_ms for done in each], 0.5)
    for waiting, rounds in groups.items():
        yield Figure(
            name=f"group commit, {waiting:,} waiting, p50",
            unit="ms",
            samples=quantiles([done.took_ms for done in rounds], 0.5),
            beside=Beside("a transaction each", p50s),
            note=note,
        )


def _limit_figures(
    groups: dict[int, list[Round]], bares: dict[int, list[Round]]
) -> Iterator[Figure]:
    for waiting, rounds in groups.items():
        yield Figure(
            name=f"the same, {waiting:,} waiting",
            unit="/s",
            samples=tuple(done.per_s for done in rounds),
            beside=Beside("bare batch", tuple(done.per_s for done in bares[waiting])),
        )
        yield Figure(
            name=f"processor time of one, {waiting:,} waiting",
            unit="us",
            samples=tuple(done.cpu_us for done in rounds),
            beside=Beside("bare batch", tuple(done.cpu_us for done in bares[waiting])),
            note="this process and the database together",
        )


async def _alone(till: Till, rounds: int) -> Figure:
    ours, bare = [], []
    act = await till.bare()
    for _ in range(rounds):
        ours.append(quantile((await _crowd(till, till.together, ALONE, 1)).took_ms, 0.5))
        bare.append(quantile((await _crowd(till, act, ALONE, 1)).took_ms, 0.5))
    return Figure(
        name="one booking alone, p50",
        unit="ms",
        samples=tuple(ours),
        beside=Beside("a bare statement", tuple(bare)),
    )
