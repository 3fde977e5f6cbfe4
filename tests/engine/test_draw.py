"""Ids that are ours alone, codes that do not repeat while they may be in flight."""

import asyncio
from random import Random

import pytest

from engine.domain.codes import parse
from engine.draw import NodeDraw, Numbers
from engine.errors import Busy
from engine.store.memory.commit import MemoryCommitStore
from engine.store.memory.database import MemoryDatabase
from tests.engine.faulty import Faulty
from tests.engine.hand_clock import HandClock


def store() -> Faulty:
    return Faulty(MemoryCommitStore(MemoryDatabase(HandClock())))


async def test_ids_are_never_given_twice_not_even_to_two_nodes() -> None:
    shared = store()
    one, two = Numbers(shared, "reservation_id"), Numbers(shared, "reservation_id")
    await one.fill()
    await two.fill()
    drawn = []
    for _ in range(5_000):
        drawn += [one.next(), two.next()]
        if len(drawn) % 100 == 0:
            await asyncio.sleep(0)
    assert len(set(drawn)) == len(drawn)


async def test_blocks_are_refilled_before_they_run_out() -> None:
    numbers = Numbers(store(), "outbox_id")
    await numbers.fill()
    for _ in range(10_000):
        numbers.next()
        await asyncio.sleep(0)


async def test_without_the_database_the_last_id_is_followed_by_busy_and_then_by_more() -> None:
    shared = store()
    numbers = Numbers(shared, "reservation_id")
    await numbers.fill()
    shared.away = True
    drawn = 0
    while drawn < 100_000:
        try:
            numbers.next()
        except Busy:
            break
        drawn += 1
        await asyncio.sleep(0)
    assert 3_000 <= drawn <= 4_000
    shared.away = False
    with pytest.raises(Busy):
        numbers.next()
    await asyncio.sleep(0.01)
    assert numbers.next() > 0


async def test_codes_do_not_repeat_while_they_may_be_in_flight() -> None:
    draw = NodeDraw(store(), Random(1), codes_recent_max=5_000)
    await draw.fill()
    codes = [draw.code() for _ in range(20_000)]
    for start in range(0, 20_000 - 5_000, 1_000):
        recent = codes[start : start + 5_000]
        assert len(set(recent)) == len(recent)
    assert all(parse(code) == code for code in codes[:100])
    assert draw.reservation_id() != draw.reservation_id()
    assert draw.notice_id() != draw.notice_id()


async def test_codes_grow_by_a_letter_when_a_fifth_of_them_is_in_use() -> None:
    draw = NodeDraw(store(), Random(1), codes_recent_max=100)
    draw.make_room(31**4 // 5)
    assert len(draw.code()) == len("HOT-XXXX")
    draw.make_room(31**4 // 5 + 1)
    assert len(draw.code()) == len("HOT-XXXXX")
    draw.make_room(0)
    assert len(draw.code()) == len("HOT-XXXX")
