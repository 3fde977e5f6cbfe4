"""The seed stack, a process of its own on its own PostgreSQL: it does the job it stands for."""

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from loadtests.bench.crowd import Crowd
from loadtests.bench.deliveries import deliveries
from loadtests.bench.http_load import Connection, connections
from loadtests.bench.sales import now_ms
from loadtests.bench.seed import Seed, also, seed_stack, tongue

EVERY_MS = 200


@pytest.fixture(scope="module")
async def seed() -> AsyncIterator[Seed]:
    async with seed_stack() as started:
        yield started


@pytest.fixture
async def guest(seed: Seed) -> AsyncIterator[Connection]:
    (connection,) = await connections(seed.server, 1)
    yield connection
    connection.close()


async def test_one_guest_has_the_seat_and_the_next_hears_that_it_is_sold(
    seed: Seed, guest: Connection
) -> None:
    (auction,) = await seed.auctions(1, now_ms() - 60_000)
    won = await guest.ask(seed.press(1, auction))
    lost = await guest.ask(seed.press(2, auction))
    assert won.status == 201
    assert orjson.loads(won.body)["price"] == "900000.00"
    assert (lost.status, orjson.loads(lost.body)["code"]) == (409, "SOLD")
    held = await seed.database.fetchval("select count(*) from seed.reservation")
    assert held == 1


async def test_of_many_who_press_at_once_one_wins(seed: Seed) -> None:
    (auction,) = await seed.auctions(1, now_ms() - 60_000)
    opened = await connections(seed.server, 20)
    answers = await asyncio.gather(
        *(each.ask(seed.press(nth, auction)) for nth, each in enumerate(opened))
    )
    assert sorted(answer.status for answer in answers) == [201, *[409] * 19]
    for each in opened:
        each.close()


async def test_whoever_is_nobody_and_whatever_is_nothing_is_refused(
    seed: Seed, guest: Connection
) -> None:
    forged = seed.press(1, 1).replace(b"Bearer e", b"Bearer f")
    assert (await guest.ask(forged)).status == 401
    assert (await guest.ask(seed.press(1, 2**40))).status == 404
    (early,) = await seed.auctions(1, now_ms() + 60_000)
    assert b"NOT_LIVE" in (await guest.ask(seed.press(1, early))).body


async def test_one_that_looks_first_says_so_as_well(seed: Seed) -> None:
    (auction,) = await seed.auctions(1, now_ms() - 60_000)
    async with also(seed, "--look-first") as looking:
        (connection,) = await connections(looking.server, 1)
        statuses = [(await connection.ask(looking.press(n, auction))).status for n in (1, 2)]
        connection.close()
    assert statuses == [201, 409]


async def test_its_rooms_tell_every_drop(seed: Seed) -> None:
    (auction,) = await seed.auctions(1, now_ms() // EVERY_MS * EVERY_MS, EVERY_MS)

    def listen() -> int:
        with Crowd(seed.server, tongue(auction), 5) as crowd:
            return deliveries(crowd, 2, EVERY_MS).frames

    assert await asyncio.to_thread(listen) == 10


async def test_its_database_is_counted_with_it(seed: Seed, guest: Connection) -> None:
    before_s = seed.contestant.cpu_s()
    (auction,) = await seed.auctions(1, now_ms() - 60_000)
    for nth in range(20):
        await guest.ask(seed.press(nth, auction))
    after_s = seed.contestant.cpu_s()
    assert before_s is not None
    assert after_s is not None
    assert after_s > before_s
