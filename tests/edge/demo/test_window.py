"""The shop window shows what the server says."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from edge.demo import scene
from edge.demo import window as windows
from edge.demo.people import GUESTS, HOUSES
from edge.demo.window import Window
from tests.edge.demo.shop import Shop, mono_ms, until


@pytest.fixture
async def window(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Window]:
    """One that is watched through, with short rounds."""
    monkeypatch.setattr(windows, "ROUND_S", 0.05)
    made = Window(shop.api, shop.scene, mono_ms, shop.rng)
    running = asyncio.ensure_future(made.run())
    yield made
    running.cancel()
    await asyncio.wait([running])


async def test_a_sale_that_anybody_enters_is_seen_and_followed(shop: Shop, window: Window) -> None:
    await window.channel.greeted.wait()
    row = await shop.sale(title="Tango")
    await until(lambda: row["id"] in shop.scene.shown)
    shown = shop.scene.shown[row["id"]]
    assert shown.sale.title == "Tango"
    await until(lambda: shown.sale.price < 50_000 and shown.late_ms is not None)


async def test_a_sale_that_was_there_before_is_seen_too(shop: Shop, window: Window) -> None:
    row = await shop.sale()
    await until(lambda: row["id"] in shop.scene.shown)


async def test_a_strangers_booking_is_seen(shop: Shop, window: Window) -> None:
    row = await shop.sale(seats=1)
    await until(lambda: shop.scene.punctuality.clock.quantiles(1) is not None)
    press = {"auction_id": row["id"]}
    await shop.account(GUESTS[0].email).ask("POST", "/reservations/book", press)
    await until(lambda: shop.scene.bookings == 1)
    assert shop.scene.status(row["id"]) == "SOLD"
    await until(lambda: any("somebody else" in e.text for e in shop.scene.feed.entries))


async def test_watchers_are_counted_anew(shop: Shop, window: Window) -> None:
    row = await shop.sale()
    shown = shop.scene.shown
    await until(lambda: row["id"] in shown and shown[row["id"]].sale.watchers > 0)


async def test_after_a_break_it_goes_on(shop: Shop, window: Window) -> None:
    row = await shop.sale()
    await until(lambda: row["id"] in shop.scene.shown)
    await window.channel.hang_up()
    admin = shop.account(HOUSES[0].admin.email)
    await admin.ask("POST", f"/auctions/{row['id']}/cancel")
    await until(lambda: shop.scene.status(row["id"]) == "CANCELLED")


async def test_what_is_over_is_let_go(
    shop: Shop, window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await shop.sale()
    await until(lambda: row["id"] in shop.scene.shown)
    monkeypatch.setattr(scene, "KEPT_AFTER_END_MS", 100)
    admin = shop.account(HOUSES[0].admin.email)
    await admin.ask("POST", f"/auctions/{row['id']}/cancel")
    await until(lambda: row["id"] not in shop.scene.shown)
