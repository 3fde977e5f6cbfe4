"""However an actor's work is cut short, everybody who waits hears something true, and in time."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from engine.domain.auction import Status
from engine.domain.messages import Book, Booked, CheckIn, Look, Reply, Undo
from engine.errors import Busy, HotHourError, NoOwner, Sold, UnknownOutcome
from engine.store.memory.commit import MemoryCommitStore
from tests.engine.faulty import Fault
from tests.engine.small_world import QUICK, SmallWorld, idle_actor, small
from tests.engine.world import eventually, quick

SHORT = quick(QUICK, unsent_timeout_ms=200, answer_timeout_ms=500)


async def heard(reply: Awaitable[Reply], within_s: float = 2.0) -> Reply | HotHourError:
    """What the asker hears; fails if it is nothing at all."""
    try:
        async with asyncio.timeout(within_s):
            return await reply
    except HotHourError as error:
        return error


def held_commits(world: SmallWorld) -> asyncio.Event:
    """From now on commits wait for this event."""
    world.faults.hold = asyncio.Event()
    return world.faults.hold


async def test_a_message_put_back_while_the_actor_is_stopped_is_answered() -> None:
    async with small(quick(QUICK, yield_after_ms=0)) as world:
        auction = world.sale(1)
        sold = await world.node.directory.ask(auction, Book(1))
        assert isinstance(sold, Booked)
        actor = await idle_actor(world, auction)
        number = sold.reservation.id
        first, second = actor.tell(CheckIn(number, by=9)), actor.tell(Undo(number, by=9))
        await asyncio.sleep(0)  # both are in hand, and one is decided
        world.node.directory.remove(actor)
        actor.stop(NoOwner())
        assert isinstance(await heard(second), NoOwner)
        assert not isinstance(await heard(first), HotHourError), "what was in hand is seen through"


async def test_who_waits_for_a_commit_of_a_stopped_actor_hears_that_nobody_knows() -> None:
    async with small(SHORT) as world:
        actor = await idle_actor(world, world.sale(1))
        held = held_commits(world)
        press = actor.tell(Book(1))
        await eventually(lambda: len(world.faults.batches) == 2)
        world.node.directory.remove(actor)
        actor.stop(NoOwner())
        assert isinstance(await heard(press), UnknownOutcome)
        held.set()
        await actor.finished()
        assert world.held(1) == [1], "and the retry will tell"


async def test_who_waits_behind_a_slow_commit_hears_busy_and_who_is_in_it_waits_on() -> None:
    async with small(quick(QUICK, unsent_timeout_ms=100, answer_timeout_ms=60_000)) as world:
        actor = await idle_actor(world, world.sale(1))
        held = held_commits(world)
        press = actor.tell(Book(1))
        await eventually(lambda: len(world.faults.batches) == 2)
        assert isinstance(await heard(actor.tell(Book(2)), 15.0), Busy)
        held.set()
        assert isinstance(await heard(press, 15.0), Booked)


async def test_who_is_decided_singly_waits_no_longer_than_anybody_else() -> None:
    async with small(quick(SHORT, turn_rounds_max=1)) as world:
        taken = await world.node.directory.ask(world.sale(1), Book(9))
        assert isinstance(taken, Booked)
        actor = await idle_actor(world, world.sale(2, seats=5))
        spoil_first_code(world, taken.reservation.code)
        held = held_commits(world)
        presses = [actor.tell(Book(guest)) for guest in (1, 2, 3)]
        before = len(world.faults.batches)
        await eventually(lambda: len(world.faults.batches) == before + 1)
        held_singles = held_commits(world)
        held.set()  # the code is somebody's: from now on one by one
        answers = [await heard(press) for press in presses]
        assert [type(answer) for answer in answers] == [UnknownOutcome, Busy, Busy]
        held_singles.set()
        await actor.finished()
        assert world.held(2) == [1]


async def test_an_offender_that_nobody_can_answer_for_costs_no_neighbour_a_seat() -> None:
    async with small(quick(QUICK, turn_rounds_max=1)) as world:
        taken = await world.node.directory.ask(world.sale(1), Book(9))
        assert isinstance(taken, Booked)
        actor = await idle_actor(world, world.sale(2, seats=3))
        spoil_first_code(world, taken.reservation.code)
        answers = [await heard(press) for press in [actor.tell(Book(n)) for n in (1, 2, 3)]]
        assert all(isinstance(answer, Booked) for answer in answers)
        assert world.held(2) == [1, 2, 3]


def spoil_first_code(world: SmallWorld, code: str) -> None:
    """The next code that is drawn is somebody's already."""
    draw = world.node._draw
    real: Callable[[], str] = draw.code
    spoiled = iter([code])
    draw.code = lambda: next(spoiled, None) or real()  # type: ignore[method-assign]


async def test_a_no_is_not_told_any_more_once_the_lease_has_run_out() -> None:
    async with small(quick(QUICK, yield_after_ms=0)) as world:
        auction = world.sale(1)
        await world.node.directory.ask(auction, Book(1))
        actor = await idle_actor(world, auction)
        actor.tell(Look())  # so that they wait
        presses = [actor.tell(Book(guest)) for guest in range(2, 12)]
        await asyncio.wait([presses[0]])
        world.node.membership._valid_until_ns = 0
        answers = [await heard(press) for press in presses]
        assert isinstance(answers[0], Sold)
        assert isinstance(answers[-1], NoOwner)


async def test_many_small_turns_leave_room_for_others() -> None:
    async with small(quick(QUICK, turn_messages_max=1)) as world:
        auction = world.sale(1)
        await world.node.directory.ask(auction, Book(1))
        actor = await idle_actor(world, auction)
        actor.tell(Look())  # so that they wait
        presses = [actor.tell(Book(guest)) for guest in range(2, 2_002)]
        chances = 0
        while not presses[-1].done():
            await asyncio.sleep(0)
            chances += 1
        assert chances > 5
        assert all(isinstance(press.exception(), Sold) for press in presses)


async def test_a_turn_with_many_winners_leaves_room_before_it_is_told() -> None:
    async with small(quick(QUICK, yield_after_ms=0)) as world:
        actor = await idle_actor(world, world.sale(1, seats=50))
        told = len(world.watcher.publications)
        presses = [actor.tell(Book(guest)) for guest in range(1, 51)]
        await asyncio.wait(presses)
        chances = 0
        async with asyncio.timeout(5):
            while len(world.watcher.publications) == told:
                await asyncio.sleep(0)
                chances += 1
        assert chances >= 40
        await actor.finished()
        revisions = [frame.revision for frame in world.watcher.publications[-1].frames]
        assert revisions == list(range(3, 53))
        assert [user for user, _ in world.watcher.personal] == list(range(1, 51))


async def test_a_press_that_waited_is_not_decided_before_what_an_earlier_owner_has_used() -> None:
    async with small() as world:
        auction = world.sale(1)
        world.faults.hold_loads = asyncio.Event()
        press = asyncio.ensure_future(world.node.directory.ask(auction, Book(1)))
        await asyncio.sleep(0)
        used_ms = world.node.clock.now_ms() + 5_000
        world.db.auctions[auction].high_water_ms = used_ms
        world.faults.hold_loads.set()
        answer = await press
        assert isinstance(answer, Booked)
        assert answer.reservation.accepted_at_ms >= used_ms


async def test_a_takeover_goes_on_from_the_last_instant_an_earlier_owner_sold_at() -> None:
    async with small() as world:
        auction = world.sale(1)
        used_ms = world.node.clock.now_ms() + 60_000
        world.db.auctions[auction].high_water_ms = used_ms
        await world.node.directory.ask(auction, Look())
        assert world.node.clock.now_ms() >= used_ms


async def test_a_check_in_is_stored_though_nobody_watches_it() -> None:
    async with small() as world:
        actor = await idle_actor(world, world.sale(1))
        sold = await actor.tell(Book(1))
        assert isinstance(sold, Booked)
        await actor.tell(CheckIn(sold.reservation.id, by=9))
        stored = world.db.reservations[sold.reservation.id]
        assert (stored.reservation.status, stored.changed_by) == ("COMPLETED", 9)


async def test_the_end_is_written_down_when_the_database_is_back() -> None:
    async with small(quick(QUICK, backoff_ms_max=50)) as world:
        auction = world.sale(1, ends_in_ms=150, drop_every_ms=50)
        await idle_actor(world, auction)
        world.faults.away = True
        ends_at_ms = world.db.auctions[auction].auction.terms.ends_at_ms
        await eventually(lambda: world.node.clock.now_ms() > ends_at_ms + 100)
        with pytest.raises(Busy):
            await world.node.directory.ask(auction, Book(1))
        world.faults.away = False
        await eventually(lambda: world.db.auctions[auction].auction.status is Status.EXPIRED)
        assert world.held(auction) == []


async def test_after_a_commit_that_was_sent_again_the_next_one_goes_by_the_new_fence() -> None:
    async with small() as world:
        actor = await idle_actor(world, world.sale(1, seats=2))
        world.faults.plan = [Fault.LOST_BEFORE]
        assert isinstance(await heard(actor.tell(Book(1)), 15.0), Booked)
        assert isinstance(await heard(actor.tell(Book(2)), 15.0), Booked)
        assert world.faults.resolves == 1
        assert world.told.superseded_entries == 0


async def test_a_commit_that_never_arrived_is_not_taken_for_the_one_before_it() -> None:
    async with small() as world:
        actor = await idle_actor(world, world.sale(1, seats=2))
        assert isinstance(await heard(actor.tell(Book(1)), 15.0), Booked)
        world.faults.plan = [Fault.LOST_BEFORE]
        assert isinstance(await heard(actor.tell(Book(2)), 15.0), Booked)
        assert world.held(1) == [1, 2]


async def test_who_lost_the_auction_right_after_the_commit_says_yes_and_ends() -> None:
    async with small() as world:
        actor = await idle_actor(world, world.sale(1, seats=2))

        async def somebody_else_takes_it() -> None:
            world.faults.before_resolve = None
            await MemoryCommitStore(world.db).take_over([1])

        world.faults.before_resolve = somebody_else_takes_it
        world.faults.plan = [Fault.LOST_AFTER]
        before = len(world.watcher.publications)
        assert isinstance(await heard(actor.tell(Book(1)), 15.0), Booked)
        await eventually(lambda: world.node.directory.get(1) is not actor)
        await eventually(lambda: len(world.watcher.publications) > before)
        kinds = [
            frame.kind for told in world.watcher.publications[before:] for frame in told.frames
        ]
        assert kinds == ["auction_updated"], "who loads it next tells the whole, not who lost it"
        assert isinstance(await heard(world.node.directory.ask(1, Book(2)), 15.0), Booked)
        assert world.told.superseded_entries == 0
