"""Looking at sales, on a whole server: the database is asked once, nothing shown is outdated."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from engine.store.postgres.auctions import PostgresAuctions
from tests.edge.premises import Premises, open_premises
from tests.edge.test_app import running

LOOKS = 100


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the database was asked for a list, and for one sale."""
    counts: Counter[str] = Counter()

    def counted(name: str) -> None:
        real = getattr(PostgresAuctions, name)

        async def read(*args: Any) -> Any:
            counts[name] += 1
            return await real(*args)

        monkeypatch.setattr(PostgresAuctions, name, read)

    counted("page")
    counted("one")
    return counts


async def test_a_crowd_that_looks_costs_one_read_a_second(
    database: str, tmp_path: Path, asked: Counter[str]
) -> None:
    async with (
        open_premises(database) as shop,
        running(database, tmp_path) as (_, url),
        aiohttp.ClientSession(url) as http,
    ):
        sale = await shop.sale(await shop.studio(), seats=2)
        began_s = time.monotonic()
        for _ in range(LOOKS):
            for path in ("/api/v1/auctions/", f"/api/v1/auctions/{sale.id}"):
                async with http.get(path) as answer:
                    assert answer.status == 200
        reads_max = 2 + int(time.monotonic() - began_s)
        assert 1 <= asked["page"] <= reads_max
        assert 1 <= asked["one"] <= reads_max


async def test_who_books_and_looks_sees_the_seat_gone(database: str, tmp_path: Path) -> None:
    async with (
        open_premises(database) as shop,
        running(database, tmp_path) as (_, url),
        aiohttp.ClientSession(url) as http,
    ):
        sale = await shop.sale(await shop.studio(), seats=3)
        for left in (3, 2, 1, 0):
            assert await _left(http, sale.id) == (left, left)
            if left:
                await _book(http, shop, sale.id)


async def _left(http: aiohttp.ClientSession, sale_id: int) -> tuple[int, int]:
    """Seats left, in the list and on the sale's own page."""
    async with http.get("/api/v1/auctions/") as listed:
        rows = {row["id"]: row["seats_left"] for row in await listed.json()}
    async with http.get(f"/api/v1/auctions/{sale_id}") as shown:
        return rows[sale_id], (await shown.json())["seats_left"]


async def _book(http: aiohttp.ClientSession, shop: Premises, sale_id: int) -> None:
    guest = await shop.person()
    headers = {"Authorization": f"Bearer {shop.token(guest)}"}
    order = {"auction_id": sale_id}
    async with http.post("/api/v1/reservations/book", json=order, headers=headers) as booked:
        assert booked.status == 201


async def test_a_client_that_knows_the_list_is_told_so_from_memory(
    database: str, tmp_path: Path, asked: Counter[str]
) -> None:
    async with (
        open_premises(database) as shop,
        running(database, tmp_path) as (_, url),
        aiohttp.ClientSession(url) as http,
    ):
        await shop.sale(await shop.studio())
        async with http.get("/api/v1/auctions/") as first:
            tag = first.headers["ETag"]
        async with http.get("/api/v1/auctions/", headers={"If-None-Match": tag}) as again:
            assert again.status == 304
            assert await again.read() == b""
            assert again.headers["Lobby-Version"] == first.headers["Lobby-Version"]
