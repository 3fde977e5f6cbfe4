"""Commits whose answer never came: whatever the verdict says, the rows say the same."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from engine.domain.messages import Book
from engine.ports.commit import Ambiguous, Committed, Entry, Unavailable, Verdict
from engine.settings import Settings
from engine.store.postgres.commit import PostgresCommitStore, PostgresFlight
from tests.contracts.turns import Owner, a_sale, commit
from tests.contracts.worlds import PostgresWorld
from tests.store.proxy import Proxy, Way, Wire
from tests.store.until import until, until_a_lock_is_awaited

GUEST, OTHER = 11, 12
SETTINGS = Settings(resolve_timeout_ms=150, commit_timeout_ms=2_000)
AUCTIONS = range(1, 4)
"""Those of one batch."""


@pytest.fixture
async def world(database: str) -> AsyncIterator[PostgresWorld]:
    world = await PostgresWorld.open(database, SETTINGS)
    await world.add_guests(GUEST, OTHER)
    for auction_id in AUCTIONS:
        await world.add_auction(a_sale(auction_id, seats=500))
    yield world
    await world.close()


@pytest.fixture
async def proxy(database: str, tmp_path: Path) -> AsyncIterator[Proxy]:
    async with Proxy(database).listening(tmp_path) as proxy:
        yield proxy


async def through(proxy: Proxy) -> tuple[PostgresFlight, Wire]:
    """A flight on a wire of its own."""
    flight = await PostgresCommitStore(proxy.dsn, SETTINGS).open_flight()
    return flight, proxy.wires[-1]


async def turns(world: PostgresWorld, guest: int) -> dict[int, Entry]:
    """What new owners of all auctions offer."""
    return {
        auction_id: (await Owner.of(world.commits, auction_id)).offers(Book(guest))
        for auction_id in AUCTIONS
    }


async def happened(world: PostgresWorld, entry: Entry, commit_id: UUID) -> bool:
    """Did it? Asked of the rows alone; an entry is there as a whole or not at all."""
    events = [e for e in await world.events(entry.auction_id) if e.commit_id == commit_id]
    new = {reservation.id for reservation in entry.booked}
    stored = {r.reservation.id for r in await world.reservations(entry.auction_id)}
    notices = {notice.row.id for notice in await world.notices()}
    is_there = bool(events)
    assert len(events) == (len(entry.events) if is_there else 0)
    assert new & stored == (new if is_there else set())
    assert (entry.notices[0].id in notices) is is_there
    return is_there


async def cut_once(
    world: PostgresWorld, proxy: Proxy, way_of: str, cut_after: int
) -> tuple[bool, Verdict | None]:
    """One batch over a wire that dies after so many bytes; the verdict against the truth.

    None: it answered before the wire died.
    """
    flight, wire = await through(proxy)
    entries, commit_id = await turns(world, GUEST), uuid4()
    way: Way = getattr(wire, way_of)
    way.cut_after = cut_after
    try:
        await commit(flight, *entries.values(), commit_id=commit_id)
    except Ambiguous:
        token = await world.commits.next_token()
        verdicts = await world.commits.resolve(token, commit_id, list(entries.values()))
    else:
        verdicts = {}
    await flight.close()
    truths = {await happened(world, entry, commit_id) for entry in entries.values()}
    await make_room(world)
    told: set[Verdict | None] = {*verdicts.values()} or {None}
    assert len(told) == len(truths) == 1, "a batch is one transaction"
    return truths.pop(), told.pop()


async def make_room(world: PostgresWorld) -> None:
    """For the next round, in which the same guest books."""
    await world.connection.execute("update reservation set status = 'CANCELLED'")


async def traffic(world: PostgresWorld, proxy: Proxy) -> tuple[int, int]:
    """Bytes of one batch, up and down."""
    flight, wire = await through(proxy)
    up, down = wire.up.seen_bytes, wire.down.seen_bytes
    entries = await turns(world, GUEST)
    await commit(flight, *entries.values())
    await flight.close()
    await make_room(world)
    return wire.up.seen_bytes - up, wire.down.seen_bytes - down


async def test_wherever_the_wire_is_cut_the_verdict_is_the_truth(
    world: PostgresWorld, proxy: Proxy
) -> None:
    up, down = await traffic(world, proxy)
    cuts = [("up", n) for n in (*range(0, up, up // 12), up - 5, up - 1, up)]
    cuts += [("down", n) for n in (0, 1, *range(5, down, down // 6), down - 1)]
    seen = {True: 0, False: 0}
    for way, cut_after in cuts:
        truth, told = await cut_once(world, proxy, way, cut_after)
        if told is not None:
            assert told is (Verdict.COMMITTED if truth else Verdict.NEVER), (way, cut_after)
            seen[truth] += 1
    assert min(seen.values()) >= 5, f"too little happened: {seen}"


async def test_a_statement_that_arrives_after_its_verdict_changes_nothing(
    world: PostgresWorld, proxy: Proxy
) -> None:
    flight, wire = await through(proxy)
    entries, commit_id = await turns(world, GUEST), uuid4()
    wire.up.hold()
    with pytest.raises(Ambiguous):
        await commit(flight, *entries.values(), commit_id=commit_id)
    token = await world.commits.next_token()
    verdicts = await world.commits.resolve(token, commit_id, list(entries.values()))
    assert set(verdicts.values()) == {Verdict.NEVER}

    before = wire.down.seen_bytes

    async def has_run() -> bool:
        return wire.down.seen_bytes > before

    wire.release()
    await until(has_run)

    for entry in entries.values():
        assert not await happened(world, entry, commit_id)
    again = [replace(entry, fence=token) for entry in entries.values()]
    flight = await world.commits.open_flight()
    assert await commit(flight, *again) == [Committed(token)] * len(again)
    await flight.close()


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_half_sent_statement_is_freed_and_judged(
    world: PostgresWorld, proxy: Proxy, *, arrives: bool
) -> None:
    """All but the Sync has arrived: it has run, holds its locks, and has not committed."""
    flight, wire = await through(proxy)
    entries, commit_id = await turns(world, GUEST), uuid4()
    wire.up.hold(sync_only=True)
    sent = asyncio.ensure_future(commit(flight, *entries.values(), commit_id=commit_id))
    await until_half_sent(world)
    token = await world.commits.next_token()
    resolving = asyncio.ensure_future(
        world.commits.resolve(token, commit_id, list(entries.values()))
    )
    if arrives:
        await until_a_lock_is_awaited(world)
        wire.release()
    verdicts = await resolving

    assert set(verdicts.values()) == {Verdict.COMMITTED if arrives else Verdict.NEVER}
    for entry in entries.values():
        assert await happened(world, entry, commit_id) is arrives
    if arrives:
        await sent
    else:
        with pytest.raises(Ambiguous):
            await sent
    await flight.close()


async def test_nothing_is_sent_while_new_plans_are_not_made(
    world: PostgresWorld, proxy: Proxy
) -> None:
    """After so many entries the plans are made anew, and the wire may be dead by then."""
    hasty = PostgresCommitStore(proxy.dsn, Settings(commit_timeout_ms=300))
    flight, wire = await hasty.open_flight(), proxy.wires[-1]
    owner = await Owner.of(world.commits)
    for _ in range(128):
        await commit(flight, owner.offers())
    wire.up.hold()
    with pytest.raises(Unavailable):
        await commit(flight, owner.offers(Book(GUEST)))
    with pytest.raises(Unavailable):
        await commit(flight, owner.offers(Book(GUEST)))
    assert not await world.reservations(1)


async def test_a_wire_that_is_dead_is_let_go_all_the_same(
    world: PostgresWorld, proxy: Proxy
) -> None:
    hasty = PostgresCommitStore(proxy.dsn, Settings(commit_timeout_ms=300))
    flight, wire = await hasty.open_flight(), proxy.wires[-1]
    wire.up.hold()
    await flight.close()
    with pytest.raises(Unavailable):
        await commit(flight, (await Owner.of(world.commits)).offers(Book(GUEST)))


async def until_half_sent(world: PostgresWorld) -> None:
    """Until a backend has run its statement and waits for the rest of the message."""
    await until(
        lambda: world.connection.fetchval(
            "select count(*) from pg_stat_activity where application_name like '% commit'"
            " and datname = current_database() and state = 'active'"
            " and wait_event = 'ClientRead'"
        )
    )
