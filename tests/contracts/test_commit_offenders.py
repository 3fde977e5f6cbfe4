"""Who is in the way is named, by row; its neighbours commit and nothing of its own entry does."""

from dataclasses import replace

import pytest

from engine.domain.messages import Book, CheckIn
from engine.ports.commit import Committed, Flight, Offended, Offender, Superseded, Why
from tests.contracts.conftest import GUEST, OTHER, STAFF, THIRD, snapshot
from tests.contracts.turns import CLASS_MS, Owner, a_sale, books, commit, ids, with_code
from tests.contracts.worlds import World

KEY = "0123456789abcdef"


async def test_a_code_in_use_is_named_and_neighbours_commit(world: World, flight: Flight) -> None:
    one, two = await Owner.of(world.commits, 1), await Owner.of(world.commits, 2)
    earlier = await books(flight, one, GUEST)
    taken = earlier.booked[0].code
    # Two presses in one turn: one has the code of somebody else's, its innocent mate waits too.
    entry = with_code(two.offers(Book(OTHER), Book(THIRD)), taken)
    neighbour = one.offers(Book(OTHER))

    outcomes = await commit(flight, entry, neighbour)

    named = Offender(Why.CODE, user_id=OTHER, seat_no=1, code=taken)
    assert outcomes == [Offended((named,)), Committed(one.fence)]
    assert not await world.reservations(2)
    assert not await world.events(2)
    assert (await world.auction(2)).auction == a_sale(2)


async def test_a_key_that_was_used_is_named_with_what_it_booked(
    world: World, flight: Flight
) -> None:
    one, two = await Owner.of(world.commits, 1), await Owner.of(world.commits, 2)
    earlier = one.offers(Book(GUEST, key=KEY))
    one.moves_on(earlier, (await commit(flight, earlier))[0])

    (elsewhere,) = await commit(flight, two.offers(Book(GUEST, key=KEY)))
    # The same press again on the same sale, by an owner that has not seen the first: the guest's
    # seat is in the way as well, and the key comes first.
    forgot = Owner(replace((await world.commits.take_over([1]))[0]))
    forgot.state = replace(forgot.state, ledger=two.state.ledger)
    (same,) = await commit(flight, forgot.offers(Book(GUEST, key=KEY)))

    assert isinstance(elsewhere, Offended)
    assert isinstance(same, Offended)
    (named,) = elsewhere.offenders
    assert (named.why, named.user_id) == (Why.KEY, GUEST)
    assert (named.old, named.old_auction_id) == (ids(earlier)[0], 1)
    assert [(o.why, o.old, o.old_auction_id) for o in same.offenders] == [
        (Why.KEY, ids(earlier)[0], 1)
    ]


async def test_another_guests_equal_key_is_no_offender(world: World, flight: Flight) -> None:
    owner = await Owner.of(world.commits)
    entry = owner.offers(Book(GUEST, key=KEY), Book(OTHER, key=KEY))
    assert await commit(flight, entry) == [Committed(owner.fence)]


@pytest.mark.parametrize(("guest", "why"), [(GUEST, Why.USER), (OTHER, Why.SEAT)])
async def test_a_seat_in_the_way_is_named(
    world: World, flight: Flight, guest: int, why: Why
) -> None:
    owner = await Owner.of(world.commits)
    await books(flight, owner, GUEST)
    blind = Owner((await world.commits.take_over([1]))[0])
    blind.state = replace(blind.state, ledger=(await Owner.of(world.commits, 2)).state.ledger)
    entry = blind.offers(Book(guest))

    (outcome,) = await commit(flight, entry)

    assert outcome == Offended((Offender(why, guest, 1, entry.booked[0].code),))
    assert len(await world.reservations(1)) == 1


async def test_an_account_that_may_not_book_is_named(world: World, flight: Flight) -> None:
    owner = await Owner.of(world.commits)
    entry = owner.offers(Book(404), Book(GUEST))
    (outcome,) = await commit(flight, entry)
    assert outcome == Offended((Offender(Why.ACCOUNT, 404, 1, entry.booked[0].code),))
    assert not await world.reservations(1)


async def test_a_reservation_that_moved_is_named(world: World, flight: Flight) -> None:
    owner = await Owner.of(world.commits)
    sold = await books(flight, owner, GUEST, OTHER)
    first, second = ids(sold)
    twice = owner.offers(CheckIn(first, STAFF), CheckIn(second, STAFF), at_ms=CLASS_MS)
    once = owner.offers(CheckIn(first, STAFF), at_ms=CLASS_MS)
    assert await commit(flight, once) == [Committed(owner.fence)]
    before = await snapshot(world)

    assert await commit(flight, twice) == [Offended((Offender(Why.STATUS, old=first),))]
    assert await snapshot(world) == before


async def test_every_offender_of_a_turn_is_named(world: World, flight: Flight) -> None:
    owner, other = await Owner.of(world.commits, 1), await Owner.of(world.commits, 2)
    earlier = await books(flight, other, GUEST)
    entry = with_code(owner.offers(Book(OTHER), Book(404)), earlier.booked[0].code)
    (outcome,) = await commit(flight, entry)
    assert isinstance(outcome, Offended)
    assert {(o.why, o.user_id) for o in outcome.offenders} == {
        (Why.CODE, OTHER),
        (Why.ACCOUNT, 404),
    }


async def test_a_stale_owner_hears_of_keys_and_of_nothing_else(
    world: World, flight: Flight
) -> None:
    stale = await Owner.of(world.commits)
    earlier = stale.offers(Book(GUEST, key=KEY))
    # Its retry, and a guest whose seat the newer owner has sold meanwhile.
    retry = stale.offers(Book(GUEST, key=KEY), Book(OTHER))
    newer = await Owner.of(world.commits)
    await commit(flight, replace(earlier, fence=newer.fence))

    (outcome,) = await commit(flight, retry)

    assert isinstance(outcome, Offended)
    (named,) = outcome.offenders
    assert (named.why, named.old) == (Why.KEY, ids(earlier)[0])
    assert await commit(flight, stale.offers(Book(OTHER))) == [Superseded()]
