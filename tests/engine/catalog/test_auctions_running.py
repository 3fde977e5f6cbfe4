"""The catalog beside a real node: what it publishes starts by itself, what it asks is done."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count

import pytest

from engine.catalog.auctions import Auctions
from engine.catalog.drafting import Asked
from engine.catalog.listings import Listings
from engine.catalog.studios import Studios
from engine.domain.auction import Status
from engine.domain.messages import TurboReason
from engine.errors import Draining, TransitionRefused
from engine.ports.studios import Profile, Staff
from engine.settings import Settings
from engine.store.postgres.auctions import PostgresAuctions
from engine.store.postgres.pool import open_pool
from engine.store.postgres.studios import PostgresStudios
from tests.engine.world import World, eventually, running


@asynccontextmanager
async def catalog(dsn: str, world: World) -> AsyncIterator[tuple[Auctions, Listings, Staff]]:
    """The use cases of a studio's owner on a running node."""
    node, pool = world.node, await open_pool(dsn)
    try:
        studio = await Studios(PostgresStudios(pool)).create(Profile(name="Moda"))
        user_id = await world.db.fetchval(
            "insert into account (email, full_name, role, studio_id)"
            " values ('o@example.org', 'O', 'studio_admin', $1) returning id",
            studio.id,
        )
        store = PostgresAuctions(pool)
        auctions = Auctions(store, node.directory, node.supervisor, node.bus, node.clock)
        listings = Listings(
            store,
            node.clock,
            present=node.directory.present,
            changes=count().__next__,
            settings=Settings(reads_burst=1_000_000),
        )
        yield auctions, listings, Staff(user_id, studio.id)
    finally:
        await pool.close()


def asked(now_ms: int, *, in_ms: int, for_ms: int) -> Asked:
    return Asked(
        title="Yoga",
        start_price=Decimal(100),
        floor_price=Decimal(10),
        drop_amount=Decimal(5),
        drop_every_ms=1_000,
        starts_at_ms=now_ms + in_ms,
        ends_at_ms=now_ms + in_ms + for_ms,
        class_at_ms=now_ms + 3_600_000,
        turbo_enabled=True,
        turbo_drop_amount=Decimal(1),
        turbo_trigger_ms=for_ms // 2,
        turbo_every_ms=500,
    )


async def test_what_is_published_starts_and_ends_by_itself(database: str) -> None:
    async with running(database) as world, catalog(database, world) as (auctions, listings, staff):
        wanted = asked(world.node.clock.now_ms(), in_ms=300, for_ms=1_000)
        made = await auctions.create(staff, wanted, studio_id=None, publish=True)
        auction = made.shown.auction

        async def over() -> bool:
            return (await listings.one(None, auction.id)).auction.status is Status.EXPIRED

        await eventually(over)
        history = await listings.history(staff, auction.id, 0, 10)
        assert [(event.kind, event.at_ms) for event in history.events[1:]] == [
            ("activated", auction.terms.starts_at_ms),
            ("turbo_triggered", auction.terms.ends_at_ms - 500),
            ("expired", auction.terms.ends_at_ms),
        ]


async def test_changes_of_a_running_sale_are_its_actors(database: str) -> None:
    async with running(database) as world, catalog(database, world) as (auctions, listings, staff):
        wanted = asked(world.node.clock.now_ms(), in_ms=0, for_ms=60_000)
        draft = await auctions.create(staff, wanted, studio_id=None, publish=False)
        auction_id = draft.shown.auction.id
        await auctions.publish(staff, auction_id)
        edited = await auctions.edit(staff, auction_id, Asked(title="Tango"), None)
        stored = (await listings.one(None, auction_id)).auction
        assert edited.auction == stored
        turbo = await auctions.trigger_turbo(staff, auction_id, force=True)
        assert turbo.reason is TurboReason.FORCED
        assert await auctions.announce(staff, auction_id) <= 10_000
        cancelled = await auctions.cancel(staff, auction_id, "Hasta")
        assert cancelled.auction.status is Status.CANCELLED
        kinds = [frame.kind for frame in world.watcher.frames(auction_id)]
        assert kinds.count("turbo_triggered") == 1
        with pytest.raises(TransitionRefused):
            await auctions.edit(staff, auction_id, Asked(title="Salsa"), None)
        await world.node.drain()
        with pytest.raises(Draining):
            await auctions.edit(staff, auction_id, Asked(title="Salsa"), None)
