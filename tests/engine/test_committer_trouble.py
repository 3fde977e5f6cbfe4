"""Group commit when something is wrong with one entry, with the flights, or with the way out."""

import asyncio

import pytest

from engine.committer import CommitBroken
from engine.domain.decide import decide
from engine.domain.messages import Arrival, Book
from engine.errors import Busy
from engine.ports.commit import Committed, Entry, Outcome, Superseded
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
