"""What staff do with sales: drafts written by the catalog, the rest asked of the auction itself."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from engine.bus.local import LocalBus
from engine.catalog.auctions import Auctions
from engine.catalog.drafting import Asked
from engine.domain.auction import Auction, Status
from engine.domain.messages import Edit, Message, Reply
from engine.errors import (
    Busy,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    RuleBroken,
    Stale,
    TransitionRefused,
)
from tests.shop import HOUR_MS, MINUTE_MS, OneByOne, Shop, open_shop


@pytest.fixture
async def shop(database: str) -> AsyncIterator[Shop]:
    async with open_shop(database) as opened:
        yield opened


TURBO: dict[str, Any] = {
    "turbo_enabled": True,
    "turbo_drop_amount": Decimal("2.00"),
    "turbo_trigger_ms": HOUR_MS,
}


# --- creating and publishing ---------------------------------------------------------------------


async def test_a_published_sale_is_announced_to_the_supervisor_and_the_lobby(shop: Shop) -> None:
    shown = (await shop.enter(starts_at_ms=shop.clock.now_ms() + MINUTE_MS)).shown
    auction = shown.auction
    assert (auction.status, auction.revision) == (Status.SCHEDULED, 1)
    assert shop.diary.appointments == [(auction.id, shop.clock.now_ms() + MINUTE_MS)]
    (publication,) = shop.watcher.publications
    assert (publication.auction, publication.frames) == (auction, ())


async def test_a_draft_is_announced_to_nobody(shop: Shop) -> None:
    auction = (await shop.enter(publish=False)).shown.auction
    assert (auction.status, auction.revision) == (Status.DRAFT, 0)
    assert shop.diary.appointments == []
    assert shop.watcher.publications == []
    assert await shop.events(auction.id) == []


async def test_a_sale_keeps_the_policies_it_was_entered_under(shop: Shop) -> None:
    changes = {"cancel_cutoff_s": 60, "no_show_grace_s": 120, "currency": "EUR"}
    await shop.studios.edit(shop.studio_id, changes)
    auction_id = await shop.sale()
    await shop.studios.edit(shop.studio_id, {"cancel_cutoff_s": 7_200, "currency": "TRY"})
    shown = await shop.listings.one(None, auction_id)
    assert shown.auction.cancel_cutoff_ms == 60_000
    assert shown.auction.no_show_grace_ms == 120_000
    assert shown.auction.currency == "EUR"


async def test_who_names_the_studio(shop: Shop) -> None:
    create = shop.auctions.create
    by_platform = await create(
        shop.platform, shop.asked(), studio_id=shop.other_studio_id, publish=True
    )
    assert by_platform.shown.auction.studio_id == shop.other_studio_id
    with pytest.raises(Invalid) as refused:
        await create(shop.platform, shop.asked(), studio_id=None, publish=True)
    assert refused.value.errors == (FieldError("studio_id", "REQUIRED"),)
    for studio_id in (shop.studio_id, shop.other_studio_id):
        with pytest.raises(Forbidden):
            await create(shop.owner, shop.asked(), studio_id=studio_id, publish=True)
    with pytest.raises(NotFound):
        await create(shop.platform, shop.asked(), studio_id=999, publish=True)


async def test_what_is_probably_not_meant_is_warned_of(shop: Shop) -> None:
    created = await shop.enter(**TURBO | {"turbo_drop_amount": Decimal("5.01")})
    assert created.warnings == ("TURBO_DROP_LARGE",)
    assert (await shop.enter(**TURBO)).warnings == ()


async def test_a_sale_that_breaks_a_rule_is_not_written(shop: Shop) -> None:
    with pytest.raises(RuleBroken):
        await shop.enter(ends_at_ms=shop.clock.now_ms())
    assert await shop.pool.fetchval("select count(*) from auction") == 0


async def test_a_draft_is_published_once(shop: Shop) -> None:
    auction_id = await shop.draft()
    shown = await shop.auctions.publish(shop.owner, auction_id)
    assert (shown.auction.status, shown.auction.revision) == (Status.SCHEDULED, 1)
    assert shop.diary.appointments == [(auction_id, shop.clock.now_ms())]
    with pytest.raises(TransitionRefused):
        await shop.auctions.publish(shop.owner, auction_id)
    assert len(await shop.events(auction_id)) == 1


async def test_two_who_publish_at_once_make_one_publication(shop: Shop) -> None:
    auction_id = await shop.draft()
    answers = await asyncio.gather(
        *(shop.auctions.publish(shop.owner, auction_id) for _ in range(5)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, TransitionRefused)]
    assert len(refused) == 4
    assert len(await shop.events(auction_id)) == 1
    assert len(shop.diary.appointments) == 1


async def test_a_draft_whose_hour_has_passed_is_not_published(shop: Shop) -> None:
    auction_id = await shop.draft()
    shop.clock.forward(ms=4 * HOUR_MS)
    with pytest.raises(RuleBroken) as refused:
        await shop.auctions.publish(shop.owner, auction_id)
    assert [each.code for each in refused.value.errors] == ["RULE_END_IN_FUTURE"]
    assert (await shop.row(auction_id))["status"] == "DRAFT"


async def test_a_copy_is_a_draft_of_its_own(shop: Shop) -> None:
    auction_id = await shop.sale(**TURBO, seats=3, title="Tango")
    await shop.book(auction_id)
    await shop.studios.edit(shop.studio_id, {"cancel_cutoff_s": 60})
    shown = await shop.auctions.clone(shop.owner, auction_id)
    original = (await shop.listings.one(None, auction_id)).auction
    copy = shown.auction
    assert copy.id != auction_id
    assert (copy.status, copy.revision, copy.seats_left) == (Status.DRAFT, 0, 3)
    assert (copy.title, copy.terms) == (original.title, original.terms)
    assert copy.cancel_cutoff_ms == 60_000
    assert copy.turbo_started_at_ms is None


async def test_a_copy_of_what_is_over_is_mended_before_it_is_published(shop: Shop) -> None:
    auction_id = await shop.sale()
    shop.clock.forward(s=86_400)
    copy_id = (await shop.auctions.clone(shop.owner, auction_id)).auction.id
    renamed = await shop.auctions.edit(shop.owner, copy_id, Asked(title="Yarın"), None)
    assert renamed.auction.title == "Yarın"
    now_ms = shop.clock.now_ms()
    hours = Asked(
        starts_at_ms=now_ms, ends_at_ms=now_ms + HOUR_MS, class_at_ms=now_ms + 2 * HOUR_MS
    )
    await shop.auctions.edit(shop.owner, copy_id, hours, None)
    assert (await shop.auctions.publish(shop.owner, copy_id)).auction.status is Status.SCHEDULED


# --- editing and deleting ------------------------------------------------------------------------


async def test_a_draft_is_edited_in_place(shop: Shop) -> None:
    auction_id = await shop.draft()
    shown = await shop.auctions.edit(
        shop.owner, auction_id, Asked(title="Tango", seats=9), if_revision=0
    )
    auction = shown.auction
    assert (auction.title, auction.terms.seats, auction.revision) == ("Tango", 9, 0)
    assert shop.directory.asked == []
    with pytest.raises(Stale):
        await shop.auctions.edit(shop.owner, auction_id, Asked(title="x"), if_revision=1)
    with pytest.raises(RuleBroken):
        await shop.auctions.edit(shop.owner, auction_id, Asked(floor_price=Decimal(100)), None)


async def test_a_published_sale_is_edited_by_its_actor(shop: Shop) -> None:
    auction_id = await shop.sale(starts_at_ms=shop.clock.now_ms() + MINUTE_MS)
    shown = await shop.auctions.edit(shop.owner, auction_id, Asked(title="Tango"), if_revision=1)
    assert (shown.auction.title, shown.auction.revision) == ("Tango", 2)
    (message,) = shop.directory.asked
    assert isinstance(message, Edit)
    assert (await shop.row(auction_id))["title"] == "Tango"
    assert (await shop.events(auction_id))[-1]["kind"] == "edited"


async def test_an_amount_that_cannot_be_read_never_reaches_a_published_sale(shop: Shop) -> None:
    auction_id = await shop.sale(starts_at_ms=shop.clock.now_ms() + MINUTE_MS)
    with pytest.raises(RuleBroken) as refused:
        await shop.auctions.edit(shop.owner, auction_id, Asked(drop_amount=Decimal("4.999")), None)
    assert refused.value.errors == (FieldError("drop_amount", "RULE_PRICE_PRECISION"),)
    assert shop.directory.asked == []


async def test_an_old_revision_is_refused(shop: Shop) -> None:
    auction_id = await shop.sale(starts_at_ms=shop.clock.now_ms() + MINUTE_MS)
    await shop.auctions.edit(shop.owner, auction_id, Asked(title="Tango"), None)
    with pytest.raises(Stale):
        await shop.auctions.edit(shop.owner, auction_id, Asked(title="Salsa"), if_revision=1)


async def test_while_it_runs_words_may_change_and_prices_not(shop: Shop) -> None:
    auction_id = await shop.sale(seats=2)
    shown = await shop.auctions.edit(
        shop.owner,
        auction_id,
        Asked(description="Mat getir", class_at_ms=shop.clock.now_ms() + 9 * HOUR_MS),
        None,
    )
    assert shown.auction.description == "Mat getir"
    with pytest.raises(TransitionRefused) as refused:
        await shop.auctions.edit(shop.owner, auction_id, Asked(start_price=Decimal(200)), None)
    assert refused.value.errors == (FieldError("start_price", "TRANSITION"),)
    await shop.book(auction_id)
    with pytest.raises(TransitionRefused) as refused:
        await shop.auctions.edit(
            shop.owner, auction_id, Asked(class_at_ms=shop.clock.now_ms() + 8 * HOUR_MS), None
        )
    assert refused.value.errors == (FieldError("scheduled_at", "TRANSITION"),)


class Interrupted(OneByOne):
    """A directory behind which somebody else changes the sale first."""

    def __init__(self, inner: OneByOne, first: Edit, times: int) -> None:
        self._inner = inner
        self._first = first
        self._left = times

    async def ask(self, auction_id: int, message: Message) -> Reply:
        if self._left:
            self._left -= 1
            first = self._first
            title = f"{first.title} {self._left}"
            await self._inner.ask(
                auction_id,
                Edit(first.by, title, first.description, first.allowed_gender, first.terms),
            )
        return await self._inner.ask(auction_id, message)


def beside(shop: Shop, sale: Auction, times: int) -> Auctions:
    """The same catalog, but others rename the sale `times` times, each just before we would."""
    first = Edit(
        by=shop.owner.user_id,
        title="Onların adı",
        description="onların",
        allowed_gender=sale.allowed_gender,
        terms=sale.terms,
    )
    interrupted = Interrupted(shop.directory, first, times)
    return Auctions(shop.store, interrupted, shop.diary, LocalBus(), shop.clock)


async def test_what_somebody_else_changed_meanwhile_is_not_undone(shop: Shop) -> None:
    sale = (await shop.enter(starts_at_ms=shop.clock.now_ms() + MINUTE_MS)).shown.auction
    ours = Asked(title="Bizim adımız")
    shown = await beside(shop, sale, times=2).edit(shop.owner, sale.id, ours, None)
    assert shown.auction.title == "Bizim adımız"
    assert shown.auction.description == "onların"
    revision = shown.auction.revision
    with pytest.raises(Stale):
        await beside(shop, sale, times=1).edit(shop.owner, sale.id, ours, revision)
    with pytest.raises(Busy):
        await beside(shop, sale, times=99).edit(shop.owner, sale.id, ours, None)


async def test_two_edits_of_a_draft_at_once_keep_both(shop: Shop) -> None:
    auction_id = await shop.draft()
    await asyncio.gather(
        shop.auctions.edit(shop.owner, auction_id, Asked(title="Tango"), None),
        shop.auctions.edit(shop.owner, auction_id, Asked(description="Çift olarak"), None),
        shop.auctions.edit(shop.owner, auction_id, Asked(seats=4), None),
    )
    row = await shop.row(auction_id)
    assert (row["title"], row["description"], row["seats"]) == ("Tango", "Çift olarak", 4)


async def test_an_edit_that_meets_a_publication_becomes_one_of_the_sale(shop: Shop) -> None:
    auction_id = await shop.draft(starts_at_ms=shop.clock.now_ms() + MINUTE_MS)
    await asyncio.gather(
        shop.auctions.edit(shop.owner, auction_id, Asked(title="Tango"), None),
        shop.auctions.publish(shop.owner, auction_id),
    )
    row = await shop.row(auction_id)
    assert (row["title"], row["status"]) == ("Tango", "SCHEDULED")


async def test_only_a_draft_is_deleted(shop: Shop) -> None:
    draft_id, sale_id = await shop.draft(), await shop.sale()
    await shop.auctions.delete(shop.owner, draft_id)
    with pytest.raises(NotFound):
        await shop.auctions.delete(shop.owner, draft_id)
    with pytest.raises(TransitionRefused):
        await shop.auctions.delete(shop.owner, sale_id)
