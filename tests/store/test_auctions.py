"""Drafts written and sales read, on PostgreSQL."""

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from engine.catalog.drafting import copied
from engine.domain.auction import Status
from engine.domain.messages import TriggerTurbo
from engine.ports.auctions import Publishing
from tests.shop import HOUR_MS, MINUTE_MS, Shop, open_shop


@pytest.fixture
async def shop(database: str) -> AsyncIterator[Shop]:
    async with open_shop(database) as opened:
        yield opened


async def test_what_is_written_is_what_is_read(shop: Shop) -> None:
    created = (await shop.enter(publish=False, seats=12)).shown.listed
    assert await shop.store.one(created.auction.id) == created
    assert created.auction.status is Status.DRAFT
    assert created.auction.seats_left == 12
    assert (created.venue.name, created.venue.address) == ("Moda Dans", "Moda Cad. 1")


async def test_an_unknown_auction_is_none(shop: Shop) -> None:
    assert await shop.store.one(1) is None


async def test_there_is_no_sale_of_no_studio(shop: Shop) -> None:
    entry = copied((await shop.enter(publish=False)).shown.auction)
    assert await shop.store.add(999, shop.owner.user_id, entry, None) is None


async def test_publishing_writes_revision_and_event_at_once(shop: Shop) -> None:
    listed = (await shop.enter(publish=False)).shown.listed
    at_ms = shop.clock.now_ms()
    published = await shop.store.publish(listed, Publishing(at_ms, 10_000, shop.owner.user_id))
    assert published is not None
    assert published.auction == replace(listed.auction, status=Status.SCHEDULED, revision=1)
    row, (event,) = await shop.row(listed.auction.id), await shop.events(listed.auction.id)
    assert row["last_commit_id"] == event["commit_id"]
    assert row["high_water"] == event["at"] == at_ms
    assert (event["revision"], event["kind"]) == (1, "published")
    assert event["payload"] == {
        "type": "published",
        "price": "100.00",
        "actor": f"user:{shop.owner.user_id}",
        "seats_left": 1,
    }


async def test_created_and_published_at_once_is_the_same(shop: Shop) -> None:
    auction_id = await shop.sale()
    row, (event,) = await shop.row(auction_id), await shop.events(auction_id)
    assert (row["status"], row["revision"]) == ("SCHEDULED", 1)
    assert row["last_commit_id"] == event["commit_id"]


async def test_a_creation_whose_event_fails_leaves_no_draft_behind(shop: Shop) -> None:
    await shop.pool.execute("alter table event add constraint closed check (revision > 1)")
    with pytest.raises(asyncpg.CheckViolationError):
        await shop.enter()
    assert await shop.pool.fetchval("select count(*) from auction") == 0


async def test_a_draft_that_was_written_meanwhile_is_left_alone(shop: Shop) -> None:
    stale = (await shop.enter(publish=False)).shown.listed
    entry = copied(stale.auction)
    fresh = await shop.store.rewrite(stale, replace(entry, title="Dans"))
    assert fresh is not None
    publishing = Publishing(shop.clock.now_ms(), 10_000, shop.owner.user_id)
    assert await shop.store.rewrite(stale, entry) is None
    assert await shop.store.publish(stale, publishing) is None
    assert (await shop.row(stale.auction.id))["title"] == "Dans"
    assert await shop.events(stale.auction.id) == []
    assert await shop.store.publish(fresh, publishing) is not None


async def test_a_published_sale_cannot_be_touched_from_here(shop: Shop) -> None:
    auction_id = await shop.sale()
    before = await shop.row(auction_id)
    listed = await shop.store.one(auction_id)
    assert listed is not None
    changed = replace(copied(listed.auction), title="Başka")
    publishing = Publishing(shop.clock.now_ms(), 10_000, shop.owner.user_id)
    assert await shop.store.rewrite(listed, changed) is None
    assert await shop.store.publish(listed, publishing) is None
    assert not await shop.store.remove(auction_id)
    assert await shop.row(auction_id) == before


async def test_only_a_draft_is_deleted_and_once(shop: Shop) -> None:
    auction_id = await shop.draft()
    assert await shop.store.remove(auction_id)
    assert not await shop.store.remove(auction_id)


async def test_a_draft_gets_other_seats_and_as_many_are_left(shop: Shop) -> None:
    listed = (await shop.enter(publish=False)).shown.listed
    terms = replace(listed.auction.terms, seats=40)
    written = await shop.store.rewrite(listed, replace(copied(listed.auction), terms=terms))
    assert written is not None
    assert (written.auction.terms.seats, written.auction.seats_left) == (40, 40)


async def test_the_past_is_told_in_order_and_in_pages(shop: Shop) -> None:
    auction_id = await shop.sale(
        seats=3, turbo_enabled=True, turbo_drop_amount=5, turbo_trigger_ms=HOUR_MS
    )
    shop.clock.forward(ms=MINUTE_MS)
    await shop.book(auction_id)
    await shop.directory.ask(auction_id, TriggerTurbo(shop.owner.user_id, force=True))
    events = await shop.store.history(auction_id, 0, 10)
    assert [event.kind for event in events] == [
        "published",
        "activated",
        "booked",
        "turbo_triggered",
    ]
    assert [event.revision for event in events] == [1, 2, 3, 4]
    assert events[1].at_ms == shop.clock.now_ms() - MINUTE_MS
    assert events[1].actor == "clock"
    assert events[2].price == "100.00"
    assert await shop.store.history(auction_id, 1, 2) == events[1:3]
