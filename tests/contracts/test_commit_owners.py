"""Whose an auction is: takeovers, and the truth about commits whose answer never came."""

from dataclasses import replace
from uuid import uuid4

import pytest

from engine.domain.auction import Status
from engine.domain.messages import Book, CheckIn, GiveBack
from engine.ports.commit import Committed, Flight, Superseded, Verdict
from engine.ports.leases import Tenure
from tests.contracts.conftest import GUEST, OTHER, STAFF, THIRD, snapshot
from tests.contracts.turns import CLASS_MS, NOON_MS, Owner, a_sale, books, commit, ids
from tests.contracts.worlds import World

TTL_MS = 3_000

# --- taking over ---------------------------------------------------------------------------------


async def test_a_takeover_loads_all_and_moves_the_fence(world: World, flight: Flight) -> None:
    before = await Owner.of(world.commits)
    sold = await books(flight, before, GUEST, OTHER)
    given = before.offers(GiveBack(ids(sold)[0], GUEST), at_ms=NOON_MS + 500)
    before.moves_on(given, (await commit(flight, given))[0])

    (loaded,) = await world.commits.take_over([1])

    assert loaded.state.auction == before.state.auction
    assert dict(loaded.state.ledger.by_id) == dict(before.state.ledger.by_id)
    assert loaded.state.ledger.free_seat() == 1
    assert loaded.fence > before.fence
    assert loaded.fence == (await world.auction(1)).fence
    assert loaded.high_water_ms == given.high_water_ms
    assert await commit(flight, before.offers(Book(THIRD))) == [Superseded()]
    after = Owner(loaded)
    assert await commit(flight, after.offers(Book(THIRD))) == [Committed(after.fence)]


async def test_drafts_and_unknown_auctions_are_left_out(world: World, flight: Flight) -> None:
    await world.add_auction(a_sale(3, status=Status.DRAFT))
    loaded = await world.commits.take_over([3, 2, 404, 1, 2])
    assert [mine.state.auction.id for mine in loaded] == [1, 2]
    assert (await world.auction(3)).fence == 0
    assert await world.commits.take_over([]) == []


async def test_a_member_takes_over_what_its_own_shards_hold_and_nothing_else(
    world: World, flight: Flight
) -> None:
    one = await world.leases.join("one", TTL_MS)
    await world.leases.renew("one", one.incarnation, TTL_MS, NOON_MS)
    tenure = Tenure("one", one.incarnation)
    taken = await world.commits.take_over([1, 2, 404], tenure)
    assert [mine.state.auction.id for mine in taken] == [1, 2]

    await world.pass_ms(TTL_MS)
    two = await world.leases.join("two", TTL_MS)
    await world.leases.renew("two", two.incarnation, TTL_MS, NOON_MS)
    new = {
        mine.state.auction.id: mine
        for mine in await world.commits.take_over([1, 2], Tenure("two", two.incarnation))
    }
    # The first does not know yet. What the second has loaded is not taken from under it.
    assert await world.commits.take_over([1, 2], tenure) == []
    assert (await world.auction(1)).fence == new[1].fence
    assert await commit(flight, Owner(new[1]).offers(Book(GUEST))) == [Committed(new[1].fence)]


async def test_an_earlier_process_of_the_same_name_takes_over_nothing(
    world: World, flight: Flight
) -> None:
    before = await world.leases.join("one", TTL_MS)
    await world.leases.renew("one", before.incarnation, TTL_MS, NOON_MS)
    after = await world.leases.join("one", TTL_MS)
    assert await world.commits.take_over([1], Tenure("one", before.incarnation)) == []
    assert len(await world.commits.take_over([1], Tenure("one", after.incarnation))) == 1


async def test_looking_moves_nothing(world: World, flight: Flight) -> None:
    await world.add_auction(a_sale(3, status=Status.DRAFT))
    owner = await Owner.of(world.commits)
    await books(flight, owner, GUEST)
    found = await world.commits.look([2, 3, 404, 1])
    assert list(found) == [owner.state.auction, a_sale(2)]
    assert await commit(flight, owner.offers(Book(OTHER))) == [Committed(owner.fence)]


async def test_tokens_and_blocks_are_given_once(world: World) -> None:
    store = world.commits
    assert await store.next_token() < await store.next_token()
    for sequence in ("reservation_id", "outbox_id"):
        one, two = await store.next_block(sequence), await store.next_block(sequence)
        assert (len(one), len(two)) == (1_000, 1_000)
        assert one.start > 0
        assert two.start == one.stop


# --- the truth about a commit whose answer never came --------------------------------------------


async def test_what_was_written_is_found_committed(world: World, flight: Flight) -> None:
    owner, commit_id = await Owner.of(world.commits), uuid4()
    entry = owner.offers(Book(GUEST))
    await commit(flight, entry, commit_id=commit_id)
    token = await world.commits.next_token()

    for _ in range(2):  # asked again, it says the same
        verdicts = await world.commits.resolve(token, commit_id, [entry])
        assert verdicts == {1: Verdict.COMMITTED}

    owner.moves_on(entry, Committed(token))
    assert await commit(flight, owner.offers(Book(OTHER))) == [Committed(token)]


async def test_what_was_not_written_never_will_be(world: World, flight: Flight) -> None:
    owner, commit_id = await Owner.of(world.commits), uuid4()
    entry = owner.offers(Book(GUEST))
    token = await world.commits.next_token()

    for _ in range(2):
        verdicts = await world.commits.resolve(token, commit_id, [entry])
        assert verdicts == {1: Verdict.NEVER}

    assert await commit(flight, entry, commit_id=commit_id) == [Superseded()]
    again = replace(entry, fence=token)
    assert await commit(flight, again) == [Committed(token)]
    assert len(await world.reservations(1)) == 1


@pytest.mark.parametrize("written", [True, False])
async def test_another_owner_does_not_hide_the_truth(
    world: World, flight: Flight, *, written: bool
) -> None:
    owner, commit_id = await Owner.of(world.commits), uuid4()
    entry = owner.offers(Book(GUEST))
    if written:
        await commit(flight, entry, commit_id=commit_id)
    newer = await Owner.of(world.commits)
    await books(flight, newer, OTHER)
    before = await snapshot(world)

    verdicts = await world.commits.resolve(await world.commits.next_token(), commit_id, [entry])

    assert verdicts == {1: Verdict.COMMITTED_THEN_LOST if written else Verdict.LOST}
    assert await snapshot(world) == before
    assert (await world.auction(1)).fence == newer.fence


async def test_turns_without_a_revision_are_resolved_too(world: World, flight: Flight) -> None:
    owner, commit_id = await Owner.of(world.commits), uuid4()
    first, second = ids(await books(flight, owner, GUEST, OTHER))
    written = owner.offers(CheckIn(first, STAFF), at_ms=CLASS_MS)
    await commit(flight, written, commit_id=commit_id)
    token = await world.commits.next_token()
    assert await world.commits.resolve(token, commit_id, [written]) == {1: Verdict.COMMITTED}

    owner.fence = token
    lost = owner.offers(CheckIn(second, STAFF), at_ms=CLASS_MS)
    token = await world.commits.next_token()
    assert await world.commits.resolve(token, uuid4(), [lost]) == {1: Verdict.NEVER}
    assert await commit(flight, lost) == [Superseded()]


@pytest.mark.parametrize("written", [True, False])
@pytest.mark.parametrize("goes_on", [True, False])
async def test_turns_without_a_revision_are_resolved_behind_another_owner(
    world: World, flight: Flight, *, written: bool, goes_on: bool
) -> None:
    owner, commit_id = await Owner.of(world.commits), uuid4()
    first, second = ids(await books(flight, owner, GUEST, OTHER))
    entry = owner.offers(CheckIn(first, STAFF), at_ms=CLASS_MS)
    if written:
        await commit(flight, entry, commit_id=commit_id)
    newer = await Owner.of(world.commits)
    if goes_on:
        # Its own check-in is later, of another guest: last_commit_id is no longer ours.
        await commit(flight, newer.offers(CheckIn(second, STAFF), at_ms=CLASS_MS + 5))

    verdicts = await world.commits.resolve(await world.commits.next_token(), commit_id, [entry])

    assert verdicts == {1: Verdict.COMMITTED_THEN_LOST if written else Verdict.LOST}


async def test_another_owners_equal_check_in_is_not_ours(world: World, flight: Flight) -> None:
    owner = await Owner.of(world.commits)
    (first,) = ids(await books(flight, owner, GUEST))
    entry = owner.offers(CheckIn(first, STAFF), at_ms=CLASS_MS)
    newer = await Owner.of(world.commits)
    await commit(flight, newer.offers(CheckIn(first, STAFF), at_ms=CLASS_MS + 1))
    verdicts = await world.commits.resolve(await world.commits.next_token(), uuid4(), [entry])
    assert verdicts == {1: Verdict.LOST}


async def test_a_batch_is_resolved_entry_by_entry(world: World, flight: Flight) -> None:
    for auction_id in (3, 4):
        await world.add_auction(a_sale(auction_id))
    owners = {n: await Owner.of(world.commits, n) for n in (1, 2, 3, 4)}
    entries = {n: owner.offers(Book(GUEST)) for n, owner in owners.items()}
    commit_id = uuid4()
    await commit(flight, entries[1], entries[3], commit_id=commit_id)
    for lost in (3, 4):
        await Owner.of(world.commits, lost)

    verdicts = await world.commits.resolve(
        await world.commits.next_token(), commit_id, list(entries.values())
    )

    assert verdicts == {
        1: Verdict.COMMITTED,
        2: Verdict.NEVER,
        3: Verdict.COMMITTED_THEN_LOST,
        4: Verdict.LOST,
    }
