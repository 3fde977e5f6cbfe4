"""One live auction: decide, commit, reply, publish; and what happens when one of them fails."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from engine.domain.auction import Status
from engine.domain.messages import (
    AuctionIs,
    Book,
    Booked,
    CancelAuction,
    CheckIn,
    GiveBack,
    Look,
    Reply,
    TriggerTurbo,
    Undo,
)
from engine.domain.terms import TurboTerms
from engine.errors import (
    AlreadyYours,
    Busy,
    Cancelled,
    Forbidden,
    HotHourError,
    Internal,
    KeyReused,
    NoOwner,
    NotFound,
    Sold,
    UnknownOutcome,
)
from engine.ports.bus import Publication
from engine.store.memory.commit import MemoryCommitStore
from tests.engine.faulty import Fault
from tests.engine.small_world import QUICK, SmallWorld, small
from tests.engine.world import Watcher, eventually, quick


async def press(world: SmallWorld, auction: int, users: range) -> Counter[type]:
    """Everybody presses at once; how many heard what."""
    asks = (world.node.directory.ask(auction, Book(user)) for user in users)
    return Counter(type(a) for a in await asyncio.gather(*asks, return_exceptions=True))


async def booked(world: SmallWorld, auction: int, user: int, key: str | None = None) -> Booked:
    answer = await world.node.directory.ask(auction, Book(user, key=key))
    assert isinstance(answer, Booked)
    return answer


async def test_losers_of_a_rush_are_answered_from_memory() -> None:
    async with small() as world:
        auction = world.sale(1)
        assert await press(world, auction, range(1, 501)) == {Booked: 1, Sold: 499}
        assert len(world.faults.batches) == 1
        assert await press(world, auction, range(501, 1_001)) == {Sold: 500}
        assert len(world.faults.batches) == 1


async def test_fifty_seats_are_not_fifty_commits() -> None:
    async with small() as world:
        auction = world.sale(1, seats=50)
        assert await press(world, auction, range(1, 501)) == {Booked: 50, Sold: 450}
        assert len(world.faults.batches) == 1
        revisions = [f.revision for f in world.watcher.frames(auction) if f.revision > 1]
        assert revisions == list(range(2, 53))
        assert world.db.auctions[1].auction.revision == 52


async def test_nothing_is_said_before_the_commit_is_known() -> None:
    async with small() as world:
        auction = world.sale(1)
        await world.node.directory.ask(auction, Look())
        world.faults.hold = asyncio.Event()
        winner = asyncio.ensure_future(world.node.directory.ask(auction, Book(1)))
        loser = asyncio.ensure_future(world.node.directory.ask(auction, Book(2)))
        await eventually(lambda: len(world.faults.batches) == 2)
        heard = len(world.watcher.publications)
        await asyncio.sleep(0.02)
        assert not winner.done()
        assert not loser.done(), "a rollback would have sold one seat less"
        assert len(world.watcher.publications) == heard
        world.faults.hold.set()
        assert isinstance(await winner, Booked)
        with pytest.raises(Sold):
            await loser
        assert world.watcher.frames(auction)[-1].kind == "auction_booked"


async def test_the_reply_comes_before_the_publication() -> None:
    async with small() as world:
        auction = world.sale(1)
        await world.node.directory.ask(auction, Look())
        actor = world.node.directory.get(auction)
        assert actor is not None
        await actor.finished()
        answered_by_then: list[bool] = []
        reply = actor.tell(Book(1))
        world.node.bus.attach(_Witness(lambda: answered_by_then.append(reply.done())))
        await reply
        await eventually(lambda: bool(answered_by_then))
        assert answered_by_then == [True]


class _Witness(Watcher):
    """Looks around whenever something is published."""

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__()
        self._look = look

    def on_publication(self, publication: Publication) -> None:
        self._look()


async def test_a_commit_whose_answer_was_lost_is_found_out_and_answered() -> None:
    async with small() as world:
        auction = world.sale(1)
        await world.node.directory.ask(auction, Look())
        world.faults.plan = [Fault.LOST_AFTER]
        answer = await booked(world, auction, 1)
        assert world.held(auction) == [1]
        assert world.faults.resolves == 1
        assert world.db.reservations[answer.reservation.id].reservation == answer.reservation
        with pytest.raises(Sold):
            await world.node.directory.ask(auction, Book(2))


async def test_a_commit_that_never_arrived_is_sent_again() -> None:
    async with small() as world:
        auction = world.sale(1)
        await world.node.directory.ask(auction, Look())
        world.faults.plan = [Fault.LOST_BEFORE, Fault.LOST_BEFORE]
        await booked(world, auction, 1)
        assert world.held(auction) == [1]
        assert world.faults.resolves == 2


async def test_while_the_outcome_is_unknown_callers_hear_so_and_the_retry_tells() -> None:
    settings = quick(QUICK, answer_timeout_ms=150, unsent_timeout_ms=50)
    async with small(settings) as world:
        auction = world.sale(1)
        await world.node.directory.ask(auction, Look())
        gate = asyncio.Event()
        world.faults.before_resolve = gate.wait
        world.faults.plan = [Fault.LOST_AFTER]
        with pytest.raises(UnknownOutcome):
            await world.node.directory.ask(auction, Book(1, key="k" * 16))
        with pytest.raises(Busy):
            await world.node.directory.ask(auction, Book(2))
        gate.set()
        await eventually(lambda: world.told.ambiguous_entries == 1)

        async def retried() -> bool:
            try:
                answer = await world.node.directory.ask(auction, Book(1, key="k" * 16))
            except Busy:
                return False
            return isinstance(answer, Booked) and answer.replayed

        await eventually(retried)
        assert world.held(auction) == [1]


async def test_without_a_database_presses_hear_busy_and_nothing_is_done() -> None:
    async with small() as world:
        auction = world.sale(1)
        await world.node.directory.ask(auction, Look())
        world.faults.away = True
        for _ in range(3):
            with pytest.raises(Busy):
                await world.node.directory.ask(auction, Book(1))
        assert world.held(auction) == []
        world.faults.away = False

        async def sold() -> bool:
            try:
                await booked(world, auction, 1)
            except Busy:
                return False
            return True

        await eventually(sold)
        assert world.held(auction) == [1]


async def test_a_code_that_is_taken_is_drawn_again_and_nobody_notices() -> None:
    async with small() as world:
        first, second = world.sale(1), world.sale(2)
        taken = await booked(world, first, 1)
        codes = iter([taken.reservation.code, taken.reservation.code])
        draw = world.node._draw
        real = draw.code
        draw.code = lambda: next(codes, None) or real()  # type: ignore[method-assign]
        answer = await booked(world, second, 2)
        assert answer.reservation.code != taken.reservation.code


async def test_a_key_of_another_auction_is_refused_and_the_neighbours_win() -> None:
    async with small() as world:
        first, second = world.sale(1), world.sale(2, seats=2)
        await booked(world, first, 1, key="k" * 16)
        reused, innocent = await asyncio.gather(
            world.node.directory.ask(second, Book(1, key="k" * 16)),
            world.node.directory.ask(second, Book(2)),
            return_exceptions=True,
        )
        assert isinstance(reused, KeyReused)
        assert isinstance(innocent, Booked)
        assert world.held(second) == [2]


async def test_an_account_that_may_not_book_is_told_and_the_seat_goes_to_the_next() -> None:
    async with small() as world:
        auction = world.sale(1)
        banned, next_one = await asyncio.gather(
            world.node.directory.ask(auction, Book(50_000)),
            world.node.directory.ask(auction, Book(2)),
            return_exceptions=True,
        )
        assert isinstance(banned, Forbidden)
        assert isinstance(next_one, Booked)


async def test_an_actor_whose_auction_was_taken_over_says_neither_yes_nor_no() -> None:
    async with small() as world:
        auction = world.sale(1)
        await world.node.directory.ask(auction, Look())
        other = MemoryCommitStore(world.db)
        await other.take_over([auction])
        with pytest.raises(NoOwner):
            await world.node.directory.ask(auction, Book(1))
        assert world.held(auction) == []
        assert world.told.superseded_entries == 1

        async def again() -> bool:
            return isinstance(await world.node.directory.ask(auction, Book(1)), Booked)

        await eventually(again)


async def test_a_no_needs_a_valid_lease_a_yes_does_not() -> None:
    async with small() as world:
        auction = world.sale(1, seats=2)
        await booked(world, auction, 1)
        world.node.membership._valid_until_ns = 0
        with pytest.raises(NoOwner):
            await world.node.directory.ask(auction, Book(1))
        await booked(world, auction, 2)


async def test_a_message_that_breaks_the_actor_fails_alone_with_those_in_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with small() as world:
        auction = world.sale(1, seats=3)
        await booked(world, auction, 1)

        def broken(*_: object) -> Reply:
            raise ZeroDivisionError

        monkeypatch.setattr("engine.turn.decide", broken)
        with pytest.raises(Internal):
            await world.node.directory.ask(auction, Book(2))
        monkeypatch.undo()
        assert world.told.crashes == 1
        await booked(world, auction, 2)
        assert sorted(world.held(auction)) == [1, 2]


async def test_an_auction_that_keeps_breaking_cools_down(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = quick(QUICK, crashes_max=2, cooldown_ms=300)
    async with small(settings) as world:
        auction = world.sale(1)

        def broken(*_: object) -> Reply:
            raise ZeroDivisionError

        monkeypatch.setattr("engine.turn.decide", broken)
        for _ in range(3):
            with pytest.raises(Internal):
                await world.node.directory.ask(auction, Book(2))
        with pytest.raises(Busy) as busy:
            await world.node.directory.ask(auction, Book(2))
        assert 0 < busy.value.retry_after_ms <= 300
        monkeypatch.undo()

        async def back() -> bool:
            try:
                await booked(world, auction, 2)
            except Busy:
                return False
            return True

        await eventually(back)


async def test_one_statement_never_writes_a_reservation_twice() -> None:
    async with small() as world:
        auction = world.sale(1)
        sold = await booked(world, auction, 1)
        number = sold.reservation.id
        directory = world.node.directory
        answers = await asyncio.gather(
            directory.ask(auction, CheckIn(number, by=7)),
            directory.ask(auction, Undo(number, by=7)),
            directory.ask(auction, CheckIn(number, by=7)),
            directory.ask(auction, Undo(number, by=7)),
            directory.ask(auction, GiveBack(number, user_id=1)),
            directory.ask(auction, Book(2)),
            directory.ask(auction, CancelAuction(by=7)),
            directory.ask(auction, Book(3)),
            return_exceptions=True,
        )
        assert not any(isinstance(a, Busy | Internal | NoOwner) for a in answers[:7])
        assert isinstance(answers[7], Cancelled)
        assert world.held(auction) == []
        assert world.db.auctions[1].auction.status is Status.CANCELLED


async def test_a_rush_does_not_push_the_end_out() -> None:
    async with small() as world:
        auction = world.sale(1, ends_in_ms=400, seats=500, drop_every_ms=50)
        wins: list[int] = []
        refusals: set[str] = set()
        user = 0
        while "EXPIRED" not in refusals:
            asks = []
            for _ in range(10):
                user += 1
                asks.append(world.node.directory.ask(auction, Book(user)))
            for answer in await asyncio.gather(*asks, return_exceptions=True):
                if isinstance(answer, Booked):
                    wins.append(answer.reservation.accepted_at_ms)
                elif isinstance(answer, HotHourError):
                    refusals.add(answer.code)
            await asyncio.sleep(0.01)  # on a fast machine too the seats outlast the sale
        ends_at_ms = world.db.auctions[1].auction.terms.ends_at_ms
        assert wins
        assert max(wins) < ends_at_ms
        assert refusals <= {"SOLD", "EXPIRED"}
        assert world.node.clock.now_ms() - ends_at_ms < 1_000


async def test_turbo_is_told_exactly_once_also_when_asked_for_at_its_instant() -> None:
    async with small() as world:
        turbo = TurboTerms(amount=100, trigger_ms=100, every_ms=20)
        auction = world.sale(1, ends_in_ms=250, drop_every_ms=50, turbo=turbo)
        await world.node.directory.ask(auction, Look())
        asks = (
            world.node.directory.ask(auction, TriggerTurbo(by=1, force=force))
            for force in (False, True, True, False)
        )
        await asyncio.gather(*asks)
        await eventually(lambda: world.db.auctions[1].auction.status is Status.EXPIRED)
        kinds = [frame.kind for frame in world.watcher.frames(auction)]
        assert kinds.count("turbo_triggered") == 1


async def test_waiting_presses_hear_busy_when_the_auction_cannot_be_loaded() -> None:
    async with small() as world:
        auction = world.sale(1)
        world.faults.away = True
        with pytest.raises(Busy):
            await world.node.directory.ask(auction, Book(1))


async def test_looking_at_nothing_finds_nothing() -> None:
    async with small() as world:
        with pytest.raises(NotFound):
            await world.node.directory.ask(404, Look())
        auction = world.sale(1)
        answer = await world.node.directory.ask(auction, Look())
        assert isinstance(answer, AuctionIs)
        assert answer.auction.status is Status.ACTIVE


async def test_a_second_press_of_the_same_guest_is_already_theirs() -> None:
    async with small() as world:
        auction = world.sale(1, seats=5)
        answers = await asyncio.gather(
            *(world.node.directory.ask(auction, Book(1)) for _ in range(5)), return_exceptions=True
        )
        kinds = Counter(type(answer) for answer in answers)
        assert kinds == {Booked: 1, AlreadyYours: 4}
