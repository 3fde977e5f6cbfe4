"""Sales as they are looked at."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from engine.domain.auction import Status
from engine.errors import NotFound
from engine.ports.auctions import Filters, Order, Position, Sort
from tests.shop import HOUR_MS, MINUTE_MS, Shop, open_shop


@pytest.fixture
async def shop(database: str) -> AsyncIterator[Shop]:
    async with open_shop(database) as opened:
        yield opened


async def test_a_draft_is_there_for_its_staff_alone(shop: Shop) -> None:
    draft = await shop.draft()
    for viewer in (shop.owner, shop.platform):
        assert (await shop.listings.one(viewer, draft)).auction.id == draft
    for stranger in (None, shop.rival):
        with pytest.raises(NotFound):
            await shop.listings.one(stranger, draft)


async def test_a_published_sale_is_there_for_everybody(shop: Shop) -> None:
    sale = await shop.sale()
    for viewer in (None, shop.owner, shop.rival, shop.platform):
        assert (await shop.listings.one(viewer, sale)).auction.id == sale


async def test_drafts_are_listed_for_their_own_staff(shop: Shop) -> None:
    mine, theirs = await shop.draft(), await shop.draft(by=shop.rival)
    # However somebody else filled in whose drafts they may see, the viewer decides.
    asked = Filters(statuses=frozenset({Status.DRAFT}), drafts_of=None)
    for viewer, expected in [
        (None, set()),
        (shop.owner, {mine}),
        (shop.rival, {theirs}),
        (shop.platform, {mine, theirs}),
    ]:
        page = await shop.listings.page(viewer, asked, Order(), None, 50)
        assert {row.auction.id for row in page.rows} == expected


async def test_a_page_is_shown_at_one_instant_and_says_where_the_next_one_starts(
    shop: Shop,
) -> None:
    ids = [await shop.sale(ends_at_ms=shop.clock.now_ms() + hours * HOUR_MS) for hours in (3, 1, 2)]
    page = await shop.listings.page(None, Filters(), Order(), None, 2)
    assert page.at_ms == shop.clock.now_ms()
    assert [row.auction.id for row in page.rows] == [ids[1], ids[2]]
    ends_at_ms = page.rows[-1].auction.terms.ends_at_ms
    assert page.following == Position(ends_at_ms, ids[2], page.at_ms)
    last = await shop.listings.page(None, Filters(), Order(), page.following, 2)
    assert [row.auction.id for row in last.rows] == [ids[0]]
    assert last.following is None


async def test_a_list_by_price_keeps_the_order_of_its_first_page(shop: Shop) -> None:
    """The second one falls below the first between two pages; nobody is left out or repeated."""
    slow = await shop.sale(floor_price=Decimal(80), drop_amount=Decimal(1), start_price=Decimal(90))
    fast = await shop.sale(
        drop_every_ms=MINUTE_MS, drop_amount=Decimal(20), start_price=Decimal(95)
    )
    dear = await shop.sale(start_price=Decimal(99))
    place, seen = None, []
    for _ in range(3):
        page = await shop.listings.page(None, Filters(), Order(Sort.PRICE), place, 1)
        seen += [row.auction.id for row in page.rows]
        place = page.following
        shop.clock.forward(ms=MINUTE_MS)
    assert (seen, place) == ([slow, fast, dear], None)


@pytest.mark.parametrize("sort", list(Sort))
async def test_pages_are_complete_while_sales_are_added(shop: Shop, sort: Sort) -> None:
    before = {await shop.sale(class_at_ms=shop.clock.now_ms() + 5 * HOUR_MS) for _ in range(9)}
    seen: list[int] = []
    place: Position | None = None
    while True:
        page = await shop.listings.page(None, Filters(), Order(sort), place, 3)
        seen += [row.auction.id for row in page.rows]
        place = page.following
        if place is None or before <= set(seen):
            break
        await shop.sale(ends_at_ms=shop.clock.now_ms() + HOUR_MS, start_price=Decimal(20))
        await shop.sale(start_price=Decimal(999), class_at_ms=shop.clock.now_ms() + 6 * HOUR_MS)
        shop.clock.forward(ms=1)
    assert before <= set(seen)
    assert len(seen) == len(set(seen))


async def test_the_past_of_a_sale_is_its_staffs(shop: Shop) -> None:
    sale = await shop.sale(seats=2)
    await shop.book(sale)
    page = await shop.listings.history(shop.owner, sale, 0, 2)
    assert [event.kind for event in page.events] == ["published", "activated"]
    assert page.following == 2
    rest = await shop.listings.history(shop.platform, sale, 2, 2)
    assert [event.kind for event in rest.events] == ["booked"]
    assert rest.following is None
    for auction_id in (sale, 999):
        with pytest.raises(NotFound):
            await shop.listings.history(shop.rival, auction_id, 0, 2)
    draft = await shop.draft()
    assert (await shop.listings.history(shop.owner, draft, 0, 2)).events == []
