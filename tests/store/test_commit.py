"""What only a real PostgreSQL can show: races for row locks, lost answers, dead connections."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from engine.domain.messages import Book, CancelSeat, CheckIn
from engine.ports.commit import (
    Ambiguous,
    Committed,
    Entry,
    Offended,
    Rejected,
    Rejection,
    Superseded,
    Unavailable,
    Verdict,
    Why,
)
from engine.ports.leases import Tenure
from engine.settings import Settings
from engine.store.postgres.commit import PostgresCommitStore, PostgresFlight
from engine.store.postgres.pool import Connection, connect
from tests.contracts.turns import CLASS_MS, ENDS_MS, Owner, a_sale, books, commit, ids, with_code
from tests.contracts.worlds import PostgresWorld
from tests.store.until import until, until_a_lock_is_awaited

GUEST, OTHER, STAFF = 11, 12, 99
PATIENCE_MS = 150


@pytest.fixture
async def world(database: str) -> AsyncIterator[PostgresWorld]:
    """Two running sales of two seats, and little patience with who holds a lock."""
    settings = Settings(resolve_timeout_ms=PATIENCE_MS, commit_timeout_ms=2_000)
    world = await PostgresWorld.open(database, settings)
    await world.add_guests(GUEST, OTHER)
    await world.add_auction(a_sale(1))
    await world.add_auction(a_sale(2))
    yield world
    await world.close()


@pytest.fixture
async def flight(world: PostgresWorld) -> AsyncIterator[PostgresFlight]:
    flight = await world.commits.open_flight()
    yield flight
    await flight.close()


@pytest.fixture
async def rival(database: str) -> AsyncIterator[Connection]:
    """Somebody else's transaction, begun; it ends with the test."""
    connection = await connect(database)
    await connection.execute("begin")
    yield connection
    connection.terminate()


async def locks(rival: Connection, auction_id: int = 1) -> None:
    await rival.execute(f"select from auction where id = {auction_id} for update")


# --- races for the row lock ----------------------------------------------------------------------


@pytest.mark.parametrize("moved", ["fence = fence + 1", "revision = revision + 1"])
async def test_a_statement_that_waited_sees_that_the_auction_has_moved_on(
    world: PostgresWorld, flight: PostgresFlight, rival: Connection, moved: str
) -> None:
    owner, neighbour = await Owner.of(world.commits, 1), await Owner.of(world.commits, 2)
    await locks(rival)
    sent = asyncio.ensure_future(
        commit(flight, owner.offers(Book(GUEST)), neighbour.offers(Book(GUEST)))
    )
    await until_a_lock_is_awaited(world)
    await rival.execute(f"update auction set {moved} where id = 1; commit")

    assert await sent == [Superseded(), Committed(neighbour.fence)]
    assert not await world.reservations(1)
    assert not await world.events(1)
    assert len(await world.reservations(2)) == 1


async def test_turns_without_a_revision_that_waited_are_counted_anew(
    world: PostgresWorld, flight: PostgresFlight, rival: Connection
) -> None:
    """Two cancellations after the end at one (revision, fence), at the same time."""
    owner = await Owner.of(world.commits)
    first, second = ids(await books(flight, owner, GUEST, OTHER))
    await rival.execute(
        "update auction set seats_left = seats_left + 1 where id = 1;"
        f"update reservation set status = 'CANCELLED' where id = {second}"
    )
    sent = asyncio.ensure_future(
        commit(flight, owner.offers(CancelSeat(first, STAFF), at_ms=ENDS_MS + 1))
    )
    await until_a_lock_is_awaited(world)
    await rival.execute("commit")

    assert await sent == [Superseded()]
    assert (await world.auction(1)).auction.seats_left == 1


async def test_a_reservation_moved_behind_the_actors_back_rolls_everything_back(
    world: PostgresWorld, flight: PostgresFlight, rival: Connection
) -> None:
    owner, neighbour = await Owner.of(world.commits, 1), await Owner.of(world.commits, 2)
    (first,) = ids(await books(flight, owner, GUEST))
    entries = (
        owner.offers(CheckIn(first, STAFF), at_ms=CLASS_MS),
        neighbour.offers(Book(OTHER)),
    )
    await locks(rival)
    sent = asyncio.ensure_future(commit(flight, *entries))
    await until_a_lock_is_awaited(world)
    await rival.execute(f"update reservation set status = 'NO_SHOW' where id = {first}; commit")

    with pytest.raises(Rejected) as rejected:
        await sent
    assert rejected.value.rejection is Rejection.BROKEN
    assert not await world.reservations(2)
    # Once more, it is named, and the neighbour goes its way.
    named, committed = await commit(flight, *entries)
    assert isinstance(named, Offended)
    assert [offender.why for offender in named.offenders] == [Why.STATUS]
    assert committed == Committed(neighbour.fence)


async def test_a_race_on_a_code_is_a_conflict_and_named_on_the_second_try(
    world: PostgresWorld, flight: PostgresFlight, rival: Connection
) -> None:
    owner, other = await Owner.of(world.commits, 1), await Owner.of(world.commits, 2)
    entry = owner.offers(Book(GUEST))
    await rival.execute(
        "insert into reservation (id, auction_id, user_id, seat_no, price, code, revision,"
        f" accepted_at) values (9000, 2, {OTHER}, 1, 100, '{entry.booked[0].code}', 1, now())"
    )
    sent = asyncio.ensure_future(commit(flight, entry))
    await until_a_lock_is_awaited(world)
    await rival.execute("commit")

    with pytest.raises(Rejected) as rejected:
        await sent
    assert rejected.value.rejection is Rejection.CONFLICT
    (named,) = await commit(flight, entry)
    assert isinstance(named, Offended)
    assert named.offenders[0].why is Why.CODE
    assert await commit(flight, with_code(entry, "HOT-2345")) == [Committed(owner.fence)]
    assert other.fence == (await world.auction(2)).fence


async def test_a_deadlock_is_asked_again(world: PostgresWorld, rival: Connection) -> None:
    # The rival has all the time in the world, so it is ours that is given up. A wait is looked at
    # once, after that second, so the rival has to be waiting by then.
    name = await world.connection.fetchval("select current_database()")
    await world.connection.execute(f"alter database {name} set deadlock_timeout = '1s'")
    await rival.execute("set local deadlock_timeout = '1min'")
    flight = await world.commits.open_flight()
    owners = [await Owner.of(world.commits, auction_id) for auction_id in (1, 2)]
    entries = [owner.offers(Book(GUEST)) for owner in owners]
    await locks(rival, 2)
    sent = asyncio.ensure_future(commit(flight, *entries))
    await until_a_lock_is_awaited(world)
    crossing = asyncio.ensure_future(locks(rival, 1))

    with pytest.raises(Rejected) as rejected:
        await sent
    assert rejected.value.rejection is Rejection.RETRY
    await crossing
    await rival.execute("rollback")
    assert await commit(flight, *entries) == [Committed(owner.fence) for owner in owners]
    await flight.close()


@pytest.mark.parametrize("state", ["state = 'DISABLED'", "email_verified_at = null"])
async def test_an_account_that_lost_its_right_is_named(
    world: PostgresWorld, flight: PostgresFlight, state: str
) -> None:
    await world.connection.execute(f"update account set {state} where id = {GUEST}")
    owner = await Owner.of(world.commits)
    (named,) = await commit(flight, owner.offers(Book(GUEST)))
    assert isinstance(named, Offended)
    assert named.offenders[0].why is Why.ACCOUNT


# --- takeovers -----------------------------------------------------------------------------------


async def test_a_takeover_that_waited_reads_what_it_waited_for(
    world: PostgresWorld, rival: Connection
) -> None:
    """One statement would pair the new auction with the old reservations."""
    await rival.execute(
        "update auction set revision = 1, seats_left = 1 where id = 1;"
        "insert into reservation (id, auction_id, user_id, seat_no, price, code, revision,"
        f" accepted_at) values (9000, 1, {OTHER}, 1, 100, 'HOT-2345', 1, now())"
    )
    taking = asyncio.ensure_future(world.commits.take_over([1, 2]))
    await until_a_lock_is_awaited(world)
    await rival.execute("commit")

    one, two = await taking
    assert one.state.auction.revision == 1
    assert list(one.state.ledger.by_id) == [9000]
    assert two.state.auction == a_sale(2)


async def test_a_takeover_waits_for_a_claim_that_is_on_its_way_and_then_sees_it(
    world: PostgresWorld, rival: Connection
) -> None:
    one, two = await world.leases.join("one", 60_000), await world.leases.join("two", 60_000)
    await world.leases.renew("one", one.incarnation, 60_000, 0)
    await rival.execute("update shard set node_id = 'two' where no = 1")
    taking = asyncio.ensure_future(world.commits.take_over([1, 2], Tenure("one", one.incarnation)))
    await until_a_lock_is_awaited(world)
    await rival.execute("commit")

    assert [mine.state.auction.id for mine in await taking] == [2]
    (new,) = await world.commits.take_over([1, 2], Tenure("two", two.incarnation))
    assert new.state.auction.id == 1


async def test_a_claim_passes_by_what_is_being_taken_over(
    world: PostgresWorld, rival: Connection
) -> None:
    """It gets it with the next beat, and the fence moves again when it loads."""
    one = await world.leases.join("one", 1)
    await world.leases.renew("one", one.incarnation, 1, 0)
    await asyncio.sleep(0.01)
    await rival.execute("select no from shard where no = 1 for share")
    two = await world.leases.join("two", 60_000)
    shards = await world.leases.renew("two", two.incarnation, 60_000, 0)
    assert len(shards) == 63
    assert 1 not in shards
    await rival.execute("commit")
    assert 1 in await world.leases.renew("two", two.incarnation, 60_000, 0)


async def test_two_who_take_the_same_auctions_each_know_what_they_got(
    world: PostgresWorld, database: str
) -> None:
    numbers = range(100, 140)
    for auction_id in numbers:
        await world.add_auction(a_sale(auction_id))
    stores = [world.commits, PostgresCommitStore(database, Settings())]
    try:
        taken = await asyncio.gather(
            *(store.take_over(numbers) for store in stores), return_exceptions=True
        )
    finally:
        await stores[1].close()

    raised = [one for one in taken if isinstance(one, BaseException)]
    assert all(isinstance(one, Ambiguous) for one in raised)
    fences = [
        {mine.state.auction.id: mine.fence for mine in one}
        for one in taken
        if not isinstance(one, BaseException)
    ]
    for auction_id in numbers:
        stored = (await world.auction(auction_id)).fence
        owners = sum(stored == known[auction_id] for known in fences)
        assert owners == 1 or (raised and not owners)


async def test_who_never_keeps_what_it_takes_gives_up(world: PostgresWorld) -> None:
    await world.connection.execute(
        "create function rob() returns trigger language plpgsql as"
        " $$ begin new.fence := nextval('fence_token'); return new; end $$;"
        "create trigger robber before update of fence on auction"
        " for each row execute function rob()"
    )
    with pytest.raises(Ambiguous, match="1 auctions"):
        await world.commits.take_over([1])


# --- dead connections ----------------------------------------------------------------------------


async def test_a_backend_killed_in_mid_commit_leaves_it_unknown_and_resolved(
    world: PostgresWorld, flight: PostgresFlight, rival: Connection
) -> None:
    owner, commit_id = await Owner.of(world.commits), uuid4()
    entry = owner.offers(Book(GUEST))
    await locks(rival)
    sent = asyncio.ensure_future(commit(flight, entry, commit_id=commit_id))
    await until_a_lock_is_awaited(world)
    await world.connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name like '% commit' and datname = current_database()"
    )

    with pytest.raises(Ambiguous):
        await sent
    await rival.execute("rollback")
    with pytest.raises(Unavailable):
        await commit(flight, entry)
    token = await world.commits.next_token()
    assert await world.commits.resolve(token, commit_id, [entry]) == {1: Verdict.NEVER}
    again = await world.commits.open_flight()
    assert await commit(again, replace(entry, fence=token)) == [Committed(token)]
    await again.close()
    assert len(await world.reservations(1)) == 1


async def test_an_answer_that_takes_too_long_is_unknown(
    world: PostgresWorld, database: str, rival: Connection
) -> None:
    hasty = PostgresCommitStore(database, Settings(commit_timeout_ms=100))
    flight = await hasty.open_flight()
    owner = await Owner.of(world.commits)
    entry = owner.offers(Book(GUEST))
    await locks(rival)
    with pytest.raises(Ambiguous):
        await commit(flight, entry)
    with pytest.raises(Unavailable):
        await commit(flight, entry)
    await hasty.close()


async def test_a_cancelled_commit_takes_its_connection_along(
    world: PostgresWorld, flight: PostgresFlight, rival: Connection
) -> None:
    owner = await Owner.of(world.commits)
    entry = owner.offers(Book(GUEST))
    await locks(rival)
    sent = asyncio.ensure_future(commit(flight, entry))
    await until_a_lock_is_awaited(world)
    sent.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sent
    await rival.execute("rollback")
    with pytest.raises(Unavailable):
        await commit(flight, entry)


async def test_who_holds_a_lock_for_ever_is_terminated_for_a_resolve(
    world: PostgresWorld, flight: PostgresFlight, rival: Connection
) -> None:
    owner = await Owner.of(world.commits)
    entry = owner.offers(Book(GUEST))
    await locks(rival)
    token = await world.commits.next_token()
    assert await world.commits.resolve(token, uuid4(), [entry]) == {1: Verdict.NEVER}
    await until(partial(is_gone, rival))


async def test_who_holds_a_lock_for_ever_is_terminated_for_a_takeover(
    world: PostgresWorld, rival: Connection
) -> None:
    await locks(rival)
    assert len(await world.commits.take_over([1])) == 1
    await until(partial(is_gone, rival))


async def is_gone(rival: Connection) -> bool:
    return rival.is_closed()


async def test_without_a_database_nothing_is_sent(tmp_path: Path) -> None:
    store = PostgresCommitStore(f"postgresql://nobody@/none?host={tmp_path}", Settings())
    entry = Entry(expected=0, fence=1, after=a_sale(1), high_water_ms=0)
    for call in (
        store.open_flight(),
        store.next_token(),
        store.next_block("outbox_id"),
        store.look([1]),
        store.take_over([1]),
        store.resolve(1, uuid4(), [entry]),
    ):
        with pytest.raises(Unavailable):
            await call
    await store.close()


async def test_a_database_without_our_tables_is_unavailable(empty_database: str) -> None:
    store = PostgresCommitStore(empty_database, Settings())
    with pytest.raises(Unavailable):
        await store.open_flight()
    await store.close()
