"""Who routes which auctions: heartbeats, claims, and names that are taken."""

import asyncio

import pytest

from engine.ports.leases import LeaseLost
from tests.contracts.worlds import SHARDS, World

ALL = frozenset(range(SHARDS))
NONE: frozenset[int] = frozenset()
TTL_MS = 60_000
NOON_MS = 1_767_268_800_000


async def test_the_first_member_gets_every_shard(world: World) -> None:
    joined = await world.leases.join("one", TTL_MS)
    assert joined.high_water_ms == 0, "nobody has used any instant"
    assert set(await world.leases.renew("one", joined.incarnation, TTL_MS, NOON_MS)) == ALL
    assert set(await world.leases.renew("one", joined.incarnation, TTL_MS, NOON_MS)) == ALL


async def test_a_second_member_takes_nothing_from_a_living_one(world: World) -> None:
    one = await world.leases.join("one", TTL_MS)
    await world.leases.renew("one", one.incarnation, TTL_MS, NOON_MS)
    two = await world.leases.join("two", TTL_MS)
    assert set(await world.leases.renew("two", two.incarnation, TTL_MS, NOON_MS)) == NONE


async def test_the_shards_of_a_member_that_is_gone_are_claimed(world: World) -> None:
    one = await world.leases.join("one", TTL_MS)
    await world.leases.renew("one", one.incarnation, TTL_MS, NOON_MS)
    await world.pass_ms(TTL_MS // 2)
    two = await world.leases.join("two", TTL_MS)
    assert set(await world.leases.renew("two", two.incarnation, TTL_MS, NOON_MS)) == NONE
    await world.pass_ms(TTL_MS // 2)
    assert set(await world.leases.renew("two", two.incarnation, TTL_MS, NOON_MS)) == ALL
    # Back again, it is still a member, and routes nothing.
    assert set(await world.leases.renew("one", one.incarnation, TTL_MS, NOON_MS)) == NONE


async def test_a_beat_keeps_what_had_run_out_and_nobody_took(world: World) -> None:
    one = await world.leases.join("one", TTL_MS)
    await world.leases.renew("one", one.incarnation, TTL_MS, NOON_MS)
    await world.pass_ms(2 * TTL_MS)
    assert set(await world.leases.renew("one", one.incarnation, TTL_MS, NOON_MS)) == ALL
    two = await world.leases.join("two", TTL_MS)
    assert set(await world.leases.renew("two", two.incarnation, TTL_MS, NOON_MS)) == NONE


async def test_a_shard_that_was_somebody_elses_for_a_while_has_another_claim(world: World) -> None:
    one = await world.leases.join("one", TTL_MS)
    first = await world.leases.renew("one", one.incarnation, TTL_MS, NOON_MS)
    assert await world.leases.renew("one", one.incarnation, TTL_MS, NOON_MS) == first
    await world.pass_ms(2 * TTL_MS)
    two = await world.leases.join("two", TTL_MS)
    taken = await world.leases.renew("two", two.incarnation, TTL_MS, NOON_MS)
    await world.pass_ms(2 * TTL_MS)
    again = await world.leases.renew("one", one.incarnation, TTL_MS, NOON_MS)
    assert set(first) == set(taken) == set(again) == ALL
    assert all(first[no] < taken[no] < again[no] for no in ALL)


async def test_an_earlier_process_of_the_same_name_is_superseded_at_once(world: World) -> None:
    before = await world.leases.join("one", TTL_MS)
    await world.leases.renew("one", before.incarnation, TTL_MS, NOON_MS)
    after = await world.leases.join("one", TTL_MS)
    assert after.incarnation > before.incarnation
    assert set(await world.leases.renew("one", after.incarnation, TTL_MS, NOON_MS)) == ALL
    with pytest.raises(LeaseLost):
        await world.leases.renew("one", before.incarnation, TTL_MS, NOON_MS)
    # What it leaves is not its own any more.
    await world.leases.leave("one", before.incarnation)
    assert set(await world.leases.renew("one", after.incarnation, TTL_MS, NOON_MS)) == ALL


async def test_a_stranger_has_no_lease(world: World) -> None:
    with pytest.raises(LeaseLost):
        await world.leases.renew("nobody", 1, TTL_MS, NOON_MS)
    await world.leases.leave("nobody", 1)


async def test_who_leaves_makes_nobody_wait(world: World) -> None:
    one = await world.leases.join("one", TTL_MS)
    await world.leases.renew("one", one.incarnation, TTL_MS, NOON_MS)
    two = await world.leases.join("two", TTL_MS)
    await world.leases.leave("one", one.incarnation)
    assert set(await world.leases.renew("two", two.incarnation, TTL_MS, NOON_MS)) == ALL


async def test_who_leaves_takes_nothing_of_anybody_else_along(world: World) -> None:
    one = await world.leases.join("one", TTL_MS)
    two = await world.leases.join("two", TTL_MS)
    await world.leases.renew("one", one.incarnation, TTL_MS, NOON_MS)
    await world.leases.leave("two", two.incarnation)
    three = await world.leases.join("three", TTL_MS)
    assert set(await world.leases.renew("three", three.incarnation, TTL_MS, NOON_MS)) == NONE


async def test_the_latest_instant_any_member_used_is_told(world: World) -> None:
    one = await world.leases.join("one", TTL_MS)
    await world.leases.renew("one", one.incarnation, TTL_MS, NOON_MS + 5_000)
    await world.leases.renew("one", one.incarnation, TTL_MS, NOON_MS + 1_000)
    await world.leases.leave("one", one.incarnation)
    two = await world.leases.join("two", TTL_MS)
    assert two.high_water_ms == NOON_MS + 5_000
    again = await world.leases.join("one", TTL_MS)
    assert again.high_water_ms == NOON_MS + 5_000


async def test_of_members_who_claim_at_once_each_shard_has_one(world: World) -> None:
    names = [f"member-{n}" for n in range(4)]
    joined = {name: await world.leases.join(name, TTL_MS) for name in names}

    async def claim(name: str) -> frozenset[int]:
        return frozenset(await world.leases.renew(name, joined[name].incarnation, TTL_MS, NOON_MS))

    owned = await asyncio.gather(*map(claim, names))

    assert sum(len(shards) for shards in owned) == SHARDS
    assert frozenset().union(*owned) == ALL
    assert list(await asyncio.gather(*map(claim, names))) == owned
