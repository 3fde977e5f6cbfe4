"""Who comes when a sale is over: refused at once, or in order where somebody is before them."""

import pytest

from engine.domain.messages import Book, Booked, GiveBack
from engine.errors import NoOwner, Sold
from tests.engine.small_world import SmallWorld, idle_actor, small


async def _booked(world: SmallWorld, auction: int, user: int, key: str | None = None) -> Booked:
    answer = await world.node.directory.ask(auction, Book(user, key=key))
    assert isinstance(answer, Booked)
    return answer


async def test_who_comes_when_all_is_over_is_told_at_once() -> None:
    async with small() as world:
        auction = world.sale(1)
        await _booked(world, auction, 1)
        actor = await idle_actor(world, auction)
        with pytest.raises(Sold):
            actor.tell(Book(2))
        assert actor.idle
        world.node.membership._valid_until_ns = 0
        with pytest.raises(NoOwner):
            actor.tell(Book(3))


async def test_a_retry_with_the_winners_key_hears_of_its_seat_when_all_is_over() -> None:
    async with small() as world:
        auction = world.sale(1)
        first = await _booked(world, auction, 1, key="k" * 16)
        again = await _booked(world, auction, 1, key="k" * 16)
        assert again.replayed
        assert again.reservation == first.reservation


async def test_who_presses_behind_a_seat_that_comes_back_is_not_told_that_all_is_over() -> None:
    async with small() as world:
        auction = world.sale(1)
        first = await _booked(world, auction, 1)
        actor = await idle_actor(world, auction)
        back = actor.tell(GiveBack(first.reservation.id, 1))
        press = actor.tell(Book(2))
        await back
        assert isinstance(await press, Booked)
