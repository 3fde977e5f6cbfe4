"""Group commit when something is wrong with one entry, with the flights, or with the way out."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest

from engine.committer import CommitBroken
from engine.domain.decide import decide
from engine.domain.messages import Arrival, Book
from engine.errors import Busy
from engine.ports.commit import Ambiguous, Committed, Entry, Outcome, Superseded, Verdict
from engine.store.memory.commit import MemoryCommitStore
from tests.engine.faulty import Fault
from tests.engine.small_world import QUICK
from tests.engine.test_committer import Desk, desk
from tests.engine.world import eventually, quick

ONE_FLIGHT = quick(QUICK, commit_flights=1, unsent_timeout_ms=2_000)


async def heard(at: Desk, *entries: Entry) -> list[Outcome | BaseException]:
    """What became of these, all at once; fails if somebody hears nothing."""
    async with asyncio.timeout(3):
        commits = (at.committer.commit(entry) for entry in entries)
        return await asyncio.gather(*commits, return_exceptions=True)


async def of_the_next_owner(at: Desk, auction_id: int, user: int) -> Entry:
    """What somebody decides who has taken the auction over."""
    (loaded,) = await MemoryCommitStore(at.db).take_over([auction_id])
    now_ms = at.clock.now_ms()
    decision = decide(loaded.state, Book(user), Arrival(now_ms, 1), at.draw)
    return Entry(
        expected=loaded.state.auction.revision,
        fence=loaded.fence,
        after=decision.state.auction,
        high_water_ms=now_ms,
        events=decision.events,
        booked=decision.booked,
        notices=decision.notices,
    )


async def test_two_entries_of_one_auction_never_travel_together() -> None:
    async with desk(ONE_FLIGHT) as at:
        blocker = await at.entry(9, 9)
        let_go = await at.entry(1, 1)
        successor = await of_the_next_owner(at, 1, 2)
        at.faults.hold = asyncio.Event()
        first = asyncio.ensure_future(at.committer.commit(blocker))
        await eventually(lambda: len(at.faults.batches) == 1)
        both = asyncio.ensure_future(heard(at, let_go, successor))
        await asyncio.sleep(0)
        at.faults.hold.set()
        told = await both
        assert isinstance(told[0], Superseded), "a booking that is not there is told to nobody"
        assert isinstance(told[1], Committed)
        assert [r.user_id for r in at.db.held(1)] == [2]
        assert isinstance(await first, Committed)
        assert [batch for batch in at.faults.batches if len(set(batch)) < len(batch)] == []


async def test_an_entry_that_cuts_every_connection_is_given_up_and_its_neighbours_commit() -> None:
    async with desk(ONE_FLIGHT) as at:
        entries = await at.entries(20)
        at.faults.cursed_auctions = {7}
        told = await heard(at, *entries)
        assert isinstance(told.pop(6), CommitBroken)
        assert all(isinstance(outcome, Committed) for outcome in told)
        assert at.sold() == 19
        assert len(at.faults.batches) < 60, "not for ever"


async def test_an_entry_that_cannot_be_asked_about_is_given_up_and_its_neighbours_are_told() -> (
    None
):
    async with desk(ONE_FLIGHT) as at:
        entries = await at.entries(5)
        at.faults.plan = [Fault.LOST_AFTER]
        at.faults.mute_auctions = {3}
        told = await heard(at, *entries)
        assert isinstance(told.pop(2), CommitBroken)
        assert all(isinstance(outcome, Committed) for outcome in told)


async def test_what_was_never_sent_hears_busy_in_time_behind_what_was() -> None:
    async with desk(quick(ONE_FLIGHT, unsent_timeout_ms=300)) as at:
        lost, flying, waiting = await at.entries(3)
        known = asyncio.Event()
        at.faults.before_resolve = known.wait
        at.faults.plan = [Fault.LOST_BEFORE]
        commits = [asyncio.ensure_future(at.committer.commit(lost))]
        await eventually(lambda: at.faults.resolves == 1)
        await eventually(lambda: at.committer.available)
        at.faults.hold = asyncio.Event()
        commits.append(asyncio.ensure_future(at.committer.commit(flying)))
        await eventually(lambda: len(at.faults.batches) == 2)
        known.set()  # it was lost, and waits to be sent again
        (told,) = await heard(at, waiting)
        assert isinstance(told, Busy)
        at.faults.hold.set()
        outcomes = await asyncio.gather(*commits)
        assert all(isinstance(outcome, Committed) for outcome in outcomes)
        assert at.sold() == 2


async def test_a_connection_that_fails_like_no_other_is_opened_again() -> None:
    async with desk() as at:
        entry = await at.entry(1, 1)
        at.faults.away = True
        with pytest.raises(Busy):
            await at.committer.commit(entry)
        await eventually(lambda: not at.committer.available)
        at.faults.strange, at.faults.away = 2 * QUICK.commit_flights, False
        await eventually(lambda: at.committer.available)
        assert isinstance(await at.committer.commit(entry), Committed)


async def test_a_store_that_opens_and_carries_nothing_leaves_room_for_others() -> None:
    async with desk(quick(QUICK, unsent_timeout_ms=50)) as at:
        entry = await at.entry(1, 1)
        at.faults.plan = [Fault.UNSENT] * 1_000_000
        with pytest.raises(Busy):
            await at.committer.commit(entry)
        assert len(at.faults.batches) < 100
        at.faults.plan.clear()


async def test_while_it_stops_nothing_more_is_taken_and_nobody_is_left_waiting() -> None:
    async with desk() as at:
        first, second = await at.entries(2)
        at.faults.hold = asyncio.Event()

        async def one_after_the_other() -> Outcome:
            await at.committer.commit(first)
            return await at.committer.commit(second)

        work = asyncio.ensure_future(one_after_the_other())
        await eventually(lambda: len(at.faults.batches) == 1)
        stopping = asyncio.ensure_future(at.committer.stop())
        await asyncio.sleep(0)
        at.faults.hold.set()
        with pytest.raises(Busy):
            async with asyncio.timeout(2):
                await work
        await stopping
        assert at.sold() == 1


async def test_stopping_that_is_given_up_leaves_nothing_running() -> None:
    async with desk() as at:
        entry = await at.entry(1, 1)
        at.faults.hold = asyncio.Event()
        lost = asyncio.ensure_future(at.committer.commit(entry))
        await eventually(lambda: len(at.faults.batches) == 1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await at.committer.stop()
        assert not at.committer.available
        lost.cancel()
        at.committer._idle.set()  # so that the end of this test need not wait for it


async def test_one_try_is_the_least() -> None:
    async with desk(quick(ONE_FLIGHT, commit_attempts_max=0)) as at:
        entries = await at.entries(3)
        at.faults.plan = [Fault.RETRY]
        told = await heard(at, *entries)
        assert all(isinstance(outcome, Committed) for outcome in told)


async def test_who_meets_somebody_on_a_constraint_is_sent_once_more() -> None:
    async with desk(ONE_FLIGHT) as at:
        at.faults.plan = [Fault.CONFLICT]
        (told,) = await heard(at, await at.entry(1, 1))
        assert isinstance(told, Committed)


async def test_those_behind_an_entry_that_got_lost_when_sent_singly_are_sent_too() -> None:
    async with desk(ONE_FLIGHT) as at:
        entries = await at.entries(4)
        at.faults.plan = [Fault.CONFLICT, Fault.CONFLICT, Fault.LOST_AFTER]
        told = await heard(at, *entries)
        assert all(isinstance(outcome, Committed) for outcome in told)
        assert at.sold() == 4
        assert at.faults.resolves == 1


class LosesItsFirstVerdict(MemoryCommitStore):
    """The fence is moved, and nobody hears what that proved."""

    lost = False

    async def resolve(
        self, token: int, commit_id: UUID, entries: Sequence[Entry]
    ) -> Mapping[int, Verdict]:
        verdicts = await super().resolve(token, commit_id, entries)
        if not self.lost:
            self.lost = True
            raise Ambiguous("planned")
        return verdicts


async def test_whoever_asks_again_what_became_of_a_commit_does_not_take_it_for_lost() -> None:
    async with desk(ONE_FLIGHT) as at:
        at.faults.inner = LosesItsFirstVerdict(at.db)
        at.faults.plan = [Fault.LOST_BEFORE]
        (told,) = await heard(at, await at.entry(1, 1))
        assert isinstance(told, Committed)
        assert at.faults.resolves == 2
        assert at.sold() == 1


async def test_stopping_sees_through_what_a_caller_left_behind_that_has_gone() -> None:
    async with desk(ONE_FLIGHT) as at:
        entry = await at.entry(1, 1)
        at.faults.hold = asyncio.Event()
        gone = asyncio.ensure_future(at.committer.commit(entry))
        await eventually(lambda: len(at.faults.batches) == 1)
        gone.cancel()
        stopping = asyncio.ensure_future(at.committer.stop())
        await asyncio.wait({stopping}, timeout=0.1)
        assert not stopping.done()
        at.faults.hold.set()
        await stopping
        assert at.sold() == 1


async def test_while_there_is_no_connection_nobody_waits_for_one() -> None:
    rare = quick(ONE_FLIGHT, backoff_ms_min=60_000, backoff_ms_max=60_000, unsent_timeout_ms=50)
    async with desk(rare) as at:
        first, second = await at.entries(2)
        at.faults.away = True
        assert [type(told) for told in await heard(at, first)] == [Busy]
        assert not at.committer.available
        with pytest.raises(Busy):
            at.committer.commit(second).send(None)  # before it has waited for anything at all
