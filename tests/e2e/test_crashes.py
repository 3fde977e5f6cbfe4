"""A server that is killed, one that takes over, one that is asked to go.

Killed under load, again and again and at named points, it is in test_kills.py.
"""

import asyncio
import signal
from pathlib import Path

import asyncpg

from tests.e2e.program import ask, client, live, seed, serving
from tests.engine.world import eventually

KEY = "the-key-of-this-press"


async def test_after_kill_9_the_same_key_gives_the_same_reservation(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, client(server.url) as api:
        cast = await seed(tmp_path, 2)
        auction = (await api.sale(cast.admin))["id"]
        status, booked = await api.book(cast.guests[0], auction, key=KEY)
        assert status == 201
        await server.stop(signal.SIGKILL)
    async with serving(tmp_path) as again, client(again.url) as api:
        status, replayed = await api.book(cast.guests[0], auction, key=KEY)
        assert (status, replayed) == (201, booked)
        status, problem = await api.book(cast.guests[0], auction, key="another-key-entirely")
        assert (status, problem["code"]) == (409, "ALREADY_YOURS")
        assert problem["reservation_id"] == booked["id"]
        status, problem = await api.book(cast.guests[1], auction)
        assert (status, problem["code"]) == (409, "SOLD")
        assert "Traceback" not in again.log


async def test_a_second_process_answers_no_owner_and_takes_over_when_the_first_is_gone(
    tmp_path: Path, database: str
) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    settings = {"HOTHOUR_DATABASE_URL": database, "HOTHOUR_SECRET_KEY": "k7Q2" * 12 + "xyz-1"}
    async with (
        serving(folders[0], **settings) as first,
        serving(folders[1], **settings) as second,
        client(first.url) as one,
        client(second.url) as two,
    ):
        cast = await seed(folders[0], 3, **settings)
        auction = (await one.sale(cast.admin, seats=2))["id"]
        status, booked = await one.book(cast.guests[0], auction, key=KEY)
        assert status == 201
        status, problem = await two.book(cast.guests[1], auction)
        assert (status, problem["code"], problem["retryable"]) == (503, "NO_OWNER", True)
        await first.stop(signal.SIGKILL)

        async def taken_over() -> bool:
            status, body = await two.book(cast.guests[1], auction)
            assert status == 201 or body["code"] == "NO_OWNER"
            return status == 201

        await eventually(taken_over, within_s=30)  # a lease of 3 s and a beat, on a quiet machine
        status, replayed = await two.book(cast.guests[0], auction, key=KEY)
        assert (status, replayed) == (201, booked)
        status, problem = await two.book(cast.guests[2], auction)
        assert (status, problem["code"]) == (409, "SOLD")


async def test_asked_to_go_it_finishes_what_it_took_in_and_tells_the_sockets(
    tmp_path: Path, database: str
) -> None:
    settings = {"HOTHOUR_DATABASE_URL": database}
    async with serving(tmp_path, **settings) as server, client(server.url) as api:
        cast = await seed(tmp_path, 100, **settings)
        auction = (await api.sale(cast.admin, seats=100))["id"]
        async with live(server.url, cast.guests[0]) as ws:
            await ask(ws, type="subscribe_auction", ref=1, auction_id=auction)
            presses = [asyncio.ensure_future(api.book(g, auction)) for g in cast.guests]
            await eventually(lambda: any(press.done() for press in presses), within_s=30)
            stopping = asyncio.ensure_future(server.stop())
            kinds: list[str] = []
            async for message in ws:
                kinds.append(message.json()["type"])
            assert "draining" in kinds
            assert ws.close_code == 4200
            answers = await asyncio.gather(*presses, return_exceptions=True)
            assert await stopping == 0
    db = await asyncpg.connect(database)
    held = await db.fetchval("select count(*) from reservation")
    routed = await db.fetchval("select count(*) from shard where node_id is not null")
    await db.close()
    won = [a for a in answers if not isinstance(a, BaseException) and a[0] == 201]
    assert len(won) == held
    refused = [a for a in answers if not isinstance(a, BaseException) and a[0] != 201]
    assert all(a[1]["code"] in ("DRAINING", "BUSY") for a in refused)
    assert routed == 0, "others need not wait"
    assert "Traceback" not in server.log
