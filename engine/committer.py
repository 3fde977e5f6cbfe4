"""Many actors' decisions, one transaction: group commit, and the truth about every entry.

While one batch flies the next one gathers, so throughput rises with load and nobody waits when
nothing is going on. Each flight has its own connection. What can happen to a batch:

- **It answers.** Every entry hears its own outcome; one entry's trouble never fails another's.
- **It is rejected as a whole** (a race on a unique constraint, a deadlock, a broken constraint):
  definitely rolled back. The same batch again, which now names the offender; then entry by entry.
- **Nothing was sent.** The entries stay in the queue; what waits too long hears BUSY.
- **Nobody knows.** The fence of every auction in it is moved, with one fresh token, until the
  database answers: then it is known which entries are durable, and those that never will be are
  sent again under the new fence. Their actors stay parked until then. An entry this happens to
  again and again travels alone, and is given up at last: it may be what cuts the connections.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

from engine.errors import Busy
from engine.gathering import Gathering, Waiting
from engine.ports.clock import Clock
from engine.ports.commit import (
    CommitStore,
    Committed,
    Entry,
    Flight,
    Outcome,
    Rejected,
    Rejection,
    StoreError,
    Superseded,
    Unavailable,
    Verdict,
)
from engine.ports.telemetry import Telemetry
from engine.settings import Settings

_log = logging.getLogger(__name__)


class CommitBroken(Exception):
    """An entry that no retry can save, so the code above is wrong. Only loading the auction again
    tells what is stored."""


class Committer:
    """`start` it, `commit` from as many actors as there are, `stop` when they are done."""

    def __init__(
        self,
        store: CommitStore,
        clock: Clock,
        rng: Random,
        settings: Settings,
        telemetry: Telemetry,
    ) -> None:
        self._store = store
        self._clock = clock
        self._rng = rng
        self._settings = settings
        self._telemetry = telemetry
        self._gathering = Gathering()
        self._work = asyncio.Event()
        self._connected = 0
        self._up = asyncio.Event()
        self._unsettled = 0
        self._flying = 0
        """Entries that are being sent now."""
        self._expiry: asyncio.Handle | None = None
        self._tasks: dict[asyncio.Task[None], None] = {}
        """In the order they were started."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    async def start(self) -> None:
        """Open the flights; they open themselves again whenever they are lost."""
        for _ in range(self._settings.commit_flights):
            self._spawn(self._fly())

    async def stop(self) -> None:
        """Take nothing more, see every entry through, then let the flights go."""
        self._stopping = True
        try:
            await self._idle.wait()
        finally:
            if self._expiry is not None:
                self._expiry.cancel()
            tasks = list(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def connected(self) -> None:
        """Wait until there is a connection that can commit."""
        await self._up.wait()

    @property
    def available(self) -> bool:
        """Is there a connection that can commit?"""
        return self._connected > 0

    async def commit(self, entry: Entry) -> Outcome:
        """Until the outcome is known, however long that takes.

        Raises Busy (nothing was sent, nothing was done) and CommitBroken. A caller that is
        cancelled learns nothing and cancels nothing.
        """
        full = self._unsettled >= self._settings.commit_queue_max
        if full or not self._connected or self._stopping:
            raise Busy()
        waiting = Waiting(entry, self._clock.mono_ns(), self._settled)
        self._unsettled += 1
        self._idle.clear()
        self._gathering.add(waiting)
        self._work.set()
        if self._expiry is None:
            self._look_after_the_old()
        return await waiting.outcome

    def _settled(self) -> None:
        self._unsettled -= 1
        if not self._unsettled:
            self._idle.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    # --- flights ---------------------------------------------------------------------------------

    async def _fly(self) -> None:
        """One connection's life: open, carry batches, open again."""
        backoff = Backoff(self._settings)
        while True:
            try:
                flight = await self._store.open_flight()
            except Exception as error:
                _tell_if_strange("a connection could not be opened", error)
                self._give_up_waiting()
                await backoff.pause()
                continue
            self._connected += 1
            self._up.set()
            carried = 0
            try:
                carried = await self._carry(flight)
            except Exception as error:
                _tell_if_strange("a flight broke", error)
            finally:
                self._connected -= 1
                if not self._connected:
                    self._up.clear()
                await flight.close()
            if carried:
                backoff.reset()
            else:
                await backoff.pause()

    async def _carry(self, flight: Flight) -> int:
        """Batch after batch, until the connection is lost; how many it has carried."""
        carried = 0
        while True:
            batch = self._next_batch()
            if not batch:
                self._work.clear()
                await self._work.wait()
                continue
            self._flying += len(batch)
            try:
                well = await self._send(flight, batch)
            finally:
                self._flying -= len(batch)
            if not well:
                return carried
            carried += 1

    def _next_batch(self) -> list[Waiting]:
        self._expire()
        most = self._gathering.share(
            flying=self._flying, flights=self._connected, most=self._settings.commit_batch_max
        )
        return self._gathering.next_batch(most)

    async def _send(self, flight: Flight, batch: Sequence[Waiting]) -> bool:
        """Carry one batch to its outcomes. False: the connection is no good any more."""
        try:
            await self._attempt(flight, batch)
        except Unavailable:
            self._gathering.put_back(batch)
            return False
        except _Unknown as unknown:
            self._telemetry.ambiguous(len(unknown.batch))
            self._gathering.put_back([w for w in batch if w not in unknown.batch])
            self._spawn(self._resolve(unknown.commit_id, unknown.batch))
            return False
        return True

    async def _attempt(self, flight: Flight, batch: Sequence[Waiting]) -> None:
        """Send a batch, again while it is rejected for passing reasons, at last one by one."""
        rejections: Counter[Rejection] = Counter()
        while True:
            try:
                await self._once(flight, batch)
                return
            except Rejected as rejected:
                rejections[rejected.rejection] += 1
                if self._may_pass(rejections):
                    continue
                if len(batch) == 1:
                    batch[0].fails(CommitBroken(str(rejected)))
                    return
            for waiting in batch:
                await self._attempt(flight, [waiting])
            return

    def _may_pass(self, rejections: Counter[Rejection]) -> bool:
        """A conflict is explained by the second try; deadlocks come to an end some time."""
        return (
            not rejections[Rejection.BROKEN]
            and rejections[Rejection.CONFLICT] <= 1
            and rejections.total() < self._settings.commit_attempts_max
        )

    async def _once(self, flight: Flight, batch: Sequence[Waiting]) -> None:
        commit_id = UUID(int=self._rng.getrandbits(128), version=4)
        started_ns = self._clock.mono_ns()
        try:
            outcomes = await flight.commit(commit_id, [w.entry for w in batch])
            told = [(waiting, outcomes[waiting.entry.auction_id]) for waiting in batch]
        except (Unavailable, Rejected):
            raise
        except Exception as error:
            # Whatever it was, it was sent: only the database knows what became of it.
            raise _Unknown(commit_id, batch) from error
        for waiting, outcome in told:
            waiting.is_(outcome)
        self._telemetry.committed(len(batch), (self._clock.mono_ns() - started_ns) / 1e9)

    # --- what waits too long ---------------------------------------------------------------------

    def _expire(self) -> None:
        """Who was not sent in time hears so."""
        patience_ns = self._settings.unsent_timeout_ms * 1_000_000
        self._gathering.expire(self._clock.mono_ns() - patience_ns)

    def _look_after_the_old(self) -> None:
        """Again and again while somebody waits: all flights may be stuck in a slow commit."""
        self._expire()
        loop, pause_s = asyncio.get_running_loop(), self._settings.unsent_timeout_ms / 5_000
        again = self._look_after_the_old
        self._expiry = loop.call_later(pause_s, again) if self._gathering.fresh else None

    def _give_up_waiting(self) -> None:
        """There is no connection: nobody waits for one, but those whose truth must be found."""
        if not self._connected:
            self._gathering.give_up()

    # --- ambiguous batches -----------------------------------------------------------------------

    async def _resolve(self, commit_id: UUID, batch: Sequence[Waiting]) -> None:
        """Ask until the database answers what became of a batch."""
        backoff = Backoff(self._settings)
        token: int | None = None
        while True:
            try:
                if token is None:
                    token = await self._store.next_token()
                entries = [w.entry for w in batch]
                verdicts = await self._store.resolve(token, commit_id, entries)
                told = [(w, verdicts[w.entry.auction_id]) for w in batch]
                break
            except StoreError:
                # Parked until it is known: guessing would be a lost seat or a second sale.
                await backoff.pause()
            except Exception as error:
                _tell_if_strange("what became of a commit cannot be asked", error)
                self._resolve_singly(commit_id, batch)
                return
        for waiting, verdict in told:
            self._conclude(waiting, verdict, token)

    def _resolve_singly(self, commit_id: UUID, batch: Sequence[Waiting]) -> None:
        """One of them cannot be asked about; its neighbours can."""
        if len(batch) == 1:
            batch[0].fails(CommitBroken("nobody can tell what became of it"))
            return
        for waiting in batch:
            self._spawn(self._resolve(commit_id, [waiting]))

    def _conclude(self, waiting: Waiting, verdict: Verdict, token: int) -> None:
        match verdict:
            case Verdict.COMMITTED:
                waiting.is_(Committed(token))
            case Verdict.COMMITTED_THEN_LOST:
                waiting.is_(Committed(token, still_ours=False))
            case Verdict.LOST:
                waiting.is_(Superseded())
            case Verdict.NEVER:
                self._send_again(waiting, token)

    def _send_again(self, waiting: Waiting, token: int) -> None:
        waiting.entry = replace(waiting.entry, fence=token)
        waiting.lost += 1
        if waiting.lost >= self._settings.commit_attempts_max:
            waiting.fails(CommitBroken(f"it was sent and got lost {waiting.lost} times"))
            return
        self._gathering.add(waiting)
        self._work.set()


class _Unknown(Exception):
    """This batch was sent, and nobody knows."""

    def __init__(self, commit_id: UUID, batch: Sequence[Waiting]) -> None:
        super().__init__(commit_id)
        self.commit_id = commit_id
        self.batch = batch


class Backoff:
    """Pauses that double from the least to the most."""

    def __init__(self, settings: Settings) -> None:
        self._least_s = settings.backoff_ms_min / 1000
        self._most_s = settings.backoff_ms_max / 1000
        self._next_s = self._least_s

    async def pause(self) -> None:
        """Wait, and longer the next time."""
        await asyncio.sleep(self._next_s)
        self._next_s = min(self._most_s, self._next_s * 2)

    def reset(self) -> None:
        """It worked."""
        self._next_s = self._least_s


def _tell_if_strange(what: str, error: Exception) -> None:
    """A store that is away is nothing new; anything else is a fault of ours."""
    if not isinstance(error, StoreError):
        _log.error(what, exc_info=error)
