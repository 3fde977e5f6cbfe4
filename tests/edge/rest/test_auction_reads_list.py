"""The list of auctions: filters, orders, pages, caches, and what it costs."""

import re
from collections.abc import AsyncIterator
from decimal import Decimal
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from asyncpg.connection import LoggedQuery

from engine.domain.auction import AllowedGender
from engine.frames import instant
from tests.edge.rest.shopfront import LOBBY_VERSION, Answered, Shopfront, open_shopfront
from tests.shop import HOUR_MS, MINUTE_MS


@pytest.fixture
async def front(database: str) -> AsyncIterator[Shopfront]:
    async with open_shopfront(database) as opened:
        yield opened


def ids(answered: Answered) -> list[int]:
    return [row["id"] for row in answered.body]


async def test_a_list_is_an_array_that_caches_may_keep_a_second(front: Shopfront) -> None:
    sale = await front.shop.sale()
    listed = await front.get("/auctions/")
    assert ids(listed) == [sale]
    assert listed.headers["Cache-Control"] == "public, max-age=1"
    assert listed.headers["Lobby-Version"] == str(LOBBY_VERSION)
    assert "Link" not in listed.headers
    assert "computedPrice" not in listed.body[0]
    detail = (await front.get(f"/auctions/{sale}")).body
    assert listed.body[0] == {name: detail[name] for name in detail if name != "server_time"}


async def test_a_list_with_computed_prices_is_not_kept(front: Shopfront) -> None:
    await front.shop.sale()
    listed = await front.get("/auctions/?include_computed=true")
    assert listed.headers["Cache-Control"] == "no-store"
    assert "ETag" not in listed.headers
    assert listed.body[0]["computedPrice"] == "100.00"
    assert listed.body[0]["priceDetails"]["reason"] == "active"


async def test_a_list_for_somebody_with_a_token_is_not_kept(front: Shopfront) -> None:
    await front.shop.sale()
    assert (await front.get("/auctions/", by="customer")).headers["Cache-Control"] == "no-store"


async def test_a_known_list_is_not_sent_again(front: Shopfront) -> None:
    sale = await front.shop.sale(seats=2)

    async def fetch(tag: str) -> Answered:
        return await front.get("/auctions/", headers={"If-None-Match": tag})

    tag = (await front.get("/auctions/")).headers["ETag"]
    known = await fetch(tag)
    assert (known.status, known.headers["Lobby-Version"]) == (304, str(LOBBY_VERSION))
    await front.shop.studios.edit(front.shop.studio_id, {"name": "Yeni Ad"})
    tags = [tag]
    for change in ("studio", "drop", "booking", "another sale"):
        if change == "drop":
            front.shop.clock.forward(ms=30 * MINUTE_MS)
        elif change == "booking":
            await front.shop.book(sale)
        elif change == "another sale":
            await front.shop.sale()
        fresh = await fetch(tags[-1])
        assert fresh.status == 200, change
        tags.append(fresh.headers["ETag"])
    assert len(set(tags)) == len(tags)


async def test_unasked_the_list_shows_what_is_not_over(front: Shopfront) -> None:
    now_ms = front.shop.clock.now_ms()
    later = await front.shop.sale(starts_at_ms=now_ms + HOUR_MS)
    running, sold = await front.shop.sale(), await front.shop.sale()
    await front.shop.book(sold)
    cancelled = await front.shop.sale()
    await front.shop.auctions.cancel(front.shop.owner, cancelled, None)
    over = await front.shop.sale(ends_at_ms=now_ms + HOUR_MS)
    draft = await front.shop.draft()
    front.shop.clock.forward(ms=HOUR_MS - 1)
    assert set(ids(await front.get("/auctions/"))) == {later, running, sold, over}
    front.shop.clock.forward(ms=1)
    assert set(ids(await front.get("/auctions/"))) == {later, running, sold}
    for query, expected in [
        ("status=ACTIVE", {later, running}),
        ("status=EXPIRED", {over}),
        ("status=SOLD&status=CANCELLED", {sold, cancelled}),
        ("status=SCHEDULED", set()),
        ("status=DRAFT", set()),
    ]:
        found = await front.get(f"/auctions/?{query}")
        assert set(ids(found)) == expected, query
    mine = await front.get("/auctions/?status=DRAFT&status=SOLD", by=front.shop.owner)
    assert set(ids(mine)) == {draft, sold}
    assert mine.headers["Cache-Control"] == "no-store"
    for by in ("customer", "desk", front.shop.rival):
        assert ids(await front.get("/auctions/?status=DRAFT", by=by)) == []
    front.shop.clock.forward(ms=4 * HOUR_MS)
    assert set(ids(await front.get("/auctions/"))) == {later} - {later}


async def test_every_filter_narrows_the_list(front: Shopfront) -> None:
    now_ms, shop = front.shop.clock.now_ms(), front.shop
    cheap = await shop.sale(start_price=Decimal(50), title="Işıltı")
    women = await shop.sale(allowed_gender=AllowedGender.FEMALE)
    late = await shop.sale(class_at_ms=now_ms + 9 * HOUR_MS)
    theirs = await shop.sale(by=shop.rival)
    everything = {cheap, women, late, theirs}
    for query, expected in [
        ("", everything),
        (f"studio_id={shop.other_studio_id}", {theirs}),
        ("q=isilti", {cheap}),
        ("q=IŞILTI%20moda", {cheap}),
        ("q=kadikoy", {theirs}),
        ("q=%20", everything),
        ("price_max=99.99", {cheap}),
        ("price_max=100", everything),
        ("allowed_gender=FEMALE", {women}),
        (f"scheduled_from={_at(now_ms + 4 * HOUR_MS + 1)}", {late}),
        (f"scheduled_to={_at(now_ms + 4 * HOUR_MS)}", everything - {late}),
        (f"scheduled_from={_at(now_ms + 9 * HOUR_MS)}&q=yoga", {late}),
    ]:
        found = await front.get(f"/auctions/?{query}")
        assert set(ids(found)) == expected, query
    shop.clock.forward(ms=30 * MINUTE_MS)
    fallen = await front.get("/auctions/?price_max=95.00")
    assert set(ids(fallen)) == everything, "compared with the current price, not the first one"


def _at(ms: int) -> str:
    return quote(instant(ms))


async def test_a_list_is_ordered_as_asked(front: Shopfront) -> None:
    now_ms, sale = front.shop.clock.now_ms(), front.shop.sale
    a = await sale(
        starts_at_ms=now_ms - HOUR_MS, ends_at_ms=now_ms + 3 * HOUR_MS, start_price=Decimal(90)
    )
    b = await sale(
        ends_at_ms=now_ms + 2 * HOUR_MS, class_at_ms=now_ms + 9 * HOUR_MS, start_price=Decimal(70)
    )
    c = await sale(
        starts_at_ms=now_ms + HOUR_MS, ends_at_ms=now_ms + 4 * HOUR_MS, start_price=Decimal(75)
    )
    for sort, expected in [
        ("start_time", [a, b, c]),
        ("end_time", [b, a, c]),
        ("scheduled_at", [a, c, b]),
        ("price", [b, c, a]),
    ]:
        assert ids(await front.get(f"/auctions/?sort={sort}")) == expected
        assert ids(await front.get(f"/auctions/?sort=-{sort}")) == expected[::-1]
    assert ids(await front.get("/auctions/")) == [b, a, c]


def following(answered: Answered) -> str | None:
    """The address in the Link header, as a path under /api/v1."""
    link = answered.headers.get("Link")
    if link is None:
        return None
    found = re.fullmatch(r'</api/v1(/auctions/\?.*)>; rel="next"', link)
    assert found is not None, link
    return found[1]


async def test_pages_are_followed_by_their_link(front: Shopfront) -> None:
    now_ms = front.shop.clock.now_ms()
    everything = [await front.shop.sale(allowed_gender=AllowedGender.FEMALE) for _ in range(7)]
    await front.shop.sale()
    query = (
        "status=ACTIVE&status=SOLD&q=yoga&price_max=100.00&allowed_gender=FEMALE&sort=-price"
        f"&scheduled_from={_at(now_ms)}&include_computed=true&limit=3"
    )
    path: str | None = f"/auctions/?{query}"
    seen: list[int] = []
    pages = 0
    while path is not None:
        page = await front.get(path)
        assert page.status == 200, page
        assert "computedPrice" in page.body[0]
        seen += ids(page)
        pages += 1
        if (path := following(page)) is not None:
            said = parse_qs(urlsplit(path).query)
            said.pop("cursor")
            assert said == parse_qs(query)
        front.shop.clock.forward(ms=40 * MINUTE_MS)
    assert (seen, pages) == (everything[::-1], 3)


async def test_a_cursor_belongs_to_its_list(front: Shopfront) -> None:
    for _ in range(3):
        await front.shop.sale()
    path = following(await front.get("/auctions/?limit=1"))
    assert path is not None
    cursor = parse_qs(urlsplit(path).query)["cursor"][0]
    assert len(ids(await front.get(f"/auctions/?limit=2&cursor={cursor}"))) == 2
    with_computed = f"/auctions/?include_computed=true&cursor={cursor}"
    assert (await front.get(with_computed)).status == 200
    for foreign in (
        f"sort=-end_time&cursor={cursor}",
        f"status=ACTIVE&cursor={cursor}",
        f"q=yoga&cursor={cursor}",
        f"cursor={cursor[:-1]}",
        f"cursor={cursor}A",
        f"cursor={'B' if cursor[0] == 'A' else 'A'}{cursor[1:]}",
        "cursor=",
        "cursor=AAAA",
        f"cursor={'A' * 201}",
    ):
        refused = await front.get(f"/auctions/?{foreign}")
        assert (refused.status, refused.code) == (422, "VALIDATION"), foreign
        assert refused.fields[0][0] == "cursor"


async def test_what_cannot_be_asked_is_422(front: Shopfront) -> None:
    for query, field in [
        ("status=OPEN", "status.0"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("sort=title", "sort"),
        ("price_max=cheap", "price_max"),
        ("price_max=1.005", "price_max"),
        ("price_max=100000000", "price_max"),
        ("studio_id=x", "studio_id"),
        ("scheduled_from=2027-01-01", "scheduled_from"),
        (f"q={'x' * 101}", "q"),
        ("q=%00", "q"),
        ("colour=red", "colour"),
        ("sort=price&sort=price", "sort"),
    ]:
        refused = await front.get(f"/auctions/?{query}")
        assert (refused.status, refused.code) == (422, "VALIDATION"), query
        assert refused.fields[0][0] == field, query


async def sent(front: Shopfront, path: str) -> list[str]:
    """The statements PostgreSQL sees for one request."""
    seen: list[str] = []

    def note(record: LoggedQuery) -> None:
        seen.append(record.query)

    async with front.shop.pool.acquire() as connection:
        connection.add_query_logger(note)  # the pool hands out its newest idle connection
    answered = await front.get(path)
    assert answered.status == 200
    async with front.shop.pool.acquire() as connection:
        connection.remove_query_logger(note)
    return seen


async def test_a_read_is_at_most_two_statements_and_none_of_them_writes(front: Shopfront) -> None:
    for _ in range(30):
        sale = await front.shop.sale()
    await front.shop.book(sale)
    every = "q=moda&price_max=100&sort=-price&include_computed=true&status=ACTIVE&status=SOLD"
    for path in ("/auctions/", "/auctions/?limit=100", f"/auctions/?{every}", f"/auctions/{sale}"):
        statements = await sent(front, path)
        assert 1 <= len(statements) <= 2, statements
        assert all(each.lstrip().startswith("select") for each in statements), statements


async def test_reading_changes_no_row(front: Shopfront) -> None:
    """Neither a sale that is due to start nor one that is over is written down by a reader."""
    over = await front.shop.sale(turbo_enabled=True, turbo_drop_amount=2)
    front.shop.clock.forward(ms=5 * HOUR_MS)
    rows = "select xmin::text, * from auction"
    before = await front.shop.pool.fetch(rows)
    for path in ("/auctions/", "/auctions/?status=EXPIRED&sort=price", f"/auctions/{over}"):
        assert (await front.get(path)).status == 200
    assert await front.shop.pool.fetch(rows) == before
