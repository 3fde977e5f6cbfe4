"""Keeping the shop full."""

import asyncio
from random import Random
from typing import Any

import pytest

from edge.demo import catalogue, playbill
from edge.demo.api import Fields
from edge.demo.people import HOUSES
from edge.demo.playbill import LIVE, UPCOMING, Playbill, next_start_ms
from edge.demo.window import Window
from engine.frames import instant
from tests.edge.demo.shop import Shop, mono_ms, now_ms, until

NOW_MS = 1_800_000_000_000
SEEDS = range(8)


@pytest.mark.parametrize("seed", SEEDS)
def test_while_there_is_too_little_a_sale_starts_at_once(seed: int) -> None:
    assert next_start_ms(Random(seed), NOW_MS, LIVE[0] - 1, []) == NOW_MS


@pytest.mark.parametrize("seed", SEEDS)
def test_at_the_opening_even_a_little_in_the_past(seed: int) -> None:
    start_ms = next_start_ms(Random(seed), NOW_MS, 0, [], opening=True)
    assert start_ms is not None
    assert NOW_MS - 30_000 <= start_ms <= NOW_MS


def test_what_starts_soon_counts_as_being_there() -> None:
    soon = [NOW_MS + 1_000, NOW_MS + 2_000]
    start_ms = next_start_ms(Random(1), NOW_MS, LIVE[0] - 2, soon)
    assert start_ms is not None
    assert start_ms > soon[-1]


@pytest.mark.parametrize("seed", SEEDS)
def test_starts_are_staggered_and_announced(seed: int) -> None:
    last_ms = NOW_MS + 5_000
    start_ms = next_start_ms(Random(seed), NOW_MS, LIVE[0], [last_ms])
    assert start_ms is not None
    assert 6_000 <= start_ms - last_ms <= 15_000


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fuller_it_is_the_longer_the_next_one_waits(seed: int) -> None:
    def gap(live: int) -> int:
        start_ms = next_start_ms(Random(seed), NOW_MS, live, [NOW_MS + 20_000] * 2)
        assert start_ms is not None
        return start_ms - NOW_MS

    assert gap(LIVE[0]) < gap(LIVE[1])


def test_there_can_be_enough() -> None:
    later = [NOW_MS + 30_000] * UPCOMING[1]
    assert next_start_ms(Random(1), NOW_MS, LIVE[0], later) is None
    assert next_start_ms(Random(1), NOW_MS, LIVE[1], later[: UPCOMING[0]]) is None
    assert next_start_ms(Random(1), NOW_MS, LIVE[0], later[: UPCOMING[0]]) is not None


def make(shop: Shop, offered: list[Fields], rng: Random | None = None) -> Playbill:
    window = Window(shop.api, shop.scene, mono_ms, shop.rng)
    window.channel.greeted.set()
    admins = {house.key: shop.account(house.admin.email) for house in HOUSES}
    return Playbill(admins, shop.scene, window, offered.append, rng or Random(2))


@pytest.mark.parametrize("planned", [True, False])
async def test_an_auction_is_entered_by_its_own_studio(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, planned: bool
) -> None:
    monkeypatch.setattr(catalogue, "PLANNED_PART", 1.0 if planned else 0.0)
    offered: list[Fields] = []
    row = await make(shop, offered).enter("alsancak", now_ms())
    assert offered == [row]
    assert row["studio"]["name"] == "İmbat Dans Evi"
    assert shop.scene.status(row["id"]) == "ACTIVE"
    detail = await shop.api.ask("GET", f"/auctions/{row['id']}")
    assert detail["title"] == row["title"]
    if planned:
        assert detail["drop_interval_secs"] == 5


async def test_it_fills_the_shop_and_then_stops(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playbill, "BETWEEN_S", 0.0)
    monkeypatch.setattr(playbill, "ROUND_S", 0.05)
    offered: list[Fields] = []
    bill = make(shop, offered)
    monkeypatch.setattr(bill.clock, "server_ms", lambda: float(now_ms()))
    running = asyncio.ensure_future(bill.run())
    await until(lambda: len(offered) >= LIVE[0] + UPCOMING[0])
    await asyncio.sleep(0.5)
    running.cancel()
    await asyncio.wait([running])
    listed = await shop.api.ask("GET", "/auctions/")
    live = [row for row in listed if row["status"] == "ACTIVE"]
    assert LIVE[0] <= len(live) <= LIVE[1]
    assert len(listed) - len(live) in UPCOMING
    assert len({row["studio"]["name"] for row in listed}) == len(HOUSES)


async def test_what_an_earlier_run_left_is_taken_up_and_what_people_entered_is_not(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playbill, "next_start_ms", lambda *_: None)

    async def entered(**terms: Any) -> int:
        return int((await shop.sale(**terms))["id"])

    short = await entered()
    await entered(end_time=instant(now_ms() + 3_600_000))
    offered: list[Fields] = []
    bill = make(shop, offered)
    running = asyncio.ensure_future(bill.run())
    await until(lambda: bool(offered))
    running.cancel()
    await asyncio.wait([running])
    assert [row["id"] for row in offered] == [short]


async def test_a_refusal_is_no_reason_to_stop(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playbill, "BETWEEN_S", 0.0)
    monkeypatch.setattr(playbill, "ROUND_S", 0.0)
    bodies = iter([{"title": ""}])
    good = catalogue.offer
    monkeypatch.setattr(catalogue, "is_planned", lambda _: False)
    monkeypatch.setattr(catalogue, "PLANNED_PART", 0.0)
    monkeypatch.setattr(catalogue, "offer", lambda *given: next(bodies, None) or good(*given))
    offered: list[Fields] = []
    bill = make(shop, offered)
    monkeypatch.setattr(bill.clock, "server_ms", lambda: float(now_ms()))
    running = asyncio.ensure_future(bill.run())
    await until(lambda: bool(offered))
    running.cancel()
    await asyncio.wait([running])
