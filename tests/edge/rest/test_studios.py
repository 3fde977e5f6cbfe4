"""/studios: read by everybody, written by their own staff."""

from collections.abc import AsyncIterator

import pytest

from tests.edge.rest.shopfront import Shopfront, open_shopfront


@pytest.fixture
async def front(database: str) -> AsyncIterator[Shopfront]:
    async with open_shopfront(database) as opened:
        yield opened


async def test_a_studio_is_shown_to_everybody(front: Shopfront) -> None:
    shown = await front.get(f"/studios/{front.shop.studio_id}")
    assert shown.body == {
        "id": front.shop.studio_id,
        "name": "Moda Dans",
        "address": "Moda Cad. 1",
        "google_maps_url": None,
        "zone": "Europe/Istanbul",
        "currency": "TRY",
        "cancel_cutoff_secs": 7_200,
        "no_show_grace_secs": 900,
        "max_open_reservations": None,
    }
    assert (await front.get("/studios/999")).code == "NOT_FOUND"
    assert (await front.get("/studios/here")).code == "NOT_FOUND"


async def test_studios_are_listed_in_pages(front: Shopfront) -> None:
    first = await front.get("/studios?limit=1")
    assert [each["id"] for each in first.body["items"]] == [front.shop.studio_id]
    rest = await front.get(f"/studios?cursor={first.body['next_cursor']}")
    assert [each["id"] for each in rest.body["items"]] == [front.shop.other_studio_id]
    assert rest.body["next_cursor"] is None
    assert (await front.get("/studios?cursor=x")).fields == [("cursor", "FORMAT")]


async def test_staff_and_desk_see_their_own(front: Shopfront) -> None:
    shop = front.shop
    for by, studio_id in [
        (shop.owner, shop.studio_id),
        (shop.rival, shop.other_studio_id),
        ("desk", shop.studio_id),
    ]:
        assert (await front.get("/studios/me", by=by)).body["id"] == studio_id
    assert (await front.get("/studios/me", by=shop.platform)).code == "NOT_FOUND"
    assert (await front.get("/studios/me", by="customer")).code == "FORBIDDEN"
    assert (await front.get("/studios/me")).code == "AUTH_REQUIRED"


async def test_its_staff_change_it_and_nobody_else(front: Shopfront) -> None:
    shop = front.shop
    changes = {
        "name": "Nefes",
        "google_maps_url": "https://maps.app.goo.gl/x",
        "zone": "Europe/Berlin",
        "cancel_cutoff_secs": 60,
        "max_open_reservations": 3,
    }
    changed = await front.put("/studios/me", changes, by=shop.owner)
    assert changed.status == 200
    assert {name: changed.body[name] for name in changes} == changes
    assert (await front.get(f"/studios/{shop.studio_id}")).body == changed.body
    assert (await front.get(f"/studios/{shop.other_studio_id}")).body["name"] == "Kadıköy Pilates"
    cleared = await front.put("/studios/me", {"google_maps_url": None}, by=shop.owner)
    assert (cleared.body["google_maps_url"], cleared.body["name"]) == (None, "Nefes")
    for role in ("desk", "customer"):
        assert (await front.put("/studios/me", changes, by=role)).code == "FORBIDDEN"
    assert (await front.put("/studios/me", changes, by=shop.platform)).code == "NOT_FOUND"
    assert (await front.put("/studios/me", changes)).code == "AUTH_REQUIRED"


async def test_what_is_not_sound_is_422(front: Shopfront) -> None:
    for body, field, code in [
        ({"google_maps_url": "http://maps.example.org"}, "google_maps_url", "FORMAT"),
        ({"zone": "Mars/Olympus"}, "zone", "CHOICE"),
        ({"currency": "QQQ"}, "currency", "CHOICE"),
        ({"cancel_cutoff_secs": -1}, "cancel_cutoff_secs", "RANGE"),
        ({"no_show_grace_secs": 10**20}, "no_show_grace_secs", "RANGE"),
        ({"name": " "}, "name", "LENGTH"),
        ({"logo": "x"}, "logo", "UNKNOWN"),
    ]:
        refused = await front.put("/studios/me", body, by=front.shop.owner)
        assert (refused.status, refused.fields) == (422, [(field, code)]), body
