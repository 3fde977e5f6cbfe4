"""Studios: their profiles, and who may write what into them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.catalog.studios import Studios
from engine.errors import FieldError, Invalid, NotFound
from engine.ports.studios import Profile
from tests.shop import Shop, open_shop


@pytest.fixture
async def shop(database: str) -> AsyncIterator[Shop]:
    async with open_shop(database) as opened:
        yield opened


@pytest.fixture
def studios(shop: Shop) -> Studios:
    return shop.studios


async def test_a_new_studio_has_the_usual_policies(studios: Studios) -> None:
    studio = await studios.create(Profile(name="Nefes"))
    profile = (await studios.one(studio.id)).profile
    assert (profile.zone, profile.currency) == ("Europe/Istanbul", "TRY")
    assert (profile.cancel_cutoff_s, profile.no_show_grace_s) == (7_200, 900)


async def test_an_unknown_studio_and_none_at_all_are_not_found(studios: Studios) -> None:
    for studio_id in (999, None):
        with pytest.raises(NotFound):
            await studios.one(studio_id)
        with pytest.raises(NotFound):
            await studios.edit(studio_id, {"name": "x"})


async def test_an_edit_changes_what_it_names(studios: Studios, shop: Shop) -> None:
    before = await studios.one(shop.studio_id)
    after = await studios.edit(shop.studio_id, {"zone": "Europe/Berlin", "currency": "EUR"})
    assert (after.profile.zone, after.profile.currency) == ("Europe/Berlin", "EUR")
    assert after.profile.name == before.profile.name
    assert await studios.one(shop.studio_id) == after


async def test_two_edits_at_once_keep_both(studios: Studios, shop: Shop) -> None:
    await asyncio.gather(
        studios.edit(shop.studio_id, {"name": "Yeni"}),
        studios.edit(shop.studio_id, {"address": "Bahariye 2"}),
        studios.edit(shop.studio_id, {"cancel_cutoff_s": 1}),
    )
    profile = (await studios.one(shop.studio_id)).profile
    assert (profile.name, profile.address, profile.cancel_cutoff_s) == ("Yeni", "Bahariye 2", 1)


GOOD: list[dict[str, Any]] = [
    {"google_maps_url": "https://maps.app.goo.gl/abc?x=1"},
    {"google_maps_url": None},
    {"zone": "America/Argentina/Buenos_Aires"},
    {"zone": "UTC"},
    {"currency": "USD"},
    {"cancel_cutoff_s": 0},
    {"cancel_cutoff_s": 30 * 86_400},
    {"no_show_grace_s": 0},
    {"max_open_reservations": 1},
    {"max_open_reservations": None},
    {"name": "x" * 200},
    {"address": "x" * 500},
]
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"google_maps_url": "http://maps.google.com/x"}, "google_maps_url", "FORMAT"),
    ({"google_maps_url": "javascript:alert(1)"}, "google_maps_url", "FORMAT"),
    ({"google_maps_url": "https://"}, "google_maps_url", "FORMAT"),
    ({"google_maps_url": "https://user@maps.google.com"}, "google_maps_url", "FORMAT"),
    ({"google_maps_url": "https://maps.google.com/a b"}, "google_maps_url", "FORMAT"),
    ({"google_maps_url": "https://[::1"}, "google_maps_url", "FORMAT"),
    ({"google_maps_url": "https://m.co/" + "x" * 2_000}, "google_maps_url", "FORMAT"),
    ({"google_maps_url": ""}, "google_maps_url", "FORMAT"),
    ({"zone": "Europe/Istambul"}, "zone", "CHOICE"),
    ({"zone": "../../etc/passwd"}, "zone", "CHOICE"),
    ({"currency": "TL"}, "currency", "CHOICE"),
    ({"currency": "JPY"}, "currency", "CHOICE"),
    ({"currency": "try"}, "currency", "CHOICE"),
    ({"cancel_cutoff_s": -1}, "cancel_cutoff_secs", "RANGE"),
    ({"cancel_cutoff_s": 30 * 86_400 + 1}, "cancel_cutoff_secs", "RANGE"),
    ({"no_show_grace_s": -1}, "no_show_grace_secs", "RANGE"),
    ({"max_open_reservations": 0}, "max_open_reservations", "RANGE"),
    ({"name": "  "}, "name", "LENGTH"),
    ({"name": "x" * 201}, "name", "LENGTH"),
    ({"address": "x" * 501}, "address", "LENGTH"),
]


async def test_sound_values_are_taken(studios: Studios, shop: Shop) -> None:
    for changes in GOOD:
        studio = await studios.edit(shop.studio_id, changes)
        for name, value in changes.items():
            assert getattr(studio.profile, name) == value


async def test_other_values_are_refused_and_nothing_is_written(
    studios: Studios, shop: Shop
) -> None:
    before = await studios.one(shop.studio_id)
    for changes, field, code in BAD:
        with pytest.raises(Invalid) as refused:
            await studios.edit(shop.studio_id, changes)
        assert refused.value.errors == (FieldError(field, code),), changes
    with pytest.raises(Invalid):
        await studios.create(Profile(name=""))
    assert await studios.one(shop.studio_id) == before


async def test_studios_are_listed_in_pages(studios: Studios, shop: Shop) -> None:
    ids = [shop.studio_id, shop.other_studio_id]
    ids += [(await studios.create(Profile(name=f"S{n}"))).id for n in range(3)]
    first = await studios.page(0, 2)
    assert [studio.id for studio in first.studios] == ids[:2]
    assert first.following == ids[1]
    rest = await studios.page(first.following, 3)
    assert [studio.id for studio in rest.studios] == ids[2:]
    assert rest.following is None
