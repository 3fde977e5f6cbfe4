"""A whole node on a real database: one sale from its start to its last seat."""

import asyncio
from collections import Counter

import pytest

from engine.domain.auction import Status
from engine.domain.messages import Book, Booked, GiveBack, Look
from engine.errors import AlreadyYours, HotHourError, NotFound, NotStarted, Sold
from engine.ports.commit import CommitStore
from tests.engine.faulty import Faulty
from tests.engine.small_world import small
from tests.engine.world import Sale, add_guests, add_sale, eventually, running


async def test_of_a_thousand_guests_exactly_as_many_win_as_there_are_seats(database: str) -> None:
    async with running(database) as world:
        guests = await add_guests(world.db, 1_000)
        for seats in (1, 50):
            auction = await add_sale(world.db, world.node.clock.now_ms(), Sale(seats=seats))
            answers = await asyncio.gather(
                *(world.node.directory.ask(auction, Book(guest)) for guest in guests),
                return_exceptions=True,
            )
            kinds = Counter(type(answer) for answer in answers)
            assert kinds == {Booked: seats, Sold: 1_000 - seats}
            assert all(a.accepted_at_ms >= a.sold_at_ms for a in answers if isinstance(a, Sold))
            rows = await world.db.fetch(
                "select seat_no, code from reservation where auction_id = $1", auction
            )
            assert sorted(row["seat_no"] for row in rows) == list(range(1, seats + 1))
            stored = await world.db.fetchrow("select * from auction where id = $1", auction)
            assert stored is not None
            assert (stored["status"], stored["seats_left"]) == ("SOLD", 0)


async def test_the_winner_pays_the_price_of_the_accepted_instant(database: str) -> None:
    async with running(database) as world:
        (guest,) = await add_guests(world.db, 1)
        now_ms = world.node.clock.now_ms()
        auction = await add_sale(
            world.db, now_ms, Sale(starts_in_ms=-1_000, drop_every_ms=100, drop_amount=100)
        )
        answer = await world.node.directory.ask(auction, Book(guest))
        assert isinstance(answer, Booked)
        view = await world.node.directory.view(auction)
        assert answer.reservation.price == view.schedule.price_at(answer.reservation.accepted_at_ms)
        assert now_ms <= answer.reservation.accepted_at_ms <= world.node.clock.now_ms()


async def test_a_scheduled_sale_opens_by_itself_and_tells_whoever_watches(database: str) -> None:
    async with running(database) as world:
        (guest,) = await add_guests(world.db, 1)
        now_ms = world.node.clock.now_ms()
        auction = await add_sale(
            world.db,
            now_ms,
            Sale(starts_in_ms=3_000, ends_in_ms=4_000, drop_every_ms=200, turbo=(500, 600, 100)),
        )
        world.node.supervisor.published(auction, now_ms + 3_000)
        with pytest.raises(NotStarted):
            await world.node.directory.ask(auction, Book(guest))
        await eventually(lambda: len(world.watcher.frames(auction)) >= 4, within_s=30)
        kinds = [frame.kind for frame in world.watcher.frames(auction)]
        assert kinds == ["auction_updated", "auction_updated", "turbo_triggered", "auction_updated"]
        events = await world.db.fetch("select * from event where auction_id = $1", auction)
        assert [(row["revision"], row["kind"]) for row in events] == [
            (2, "activated"),
            (3, "turbo_triggered"),
            (4, "expired"),
        ]
        assert [row["at"] - now_ms for row in events] == [3_000, 3_400, 4_000]


async def test_a_retry_with_the_key_hears_the_same_after_a_restart(database: str) -> None:
    async with running(database) as world:
        guests = await add_guests(world.db, 2)
        auction = await add_sale(world.db, world.node.clock.now_ms())
        first = await world.node.directory.ask(auction, Book(guests[0], key="k" * 16))
    async with running(database) as world:
        again = await world.node.directory.ask(auction, Book(guests[0], key="k" * 16))
        assert isinstance(first, Booked)
        assert isinstance(again, Booked)
        assert again.replayed
        assert again.reservation == first.reservation
        with pytest.raises(AlreadyYours):
            await world.node.directory.ask(auction, Book(guests[0], key="m" * 16))
        with pytest.raises(Sold):
            await world.node.directory.ask(auction, Book(guests[1]))


async def test_a_seat_given_back_is_sold_again(database: str) -> None:
    async with running(database) as world:
        guests = await add_guests(world.db, 2)
        auction = await add_sale(world.db, world.node.clock.now_ms())
        first = await world.node.directory.ask(auction, Book(guests[0]))
        assert isinstance(first, Booked)
        await world.node.directory.ask(auction, GiveBack(first.reservation.id, guests[0]))
        second = await world.node.directory.ask(auction, Book(guests[1]))
        assert isinstance(second, Booked)
        assert second.reservation.seat_no == first.reservation.seat_no
        with pytest.raises(HotHourError) as refused:
            await world.node.directory.ask(auction, Book(guests[0]))
        assert refused.value.code in ("REBOOK_REFUSED", "SOLD")


async def test_an_unknown_auction_is_not_found(database: str) -> None:
    async with running(database) as world:
        with pytest.raises(NotFound):
            await world.node.directory.ask(4_711, Book(1))
        with pytest.raises(NotFound):
            await world.node.directory.view(4_711)


async def test_losers_cost_the_database_nothing(database: str) -> None:
    faults: list[Faulty] = []

    def counted(store: CommitStore) -> CommitStore:
        faults.append(Faulty(store))
        return faults[0]

    async with running(database, wrap=counted) as world:
        guests = await add_guests(world.db, 1_001)
        auction = await add_sale(world.db, world.node.clock.now_ms())
        await world.node.directory.ask(auction, Book(guests[0]))
        batches = len(faults[0].batches)
        answers = await asyncio.gather(
            *(world.node.directory.ask(auction, Book(guest)) for guest in guests[1:]),
            return_exceptions=True,
        )
        assert all(isinstance(answer, Sold) for answer in answers)
        assert batches >= 1
        assert len(faults[0].batches) == batches


async def test_an_end_that_a_leap_of_the_clock_has_passed_is_not_slept_through() -> None:
    async with small() as world:
        auction = world.sale(1, ends_in_ms=300_000)
        await world.node.directory.ask(auction, Look())
        world.node.clock.at_least(world.node.clock.now_ms() + 300_000)
        await eventually(lambda: world.db.auctions[auction].auction.status is Status.EXPIRED)


async def test_a_node_that_cannot_wait_for_a_commit_any_more_still_ends_cleanly() -> None:
    async with small() as world:
        auction = world.sale(1)
        await world.node.directory.ask(auction, Look())
        world.faults.hold = asyncio.Event()
        press = asyncio.ensure_future(world.node.directory.ask(auction, Book(1)))
        await eventually(lambda: len(world.faults.batches) == 2)
        for ending in (world.node.drain, world.node.stop):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await ending()
        assert all(task.done() for task in world.node._tasks)
        assert set(world.db.shards.values()) == {None}, "others may take over at once"
        press.cancel()
        actor = world.node.directory.get(auction)
        assert actor is not None
        world.node.directory.remove(actor)  # it waits for ever for what nobody carries any more
        world.node._committer._idle.set()


async def test_without_a_valid_lease_it_does_not_say_that_it_can_book() -> None:
    async with small() as world:
        assert world.node.bookable
        world.node.membership._valid_until_ns = 0
        assert not world.node.bookable


async def test_a_part_that_breaks_ends_the_node() -> None:
    async with small() as world:
        told: list[str] = []
        world.node._superseded = lambda: told.append("it is over")

        async def breaks() -> None:
            raise ZeroDivisionError

        world.node._run(breaks(), "a part")
        await eventually(lambda: told == ["it is over"])
