"""A member's way to the database: every statement is a message there and a message back.

What happens in the database happens outside of all machines, at the instant the message arrives, so
a statement outlives the process that sent it. The stores below are the production ports in front of
the stores in memory; they add time and trouble, never an opinion on rows.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Generic, Protocol, TypeVar, cast
from uuid import UUID

from engine.domain.auction import Auction
from engine.ports.commit import (
    Ambiguous,
    Due,
    Entry,
    Loaded,
    Outcome,
    Rejected,
    Rejection,
    StoreError,
    Unavailable,
    Verdict,
)
from engine.ports.leases import Joined, Tenure
from engine.ports.outbox import OutboxRow
from engine.simulation.faults import Armed, Fault
from engine.simulation.loop import VirtualLoop, on
from engine.store.memory.commit import MemoryCommitStore, MemoryFlight
from engine.store.memory.database import MemoryDatabase
from engine.store.memory.leases import MemoryLeaseStore
from engine.store.memory.outbox import MemoryOutboxStore
from engine.store.memory.schedule import MemoryScheduleStore

T = TypeVar("T")

_US = 1_000
_MS = 1_000_000


class Witness(Protocol):
    """Whoever looks at every statement."""

    def before_commit(self, entries: Sequence[Entry]) -> object:
        """A commit is about to be looked at by the database; what is returned comes back."""

    def after_commit(
        self, seen: object, entries: Sequence[Entry], outcomes: Mapping[int, Outcome]
    ) -> None:
        """It has been done, refused or left out."""


@dataclass(slots=True)
class Server:
    """The database server: what every wire leads to."""

    loop: VirtualLoop
    rng: Random
    database: MemoryDatabase
    armed: Armed
    witness: Witness
    sweep_batch_max: int
    commit_timeout_ms: int
    away_until_ns: int = 0
    """Until then it cannot be reached."""
    torn: int = 0
    """How often it went away: what was on its way before is torn."""

    def leave(self, for_ms: int) -> None:
        """Go away, and come back."""
        self.torn += 1
        self.away_until_ns = self.loop.now_ns + for_ms * _MS
        self.armed.happened(Fault.STORE_AWAY)

    def trip_ns(self) -> int:
        """One way."""
        return self.rng.randrange(80 * _US, 700 * _US)


@dataclass(slots=True)
class Line:
    """One member's own line to the server."""

    server: Server
    cut_until_ns: int = 0

    def cut(self, for_ms: int) -> None:
        """This member alone does not reach the database, nor hear from it."""
        self.cut_until_ns = self.server.loop.now_ns + for_ms * _MS
        self.server.armed.happened(Fault.LINE_CUT)

    @property
    def dead(self) -> bool:
        now_ns = self.server.loop.now_ns
        return now_ns < self.cut_until_ns or now_ns < self.server.away_until_ns


class _Trip(Generic[T]):
    """One statement on its way there, and its answer on its way back."""

    def __init__(self, line: Line, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        server = line.server
        self._line = line
        self._server = server
        self._loop = server.loop
        self._work = work
        self._torn = server.torn
        self._back_ns = server.trip_ns()
        self.answer: asyncio.Future[T] = server.loop.create_future()

    def arrives(
        self,
        in_ns: int,
        *,
        is_answered: bool = True,
        even_if_away: bool = False,
        back_ns: int | None = None,
    ) -> None:
        """It is done then, whatever has become of who sent it."""
        if back_ns is not None:
            self._back_ns = back_ns
        at_ns = self._loop.now_ns + in_ns
        self._loop.at_ns(at_ns, self._arrive, is_answered, even_if_away, context=on(None))

    def is_lost(self, in_ns: int) -> None:
        """The sender hears then that the connection is gone, unless there was an answer."""
        self._loop.at_ns(self._loop.now_ns + in_ns, self._lose, context=on(None))

    def is_refused(self, in_ns: int, error: StoreError) -> None:
        """The answer is an error of the database."""
        self._loop.at_ns(self._loop.now_ns + in_ns, self._come_back, None, error, context=on(None))

    def _arrive(self, is_answered: bool, even_if_away: bool) -> None:
        if self._line.dead and not even_if_away:
            self._lose()
            return
        result, error = _done(self._work)
        if is_answered:
            self._loop.at_ns(self._loop.now_ns + self._back_ns, self._come_back, result, error)

    def _come_back(self, result: T | None, error: BaseException | None) -> None:
        if self.answer.done():
            return
        if self._server.torn != self._torn or self._line.dead:
            self._lose()
        elif error is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(cast(T, result))

    def _lose(self) -> None:
        if not self.answer.done():
            self.answer.set_exception(Ambiguous("the connection is gone"))


async def said(line: Line, what: str, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Send a statement and wait for its answer. Raises what it raises there, Unavailable when it
    was not sent, Ambiguous when nobody knows."""
    server = line.server
    fault = server.armed.take(what)
    if line.dead or fault is Fault.COMMIT_UNSENT:
        raise Unavailable("there is no connection")
    trip, there_ns, draw = _Trip(line, work), server.trip_ns(), server.rng.choice
    match fault:
        case Fault.COMMIT_REFUSED:
            trip.is_refused(there_ns * 2, Rejected(Rejection.RETRY, "a planned deadlock"))
        case Fault.COMMIT_LOST | Fault.STATEMENT_LOST:
            trip.is_lost(there_ns)
        case Fault.COMMIT_ANSWER_LOST:
            trip.arrives(there_ns, is_answered=False)
            trip.is_lost(there_ns * 2)
        case Fault.COMMIT_LATE:
            trip.is_lost(there_ns)
            late_ns = draw((2, 20, 200, 2_000, 6_000)) * _MS
            trip.arrives(there_ns + late_ns, is_answered=False, even_if_away=True)
        case Fault.COMMIT_DELAYED:
            trip.arrives(there_ns + draw((50, 600, 2_000, 7_000, 12_000)) * _MS)
            trip.is_lost(server.commit_timeout_ms * _MS)
        case Fault.BEAT_SLOW:
            trip.arrives(there_ns, back_ns=draw((1_000, 2_500, 2_900)) * _MS)
        case _:
            trip.arrives(there_ns)
    return await trip.answer


def _done(work: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T | None, BaseException | None]:
    """Run a statement of the stores in memory, which never suspend."""
    statement = work()
    try:
        statement.send(None)
    except StopIteration as done:
        return done.value, None
    except Exception as error:
        return None, error
    raise AssertionError("a statement in memory has suspended")


class WiredFlight:
    """A connection that commits."""

    def __init__(self, line: Line, inner: MemoryFlight) -> None:
        self._line = line
        self._inner = inner

    async def commit(self, commit_id: UUID, entries: Sequence[Entry]) -> Mapping[int, Outcome]:
        witness = self._line.server.witness

        async def work() -> Mapping[int, Outcome]:
            seen = witness.before_commit(entries)
            outcomes = await self._inner.commit(commit_id, entries)
            witness.after_commit(seen, entries, outcomes)
            return outcomes

        return await said(self._line, "commit", work)

    async def close(self) -> None:
        """Let go of it; nothing travels for that."""


class WiredCommits:
    """The CommitStore of one member."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._store = MemoryCommitStore(line.server.database)

    async def open_flight(self) -> WiredFlight:
        return WiredFlight(self._line, await said(self._line, "open", self._store.open_flight))

    async def resolve(
        self, token: int, commit_id: UUID, entries: Sequence[Entry]
    ) -> Mapping[int, Verdict]:
        return await said(
            self._line, "read", lambda: self._store.resolve(token, commit_id, entries)
        )

    async def take_over(
        self, auction_ids: Sequence[int], tenure: Tenure | None = None
    ) -> Sequence[Loaded]:
        return await said(self._line, "read", lambda: self._store.take_over(auction_ids, tenure))

    async def look(self, auction_ids: Sequence[int]) -> Sequence[Auction]:
        return await said(self._line, "read", lambda: self._store.look(auction_ids))

    async def next_token(self) -> int:
        return await said(self._line, "read", self._store.next_token)

    async def next_block(self, sequence: str) -> range:
        return await said(self._line, "read", lambda: self._store.next_block(sequence))


class WiredSchedule:
    """The ScheduleStore of one member."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._store = MemoryScheduleStore(
            line.server.database, sweep_batch_max=line.server.sweep_batch_max
        )

    async def due_before(
        self, horizon_ms: int, shards: frozenset[int], after: tuple[int, int] | None, limit: int
    ) -> Sequence[Due]:
        return await said(
            self._line, "read", lambda: self._store.due_before(horizon_ms, shards, after, limit)
        )

    async def unattended(self, class_before_ms: int, limit: int) -> Sequence[tuple[int, int]]:
        return await said(
            self._line, "read", lambda: self._store.unattended(class_before_ms, limit)
        )

    async def sweep(self, now_ms: int) -> int:
        return await said(self._line, "read", lambda: self._store.sweep(now_ms))


class WiredLeases:
    """The LeaseStore of one member."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._store = MemoryLeaseStore(line.server.database)

    async def join(self, node_id: str, ttl_ms: int) -> Joined:
        return await said(self._line, "read", lambda: self._store.join(node_id, ttl_ms))

    async def renew(
        self, node_id: str, incarnation: int, ttl_ms: int, high_water_ms: int
    ) -> Mapping[int, int]:
        return await said(
            self._line,
            "beat",
            lambda: self._store.renew(node_id, incarnation, ttl_ms, high_water_ms),
        )

    async def leave(self, node_id: str, incarnation: int) -> None:
        await said(self._line, "read", lambda: self._store.leave(node_id, incarnation))


class WiredOutbox:
    """The OutboxStore of one member."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._store = MemoryOutboxStore(line.server.database)

    async def claim(self, limit: int, lease_ms: int) -> Sequence[OutboxRow]:
        return await said(self._line, "read", lambda: self._store.claim(limit, lease_ms))

    async def done(self, ids: Sequence[int]) -> None:
        await said(self._line, "read", lambda: self._store.done(ids))

    async def again(self, row_id: int, in_ms: int) -> None:
        await said(self._line, "read", lambda: self._store.again(row_id, in_ms))

    async def missed(self, user_id: int, since: int, limit: int) -> Sequence[OutboxRow]:
        return await said(self._line, "read", lambda: self._store.missed(user_id, since, limit))

    async def latest(self, user_id: int) -> int:
        return await said(self._line, "read", lambda: self._store.latest(user_id))
