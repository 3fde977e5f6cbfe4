"""Studios on PostgreSQL."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from engine.ports.studios import Profile
from engine.store.postgres.pool import open_pool
from engine.store.postgres.studios import PostgresStudios

FULL = Profile(
    name="Nefes",
    address="Bahariye 2",
    google_maps_url="https://maps.example.org/x",
    zone="Europe/Berlin",
    currency="EUR",
    cancel_cutoff_s=1,
    no_show_grace_s=2,
    max_open_reservations=3,
)


@pytest.fixture
async def store(database: str) -> AsyncIterator[PostgresStudios]:
    pool = await open_pool(database)
    yield PostgresStudios(pool)
    await pool.close()


async def test_what_is_written_is_what_is_read(store: PostgresStudios) -> None:
    studio = await store.add(FULL)
    assert studio.profile == FULL
    assert await store.one(studio.id) == studio
    assert await store.one(studio.id + 1) is None


async def test_a_studio_that_was_written_meanwhile_is_left_alone(store: PostgresStudios) -> None:
    first = await store.add(FULL)
    second = await store.rewrite(first, replace(FULL, name="Soluk"))
    assert second is not None
    assert await store.rewrite(first, replace(FULL, name="Nefes 2")) is None
    assert await store.one(first.id) == second
    assert second.profile == replace(FULL, name="Soluk")


async def test_pages_go_on_after_an_id(store: PostgresStudios) -> None:
    studios = [await store.add(replace(FULL, name=f"S{number}")) for number in range(4)]
    assert await store.page(0, 2) == studios[:2]
    assert await store.page(studios[1].id, 9) == studios[2:]
