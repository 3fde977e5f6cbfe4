"""/auctions as staff use it: entering, changing, publishing, cancelling, turbo."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.frames import instant
from tests.edge.rest.shopfront import Shopfront, open_shopfront
from tests.shop import HOUR_MS, MINUTE_MS

TURBO = {"turbo_enabled": True, "turbo_drop_amount": "2.00"}


@pytest.fixture
async def front(database: str) -> AsyncIterator[Shopfront]:
    async with open_shopfront(database) as opened:
        yield opened


# --- entering ------------------------------------------------------------------------------------


async def test_a_sale_is_entered_and_published_at_once(front: Shopfront) -> None:
    made = await front.post("/auctions/", front.form(), by=front.shop.owner)
    assert made.status == 201
    now_ms, body = front.shop.clock.now_ms(), made.body
    assert body | {"id": 0} == {
        "id": 0,
        "studio_id": front.shop.studio_id,
        "title": "Sabah Yogası",
        "description": "",
        "allowed_gender": "ANY",
        "currency": "TRY",
        "start_price": "100.00",
        "floor_price": "10.00",
        "drop_amount": "5.00",
        "drop_interval_secs": 1_800,
        "drop_interval_mins": 30,
        "start_time": instant(now_ms),
        "end_time": instant(now_ms + 4 * HOUR_MS),
        "scheduled_at": instant(now_ms + 4 * HOUR_MS),
        "seats": 1,
        "turbo_enabled": False,
        "turbo_drop_amount": None,
        "turbo_trigger_secs": None,
        "turbo_trigger_mins": None,
        "turbo_interval_secs": None,
        "turbo_interval_mins": None,
        "cancel_cutoff_secs": 7_200,
        "status": "ACTIVE",
        "revision": 1,
        "step": 0,
        "current_price": "100.00",
        "next_price": "95.00",
        "next_drop_at": instant(now_ms + 30 * MINUTE_MS),
        "seats_left": 1,
        "schedule": {
            "starts_at": instant(now_ms),
            "ends_at": instant(now_ms + 4 * HOUR_MS),
            "start_price": "100.00",
            "floor_price": "10.00",
            "drops": [{"from": instant(now_ms), "every_ms": 1_800_000, "amount": "5.00"}],
        },
        "turbo_started_at": None,
        "studio": {
            "id": front.shop.studio_id,
            "name": "Moda Dans",
            "address": "Moda Cad. 1",
            "google_maps_url": None,
            "zone": "Europe/Istanbul",
        },
        "server_time": instant(now_ms),
        "warnings": [],
    }


async def test_every_field_can_be_said(front: Shopfront) -> None:
    now_ms = front.shop.clock.now_ms()
    said: dict[str, Any] = {
        "description": "Mat getirin",
        "allowed_gender": "FEMALE",
        "drop_interval_secs": 90,
        "scheduled_at": instant(now_ms + 5 * HOUR_MS),
        "seats": 500,
        "turbo_enabled": True,
        "turbo_drop_amount": "7.50",
        "turbo_trigger_secs": 3_601,
        "turbo_interval_secs": 60,
    }
    made = await front.post("/auctions/", front.form(**said), by=front.shop.owner)
    assert made.status == 201
    assert {name: made.body[name] for name in said} == said
    assert made.body["drop_interval_mins"] is None
    assert made.body["turbo_trigger_mins"] is None
    assert made.body["turbo_interval_mins"] == 1
    assert made.body["warnings"] == ["TURBO_DROP_LARGE"]


async def test_minutes_may_stand_in_for_seconds_and_numbers_for_prices(front: Shopfront) -> None:
    form = front.form(
        start_price=149.9,
        floor_price=10,
        drop_interval_secs=...,
        drop_interval_mins=30,
        turbo_interval_mins=5,
        turbo_trigger_mins=60,
        **TURBO,
    )
    made = await front.post("/auctions/", form, by=front.shop.owner)
    assert made.status == 201
    assert (made.body["start_price"], made.body["floor_price"]) == ("149.90", "10.00")
    assert made.body["drop_interval_secs"] == 1_800
    assert (made.body["turbo_interval_secs"], made.body["turbo_trigger_secs"]) == (300, 3_600)


async def test_defaults_are_an_hour_two_hours_and_ten_minutes(front: Shopfront) -> None:
    form = front.form(drop_interval_secs=..., **TURBO)
    made = (await front.post("/auctions/", form, by=front.shop.owner)).body
    assert made["drop_interval_secs"] == 3_600
    assert (made["turbo_trigger_secs"], made["turbo_interval_secs"]) == (7_200, 600)


async def test_a_sale_of_the_past_hour_is_live_at_once(front: Shopfront) -> None:
    start = instant(front.shop.clock.now_ms() - HOUR_MS)
    made = await front.post("/auctions/", front.form(start_time=start), by=front.shop.owner)
    assert (made.body["status"], made.body["current_price"]) == ("ACTIVE", "90.00")


MALFORMED: list[tuple[str, Any, str]] = [
    ("title", ..., "REQUIRED"),
    ("title", "", "LENGTH"),
    ("title", "   ", "FORMAT"),
    ("title", "x" * 201, "LENGTH"),
    ("title", 7, "TYPE"),
    ("description", "x" * 4_001, "LENGTH"),
    ("allowed_gender", "OTHER", "CHOICE"),
    ("start_price", ..., "REQUIRED"),
    ("start_price", "a lot", "FORMAT"),
    ("start_price", "100,00", "FORMAT"),
    ("start_price", True, "FORMAT"),
    ("start_price", None, "FORMAT"),
    ("drop_interval_secs", "3600", "TYPE"),
    ("drop_interval_secs", 60.5, "TYPE"),
    ("drop_interval_mins", 5, "DUPLICATE"),
    ("start_time", "2027-01-15T08:00:00", "FORMAT"),
    ("start_time", "2027-01-15T08:00:00.0001Z", "FORMAT"),
    ("start_time", 1_800_000_000, "FORMAT"),
    ("end_time", ..., "REQUIRED"),
    ("seats", 0, "RANGE"),
    ("seats", 501, "RANGE"),
    ("seats", True, "TYPE"),
    ("turbo_enabled", "yes", "TYPE"),
    ("turbo_drop_amount", "1.00", "UNKNOWN"),
    ("publish", 1, "TYPE"),
    ("price", "1.00", "UNKNOWN"),
    ("status", "ACTIVE", "UNKNOWN"),
]


async def test_what_is_not_of_the_form_is_422_and_names_the_field(front: Shopfront) -> None:
    for field, value, code in MALFORMED:
        form = front.form(**{field: value})
        refused = await front.post("/auctions/", form, by=front.shop.owner)
        assert (refused.status, refused.code) == (422, "VALIDATION"), (field, value)
        assert refused.fields == [(field, code)], (field, value)
    assert await front.shop.pool.fetchval("select count(*) from auction") == 0


async def test_turbo_needs_its_amount(front: Shopfront) -> None:
    refused = await front.post("/auctions/", front.form(turbo_enabled=True), by=front.shop.owner)
    assert (refused.status, refused.fields) == (422, [("turbo_drop_amount", "REQUIRED")])


# --- who may -------------------------------------------------------------------------------------


async def test_roles_that_are_not_staff_are_refused_everywhere(front: Shopfront) -> None:
    sale = await front.shop.sale()
    for method, path in [
        ("POST", "/auctions/"),
        ("PUT", f"/auctions/{sale}"),
        ("DELETE", f"/auctions/{sale}"),
        ("POST", f"/auctions/{sale}/publish"),
        ("POST", f"/auctions/{sale}/cancel"),
        ("POST", f"/auctions/{sale}/clone"),
        ("POST", f"/auctions/{sale}/trigger-turbo"),
        ("POST", f"/auctions/{sale}/broadcast-price"),
        ("GET", f"/auctions/{sale}/history"),
        ("POST", "/auctions/plan"),
    ]:
        body: Any = {} if path.endswith(("cancel", "turbo")) else None
        if path in ("/auctions/", f"/auctions/{sale}"):
            body = front.form() if method != "DELETE" else None
        if path == "/auctions/plan":
            body = {name: front.form()[name] for name in PLAN_FIELDS}
        for role in ("customer", "desk"):
            refused = await front.ask(method, path, by=role, body=body)
            assert (refused.status, refused.code) == (403, "FORBIDDEN"), (method, path)
        anonymous = await front.ask(method, path, body=body)
        assert (anonymous.status, anonymous.code) == (401, "AUTH_REQUIRED"), (method, path)


PLAN_FIELDS = ("start_price", "floor_price", "start_time", "end_time")


async def test_another_studios_things_are_not_found(front: Shopfront) -> None:
    draft, sale = await front.shop.draft(), await front.shop.sale()
    for auction_id in (draft, sale, 999, "x", 2**63):
        for method, act in [
            ("PUT", ""),
            ("DELETE", ""),
            ("POST", "/publish"),
            ("POST", "/cancel"),
            ("POST", "/clone"),
            ("POST", "/trigger-turbo"),
            ("POST", "/broadcast-price"),
            ("GET", "/history"),
        ]:
            body: Any = {} if method == "PUT" or act in ("/cancel", "/trigger-turbo") else None
            path = f"/auctions/{auction_id}{act}"
            refused = await front.ask(method, path, by=front.shop.rival, body=body)
            assert (refused.status, refused.code) == (404, "NOT_FOUND"), path


async def test_only_the_platform_names_a_studio(front: Shopfront) -> None:
    form, shop = front.form(studio_id=front.shop.other_studio_id), front.shop
    made = await front.post("/auctions/", form, by=shop.platform)
    assert made.body["studio_id"] == shop.other_studio_id
    nowhere = await front.post("/auctions/", front.form(), by=shop.platform)
    assert (nowhere.status, nowhere.fields) == (422, [("studio_id", "REQUIRED")])
    assert (await front.post("/auctions/", form, by=shop.owner)).code == "FORBIDDEN"
    unknown = await front.post("/auctions/", front.form(studio_id=999), by=shop.platform)
    assert unknown.code == "NOT_FOUND"
