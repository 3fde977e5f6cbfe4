"""Membership: which shards are ours, and how long a no counts."""

import asyncio
from collections.abc import Mapping

import pytest

from engine.clock import ClockApart, ClockBehind
from engine.leases import Membership
from engine.ports.commit import Unavailable
from engine.ports.leases import Joined, LeaseLost
from engine.settings import Settings
from engine.store.memory.database import MemoryDatabase
from engine.store.memory.leases import MemoryLeaseStore
from tests.engine.hand_clock import HandClock
from tests.engine.world import clock_of, eventually

SETTINGS = Settings(lease_ttl_ms=3_000, lease_renew_ms=10)


def member(name: str, db: MemoryDatabase, clock: HandClock) -> Membership:
    return Membership(name, MemoryLeaseStore(db), clock, SETTINGS)


async def test_the_first_member_owns_everything() -> None:
    clock = HandClock()
    one = member("a", MemoryDatabase(clock), clock)
    await one.join()
    assert all(one.owns(auction) for auction in range(200))
    assert one.may_refuse(7)


async def test_a_second_member_gets_what_the_first_leaves() -> None:
    clock = HandClock()
    db = MemoryDatabase(clock)
    one, two = member("a", db, clock), member("b", db, clock)
    await one.join()
    await two.join()
    assert not two.shards
    await one.leave()
    assert not one.may_refuse(1)
    gained, lost = await two.renew()
    assert (len(gained), len(lost)) == (64, 0)


async def test_a_silent_member_loses_its_shards_and_may_not_refuse_before_that() -> None:
    clock = HandClock()
    db = MemoryDatabase(clock)
    one, two = member("a", db, clock), member("b", db, clock)
    await one.join()
    await two.join()
    clock.pass_ms(SETTINGS.lease_ttl_ms)
    assert not one.valid, "its own licence ends no later than others may believe"
    clock.pass_ms(1)
    gained, _ = await two.renew()
    assert len(gained) == 64
    _, lost = await one.renew()
    assert len(lost) == 64


async def test_what_was_lost_and_came_back_unheard_is_both_lost_and_gained() -> None:
    clock = HandClock()
    db = MemoryDatabase(clock)
    one, two = member("a", db, clock), member("b", db, clock)
    await one.join()
    await two.join()
    assert await one.renew() == (frozenset(), frozenset())
    clock.pass_ms(SETTINGS.lease_ttl_ms + 1)
    await two.renew()
    clock.pass_ms(SETTINGS.lease_ttl_ms + 1)
    gained, lost = await one.renew()
    assert len(gained) == len(lost) == 64
    assert one.may_refuse(7)


async def test_a_restart_under_the_same_name_takes_over_at_once() -> None:
    clock = HandClock()
    db = MemoryDatabase(clock)
    old, new = member("a", db, clock), member("a", db, clock)
    await old.join()
    await new.join()
    assert len(new.shards) == 64
    with pytest.raises(LeaseLost):
        await old.renew()


async def test_beating_tells_of_gains_and_of_being_superseded() -> None:
    clock = HandClock()
    db = MemoryDatabase(clock)
    one, two = member("a", db, clock), member("b", db, clock)
    await one.join()
    await two.join()
    gained: list[int] = []
    ended: list[bool] = []

    def changed(more: frozenset[int], _: frozenset[int]) -> None:
        gained.append(len(more))

    beating = asyncio.ensure_future(two.beat(changed, lambda: ended.append(True)))
    await one.leave()
    await eventually(lambda: gained == [64])
    await member("b", db, clock).join()
    await eventually(lambda: ended == [True])
    await beating
    assert not two.shards


async def test_a_database_that_is_away_only_lets_the_licence_run_out() -> None:
    clock = HandClock()
    one = member("a", MemoryDatabase(clock), clock)
    await one.join()
    calls: list[int] = []

    async def away(*_: object) -> frozenset[int]:
        calls.append(1)
        raise Unavailable("away")

    one._store.renew = away  # type: ignore[method-assign,assignment]
    beating = asyncio.ensure_future(one.beat(_nothing, lambda: None))
    await eventually(lambda: len(calls) > 2)
    beating.cancel()
    assert one.valid
    clock.pass_ms(SETTINGS.lease_ttl_ms)
    assert not one.may_refuse(1)


def _nothing(_: frozenset[int], __: frozenset[int]) -> None:
    raise AssertionError("nothing changed")


async def test_the_clock_starts_from_the_latest_instant_any_member_has_used() -> None:
    clock = clock_of(SETTINGS)
    db = MemoryDatabase(clock)
    ahead = HandClock(clock.now_ms())
    one = Membership("a", MemoryLeaseStore(db), ahead, SETTINGS)
    await one.join()
    ahead.pass_ms(60_000)
    await one.renew()
    await Membership("b", MemoryLeaseStore(db), clock, SETTINGS).join()
    assert clock.now_ms() >= ahead.now_ms()
    ahead.pass_ms(7_200_000)
    await one.renew()
    with pytest.raises(ClockBehind):
        await Membership("d", MemoryLeaseStore(db), clock, SETTINGS).join()


@pytest.mark.parametrize(
    ("off_ms", "said"), [(3_600_000, "3600 s ahead of"), (-3_600_000, "3600 s behind")]
)
async def test_a_clock_that_is_far_from_the_databases_sells_nothing_and_leaves_nothing_behind(
    off_ms: int, said: str
) -> None:
    right = HandClock()
    db = MemoryDatabase(right)
    wrong = HandClock(right.now_ms() + off_ms)
    with pytest.raises(ClockApart, match=said):
        await member("a", db, wrong).join()
    again = member("a", db, right)
    await again.join()
    assert again.may_refuse(1)
    assert right.now_ms() == MemoryDatabase(right).clock.now_ms()


async def test_a_slow_answer_is_no_difference_between_clocks() -> None:
    clock = HandClock()

    class Slow(MemoryLeaseStore):
        async def join(self, node_id: str, ttl_ms: int) -> Joined:
            joined = await super().join(node_id, ttl_ms)
            clock.pass_ms(20_000)
            return joined

    one = Membership("a", Slow(MemoryDatabase(clock)), clock, SETTINGS)
    await one.join()
    assert one.valid


async def test_a_clock_that_is_a_little_off_is_good_enough() -> None:
    clock = HandClock()
    near = HandClock(clock.now_ms() + SETTINGS.clock_apart_ms_max)
    one = member("a", MemoryDatabase(clock), near)
    await one.join()
    assert one.valid


async def test_slow_answers_do_not_make_the_next_beat_late() -> None:
    clock = HandClock()
    settings = Settings(lease_ttl_ms=180_000, lease_renew_ms=60_000)
    one = Membership("a", MemoryLeaseStore(MemoryDatabase(clock)), clock, settings)
    await one.join()
    renewals, renew = [], one._store.renew

    async def slow(node_id: str, incarnation: int, ttl_ms: int, now_ms: int) -> Mapping[int, int]:
        clock.pass_ms(60_000)
        renewals.append(now_ms)
        if len(renewals) == 3:
            raise LeaseLost("that is enough")
        return await renew(node_id, incarnation, ttl_ms, now_ms)

    one._store.renew = slow  # type: ignore[method-assign,assignment]
    clock.pass_ms(60_000)
    async with asyncio.timeout(5):
        await one.beat(_nothing, lambda: None)
    assert len(renewals) == 3


async def test_a_licence_is_counted_from_the_sending_however_late_the_answer() -> None:
    clock = HandClock()

    class Slow(MemoryLeaseStore):
        async def renew(
            self, node_id: str, incarnation: int, ttl_ms: int, high_water_ms: int
        ) -> Mapping[int, int]:
            mine = await super().renew(node_id, incarnation, ttl_ms, high_water_ms)
            clock.pass_ms(2_500)
            return mine

    one = Membership("a", Slow(MemoryDatabase(clock)), clock, SETTINGS)
    await one.join()
    assert one.valid
    clock.pass_ms(SETTINGS.lease_ttl_ms - 2_500)
    assert not one.valid


async def test_who_was_superseded_has_no_licence_from_that_moment_on() -> None:
    clock = HandClock()
    db = MemoryDatabase(clock)
    old, new = member("a", db, clock), member("a", db, clock)
    await old.join()
    await new.join()
    await old.beat(_nothing, lambda: None)
    assert not old.valid
