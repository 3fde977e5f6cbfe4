"""Passwords: right ones, long ones, odd ones; and a lane that never holds anybody else up."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import bcrypt
import pytest

from edge.hashing import HashLane
from engine.errors import Busy
from tests.accounts import SETTINGS

STALL_S_MAX = 0.020


@pytest.fixture
def lane() -> Iterator[HashLane]:
    lane = HashLane(SETTINGS)
    yield lane
    lane.close()


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "x" * 72,
        "x" * 73,
        "ş" * 128,
        "a\0b",
        "\0" * 8,
        "\ud800 half a pair",
        "🐎" * 8,
    ],
    ids=["usual", "72 bytes", "73 bytes", "256 bytes", "NUL", "NULs", "surrogate", "emoji"],
)
async def test_a_password_matches_its_hash_and_nothing_else_does(
    lane: HashLane, password: str
) -> None:
    hashed = await lane.hash(password)
    assert await lane.matches(password, hashed)
    for other in (password + "x", password[:-1], password.swapcase() + ".", ""):
        assert not await lane.matches(other, hashed)


async def test_what_follows_a_zero_byte_and_the_72nd_counts(lane: HashLane) -> None:
    assert not await lane.matches("a\0c", await lane.hash("a\0b"))
    assert not await lane.matches("x" * 72 + "b", await lane.hash("x" * 72 + "a"))


async def test_accents_may_be_typed_either_way(lane: HashLane) -> None:
    assert await lane.matches("s\u0327ifre gizli", await lane.hash("\u015fifre gizli"))


async def test_two_hashes_of_one_password_differ_and_name_the_cost(lane: HashLane) -> None:
    first, second = await lane.hash("correct horse"), await lane.hash("correct horse")
    assert first != second
    assert first.startswith("$2b$04$")


async def test_nobody_has_no_password_and_it_takes_the_same_work(
    lane: HashLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bytes] = []
    real = bcrypt.checkpw

    def checkpw(password: bytes, hashed: bytes) -> bool:
        compared.append(hashed)
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    somebody = await lane.hash("correct horse")
    for password in ("correct horse", ""):
        assert not await lane.matches(password, None)
    assert await lane.matches("correct horse", somebody)
    assert {hashed[:7] for hashed in compared} == {b"$2b$04$"}
    assert len(compared) == 3


async def test_past_the_bound_the_answer_is_busy_at_once() -> None:
    lane = HashLane(replace(SETTINGS, bcrypt_cost=9, hash_lane_queue_max=2))
    try:
        outcomes = await asyncio.gather(
            *(lane.hash("correct horse") for _ in range(9)), return_exceptions=True
        )
        assert [isinstance(outcome, Busy) for outcome in outcomes] == [False] * 3 + [True] * 6
        assert await lane.hash("there is room again")
    finally:
        lane.close()


async def test_who_gives_up_waiting_gives_the_place_back_when_it_is_free() -> None:
    lane = HashLane(replace(SETTINGS, bcrypt_cost=9, hash_lane_queue_max=1))
    try:
        working, waiting = (asyncio.create_task(lane.hash("correct horse")) for _ in range(2))
        await asyncio.sleep(0)
        for task in (waiting, working):
            task.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)
        # The thread still works for the first; the second was never begun.
        assert await lane.hash("in the queue")
    finally:
        lane.close()


async def test_a_storm_of_log_ins_does_not_stall_the_loop() -> None:
    """At the cost of production. On a machine that is busy with other things everything is late, a
    hash most of all: then the loop is late by a small part of that. Were hashes made on the loop,
    or with the interpreter locked, it would be late by all of it."""
    lane = HashLane(replace(SETTINGS, bcrypt_cost=12))
    try:
        storm = asyncio.gather(*(lane.matches(f"guess {n}", None) for n in range(4)))
        began = last = time.perf_counter()
        longest_s = 0.0
        while not storm.done():
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest_s, last = max(longest_s, now - last), now
        assert not any(await storm)
        hash_s = (last - began) / 4
        assert longest_s <= max(STALL_S_MAX, hash_s / 5)
    finally:
        lane.close()


@pytest.mark.skipif(sys.platform != "linux", reason="a thread has no rank of its own here")
async def test_the_lane_gives_way_to_everybody_else(lane: HashLane) -> None:
    ranks = []

    def look() -> None:
        ranks.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    await lane._run(look)
    assert ranks == [10]
    assert os.getpriority(os.PRIO_PROCESS, 0) < 10, "the process itself stays as it is"
