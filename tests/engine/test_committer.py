"""Group commit: what each entry hears when a batch answers, fails, is lost or never leaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from engine.committer import CommitBroken, Committer
from engine.domain.decide import decide
from engine.domain.decision import State
from engine.domain.ledger import EMPTY
from engine.domain.messages import Arrival, Book
from engine.draw import NodeDraw
from engine.errors import Busy
from engine.ports.commit import Committed, Entry, Offended, Superseded, Why
from engine.ports.telemetry import Silent
from engine.settings import Settings
from engine.store.memory.commit import MemoryCommitStore
from engine.store.memory.database import MemoryDatabase
from tests.engine.faulty import Fault, Faulty
from tests.engine.small_world import QUICK, auction_of
from tests.engine.world import clock_of, eventually, quick


class Desk:
    """A committer on a database in memory, and entries for it."""

    def __init__(self, settings: Settings) -> None:
        self.clock = clock_of(settings)
        self.db = MemoryDatabase(self.clock, guests=set(range(1, 10_000)))
        self.faults = Faulty(MemoryCommitStore(self.db))
        self.committer = Committer(self.faults, self.clock, Random(1), settings, Silent())
        self.draw = NodeDraw(self.faults, Random(2), codes_recent_max=100)

    async def entry(self, auction_id: int, user: int, key: str | None = None) -> Entry:
        """One press on a fresh auction with one seat, decided."""
        now_ms = self.clock.now_ms()
        self.db.add_auction(auction_of(auction_id, now_ms))
        (loaded,) = await MemoryCommitStore(self.db).take_over([auction_id])
        state = State(loaded.state.auction, EMPTY)
        decision = decide(state, Book(user, key=key), Arrival(now_ms, 1), self.draw)
        return Entry(
            expected=1,
            fence=loaded.fence,
            after=decision.state.auction,
            high_water_ms=now_ms,
            events=decision.events,
            booked=decision.booked,
            notices=decision.notices,
        )

    async def entries(self, count: int) -> list[Entry]:
        return [await self.entry(n, n) for n in range(1, count + 1)]

    def sold(self) -> int:
        return len(self.db.reservations)


@asynccontextmanager
async def desk(settings: Settings = QUICK) -> AsyncIterator[Desk]:
    made = Desk(settings)
    await made.draw.fill()
    await made.committer.start()
    await made.committer.connected()
    try:
        yield made
    finally:
        made.faults.away, made.faults.hold = False, None
        await made.committer.stop()


async def test_what_waits_while_a_batch_flies_travels_together() -> None:
    async with desk(quick(QUICK, commit_flights=1)) as at:
        entries = await at.entries(50)
        at.faults.hold = asyncio.Event()
        commits = [asyncio.ensure_future(at.committer.commit(entries[0]))]
        await eventually(lambda: len(at.faults.batches) == 1)
        commits += [asyncio.ensure_future(at.committer.commit(entry)) for entry in entries[1:]]
        await asyncio.sleep(0)
        at.faults.hold.set()
        outcomes = await asyncio.gather(*commits)
        assert all(isinstance(outcome, Committed) for outcome in outcomes)
        assert [len(batch) for batch in at.faults.batches] == [1, 49]


async def test_a_batch_has_a_bound() -> None:
    async with desk(quick(QUICK, commit_flights=1, commit_batch_max=8)) as at:
        await asyncio.gather(*(at.committer.commit(e) for e in await at.entries(50)))
        assert max(len(batch) for batch in at.faults.batches) == 8
        assert at.sold() == 50


async def test_one_entrys_trouble_never_fails_its_neighbours() -> None:
    async with desk() as at:
        entries = await at.entries(5)
        stale = entries[1]
        await MemoryCommitStore(at.db).take_over([stale.auction_id])
        taken_by = at.db.guests
        taken_by.discard(3)
        outcomes = await asyncio.gather(*(at.committer.commit(entry) for entry in entries))
        assert isinstance(outcomes[1], Superseded)
        assert isinstance(outcomes[2], Offended)
        assert outcomes[2].offenders[0].why is Why.ACCOUNT
        assert [type(outcomes[i]) for i in (0, 3, 4)] == [Committed] * 3


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.LOST_BEFORE])
async def test_an_unknown_outcome_is_found_out_for_every_entry(fault: Fault) -> None:
    async with desk(quick(QUICK, commit_flights=1)) as at:
        entries = await at.entries(20)
        at.faults.plan = [fault]
        outcomes = await asyncio.gather(*(at.committer.commit(entry) for entry in entries))
        fences = {at.db.auctions[entry.auction_id].fence for entry in entries}
        assert all(isinstance(outcome, Committed) for outcome in outcomes)
        assert at.sold() == 20
        told = {o.fence for o in outcomes if isinstance(o, Committed)}
        assert told == fences, "the next commit needs the fence that is stored"


async def test_a_commit_that_another_owner_followed_is_told_as_done_but_not_ours() -> None:
    async with desk() as at:
        entry = await at.entry(1, 1)

        async def somebody_else() -> None:
            await MemoryCommitStore(at.db).take_over([1])

        at.faults.before_resolve = somebody_else
        at.faults.plan = [Fault.LOST_AFTER]
        outcome = await at.committer.commit(entry)
        assert isinstance(outcome, Committed)
        assert not outcome.still_ours


async def test_a_commit_that_never_was_and_is_another_owners_now_is_superseded() -> None:
    async with desk() as at:
        entry = await at.entry(1, 1)

        async def somebody_else() -> None:
            await MemoryCommitStore(at.db).take_over([1])

        at.faults.before_resolve = somebody_else
        at.faults.plan = [Fault.LOST_BEFORE]
        assert isinstance(await at.committer.commit(entry), Superseded)
        assert at.sold() == 0


async def test_resolving_waits_for_the_database_however_long() -> None:
    async with desk() as at:
        entry = await at.entry(1, 1)
        at.faults.plan = [Fault.LOST_AFTER]
        at.faults.hold = asyncio.Event()
        commit = asyncio.ensure_future(at.committer.commit(entry))
        await eventually(lambda: len(at.faults.batches) == 1)
        at.faults.away = True
        at.faults.hold.set()
        await asyncio.sleep(0.1)
        assert not commit.done()
        at.faults.away = False
        assert isinstance(await commit, Committed)
        assert at.sold() == 1


async def test_nothing_that_was_not_sent_waits_longer_than_it_may() -> None:
    async with desk(quick(QUICK, commit_flights=1, unsent_timeout_ms=50)) as at:
        first, second = await at.entries(2)
        at.faults.hold = asyncio.Event()
        flying = asyncio.ensure_future(at.committer.commit(first))
        await eventually(lambda: len(at.faults.batches) == 1)
        with pytest.raises(Busy):
            await at.committer.commit(second)
        at.faults.hold.set()
        assert isinstance(await flying, Committed)
        assert at.sold() == 1


async def test_a_lost_connection_before_sending_costs_nothing() -> None:
    async with desk(quick(QUICK, commit_flights=1)) as at:
        entries = await at.entries(3)
        at.faults.plan = [Fault.UNSENT]
        outcomes = await asyncio.gather(
            *(at.committer.commit(entry) for entry in entries), return_exceptions=True
        )
        assert {type(outcome) for outcome in outcomes} <= {Committed, Busy}
        assert at.sold() == sum(isinstance(outcome, Committed) for outcome in outcomes)
        assert at.faults.resolves == 0


async def test_with_no_connection_at_all_it_says_busy_at_once() -> None:
    async with desk() as at:
        entry, other = await at.entries(2)
        at.faults.away = True
        with pytest.raises(Busy):
            await at.committer.commit(entry)
        with pytest.raises(Busy):
            await at.committer.commit(other)
        await eventually(lambda: not at.committer.available)
        at.faults.away = False
        await eventually(lambda: at.committer.available)
        assert isinstance(await at.committer.commit(entry), Committed)


async def test_a_passing_rejection_is_tried_again_as_a_whole() -> None:
    async with desk(quick(QUICK, commit_flights=1)) as at:
        entries = await at.entries(4)
        at.faults.plan = [Fault.RETRY, Fault.CONFLICT, Fault.RETRY]
        outcomes = await asyncio.gather(*(at.committer.commit(entry) for entry in entries))
        assert all(isinstance(outcome, Committed) for outcome in outcomes)
        assert at.sold() == 4


async def test_a_broken_entry_fails_alone() -> None:
    async with desk(quick(QUICK, commit_flights=1)) as at:
        entries = await at.entries(4)
        at.faults.hold = asyncio.Event()
        at.faults.broken_auctions = {3}
        commits = [asyncio.ensure_future(at.committer.commit(entry)) for entry in entries]
        await eventually(lambda: len(at.faults.batches) == 1)
        at.faults.hold.set()
        outcomes = await asyncio.gather(*commits, return_exceptions=True)
        assert isinstance(outcomes[2], CommitBroken)
        assert all(isinstance(outcomes[i], Committed) for i in (0, 1, 3))


async def test_one_key_of_one_guest_never_travels_twice_in_a_batch() -> None:
    async with desk(quick(QUICK, commit_flights=1)) as at:
        first = await at.entry(1, 7, key="k" * 16)
        second = await at.entry(2, 7, key="k" * 16)
        blocker = await at.entry(3, 8)
        at.faults.hold = asyncio.Event()
        commits = [asyncio.ensure_future(at.committer.commit(e)) for e in (blocker, first, second)]
        await eventually(lambda: len(at.faults.batches) == 1)
        at.faults.hold.set()
        outcomes = await asyncio.gather(*commits)
        assert isinstance(outcomes[1], Committed)
        assert isinstance(outcomes[2], Offended)
        offender = outcomes[2].offenders[0]
        assert (offender.why, offender.old_auction_id) == (Why.KEY, 1)


async def test_the_queue_has_a_bound() -> None:
    async with desk(quick(QUICK, commit_flights=1, commit_queue_max=2)) as at:
        entries = await at.entries(3)
        at.faults.hold = asyncio.Event()
        waiting = [asyncio.ensure_future(at.committer.commit(entry)) for entry in entries[:2]]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await at.committer.commit(entries[2])
        at.faults.hold.set()
        await asyncio.gather(*waiting)


async def test_a_caller_that_goes_away_cancels_nothing() -> None:
    async with desk() as at:
        entry = await at.entry(1, 1)
        at.faults.hold = asyncio.Event()
        commit = asyncio.ensure_future(at.committer.commit(entry))
        await eventually(lambda: len(at.faults.batches) == 1)
        commit.cancel()
        at.faults.hold.set()
        await eventually(lambda: at.sold() == 1)


async def test_stopping_sees_every_entry_through() -> None:
    at = Desk(QUICK)
    await at.draw.fill()
    await at.committer.start()
    await at.committer.connected()
    entries = await at.entries(30)
    commits = [asyncio.ensure_future(at.committer.commit(entry)) for entry in entries]
    await asyncio.sleep(0)
    await at.committer.stop()
    assert all(isinstance(commit.result(), Committed) for commit in commits)
