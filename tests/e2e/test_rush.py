"""A rush through a real server: as many winners as seats, and every loser told why."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.e2e.program import Api, Guest, Program, ask, client, live, seed, serving

GUESTS = 1_000
SOCKETS = 200


async def press_live(
    ws: aiohttp.ClientWebSocketResponse, guest: Guest, auction_id: int, number: int
) -> tuple[int, Any]:
    """A press over a socket, as status and body of the REST answer it stands for."""
    answer = await ask(
        ws, type="book", ref=number, auction_id=auction_id, idempotency_key=f"rush-key-{number:012}"
    )
    return (201, answer["result"]) if answer["type"] == "ok" else (409, answer)


async def rush(
    api: Api, sockets: list[aiohttp.ClientWebSocketResponse], guests: list[Guest], auction_id: int
) -> list[tuple[int, Any]]:
    """Everybody at once, a fifth of them over sockets."""
    presses = []
    for number, guest in enumerate(guests):
        if number < len(sockets):
            presses.append(press_live(sockets[number], guest, auction_id, number))
        else:
            presses.append(api.book(guest, auction_id))
    return await asyncio.gather(*presses)


@pytest.mark.parametrize("seats", [1, 50])
async def test_a_thousand_press_and_exactly_as_many_win_as_there_are_seats(
    tmp_path: Path, database: str, seats: int
) -> None:
    settings = {"HOTHOUR_DATABASE_URL": database}
    async with serving(tmp_path, **settings) as server, client(server.url) as api:
        cast = await seed(tmp_path, GUESTS, **settings)
        auction = (await api.sale(cast.admin, seats=seats))["id"]
        answers = await _rush_over_open_sockets(server, api, cast.guests, auction)
        statuses = Counter(status for status, _ in answers)
        assert statuses == {201: seats, 409: GUESTS - seats}
        losers = [body for status, body in answers if status == 409]
        assert all(loser["code"] == "SOLD" for loser in losers)
        assert all(loser["late_by_ms"] >= 0 for loser in losers)
        assert any(loser["late_by_ms"] > 0 for loser in losers)
        await _every_answer_is_in_the_database(database, auction, answers, seats)


async def _rush_over_open_sockets(
    server: Program, api: Api, guests: list[Guest], auction: int
) -> list[tuple[int, Any]]:
    stack = [live(server.url, guest) for guest in guests[:SOCKETS]]
    sockets = await asyncio.gather(*(each.__aenter__() for each in stack))
    try:
        return await rush(api, list(sockets), guests, auction)
    finally:
        await asyncio.gather(*(each.__aexit__(None, None, None) for each in stack))


async def _every_answer_is_in_the_database(
    database: str, auction: int, answers: list[tuple[int, Any]], seats: int
) -> None:
    db = await asyncpg.connect(database)
    rows = await db.fetch("select * from reservation where auction_id = $1 order by id", auction)
    revisions = await db.fetch(
        "select revision from event where auction_id = $1 order by revision", auction
    )
    status = await db.fetchval("select status from auction where id = $1", auction)
    await db.close()
    won = sorted((body["id"], body["booking_code"]) for code, body in answers if code == 201)
    assert [(row["id"], row["code"]) for row in rows] == won
    assert sorted(row["seat_no"] for row in rows) == list(range(1, seats + 1))
    assert status == "SOLD"
    numbers = [row["revision"] for row in revisions]
    assert numbers == list(range(1, seats + 3)), "published, activated, and one a booking"
