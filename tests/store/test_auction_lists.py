"""The list of sales as SQL: every filter and order against the domain's own word."""

from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
from asyncpg.connection import LoggedQuery

from engine.domain.auction import AllowedGender, Auction, Status
from engine.domain.folding import MARKS, folded, words
from engine.ports.auctions import Filters, Order, Position, Sort
from engine.store.postgres.auction_lists import pattern_of, price_at
from engine.store.postgres.rows import read_auction
from tests.domain.strategies import NOON_MS, Case, random_case
from tests.shop import HOUR_MS, MINUTE_MS, Shop, open_shop

ROWS = 3_000

_INSERT = """
insert into auction (studio_id, title, start_price, floor_price, drop_amount, drop_every_ms,
    starts_at, ends_at, class_at, seats, seats_left, turbo_amount, turbo_trigger_ms, turbo_every_ms,
    turbo_started_at, status, revision, frozen_at, allowed_gender)
select $1, t.title, t.c2, t.c3, t.c4, t.c5, t.c6, t.c7, t.c8, 1, t.c9, t.c10, t.c11, t.c12,
    t.c13, t.c14, 1, t.c15, t.c16
from unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::int[], $11::bigint[],
    $12::bigint[], $13::bigint[], $14::timestamptz[], $15::text[], $16::timestamptz[],
    $17::text[])
    as t(title, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16)
"""


@pytest.fixture
async def shop(database: str) -> AsyncIterator[Shop]:
    async with open_shop(database) as opened:
        yield opened


def random_row(rng: Random, number: int) -> tuple[Any, ...]:
    """Any stored sale: any status the rules allow it, around NOON_MS."""
    case: Case = random_case(rng)
    terms, turbo = case.terms, case.terms.turbo
    status = rng.choice(["SCHEDULED", "ACTIVE", "SOLD", "EXPIRED", "CANCELLED"])
    frozen_ms = None
    if status == "SOLD":
        frozen_ms = rng.randrange(terms.starts_at_ms, terms.ends_at_ms)
    elif status == "CANCELLED":
        frozen_ms = rng.randint(terms.starts_at_ms - HOUR_MS, terms.class_at_ms)
    return (
        f"Ders {number}",
        terms.start_price,
        terms.floor_price,
        terms.drop_amount,
        terms.drop_every_ms,
        terms.starts_at_ms,
        terms.ends_at_ms,
        terms.class_at_ms,
        0 if status == "SOLD" else 1,
        None if turbo is None else turbo.amount,
        None if turbo is None else turbo.trigger_ms,
        None if turbo is None else turbo.every_ms,
        case.turbo_started_at_ms,
        status,
        frozen_ms,
        rng.choice(["ANY", "FEMALE", "MALE"]),
    )


async def fill(shop: Shop, count: int, seed: int = 1) -> list[Auction]:
    """Random sales, as the domain reads them."""
    rng = Random(seed)
    columns = zip(*(random_row(rng, number) for number in range(count)), strict=True)
    await shop.pool.execute(_INSERT, shop.studio_id, *columns)
    rows = await shop.pool.fetch("select * from auction")
    return [read_auction(row) for row in rows]


def instants(auction: Auction, rng: Random) -> list[int]:
    """Where the price of this sale may change, 0 and +-1 ms around it, and anywhere."""
    terms = auction.terms
    edges = [terms.starts_at_ms, terms.ends_at_ms]
    for drop in auction.schedule.drops:
        edges.append(drop.from_ms + rng.randint(0, 3) * drop.every_ms)
    if auction.frozen_at_ms is not None:
        edges.append(auction.frozen_at_ms)
    anywhere = rng.randint(terms.starts_at_ms - HOUR_MS, terms.ends_at_ms + HOUR_MS)
    return [edge + off for edge in edges for off in (-1, 0, 1)] + [anywhere]


async def test_the_price_is_the_domains_in_every_row_and_instant(shop: Shop) -> None:
    rng = Random(2)
    points = [
        (auction, at_ms) for auction in await fill(shop, ROWS) for at_ms in instants(auction, rng)
    ]
    rows = await shop.pool.fetch(
        f"select {price_at('p.at')} as price"
        " from unnest($1::bigint[], $2::timestamptz[]) with ordinality as p(id, at, n)"
        " join auction a on a.id = p.id order by p.n",
        [auction.id for auction, _ in points],
        [at_ms for _, at_ms in points],
    )
    assert len(rows) == len(points) > 10 * ROWS
    for (auction, at_ms), row in zip(points, rows, strict=True):
        assert row["price"] == auction.price_at(at_ms), (auction, at_ms)


async def test_a_price_of_many_drops_and_large_amounts_does_not_overflow(shop: Shop) -> None:
    auction_id = await shop.draft(drop_every_ms=1, ends_at_ms=shop.clock.now_ms() + 10**12)
    await shop.pool.execute(
        "update auction set start_price = 9999999999, floor_price = 1, drop_amount = 9999999998"
    )
    price = await shop.pool.fetchval(
        f"select {price_at('$2::timestamptz')} from auction a where id = $1",
        auction_id,
        shop.clock.now_ms() + 10**12,
    )
    assert price == 1


async def test_a_word_is_found_where_the_folded_text_has_it(shop: Shop) -> None:
    rng = Random(4)
    signs = "aAbBıiIİîşSsŞgĞöO0 .*+?()[]{}|^$\\-'\"%_/é" + MARKS + "Ω舞\u0130"
    texts = ["".join(rng.choices(signs, k=rng.randint(0, 8))) for _ in range(2_000)]
    sought = ["".join(rng.choices(signs, k=rng.randint(1, 2))) for _ in range(2_000)]
    pairs = [
        (text, word) for text, query in zip(texts, sought, strict=True) for word in words(query)
    ]
    rows = await shop.pool.fetch(
        "select text ~ pattern as found"
        " from unnest($1::text[], $2::text[]) with ordinality as t(text, pattern, n) order by n",
        [text for text, _ in pairs],
        [pattern_of(word) for _, word in pairs],
    )
    found = [row["found"] for row in rows]
    assert found == [word in folded(text) for text, word in pairs]
    assert 50 < sum(found) < len(found) - 50


# --- filters -------------------------------------------------------------------------------------


async def listed(shop: Shop, filters: Filters, now_ms: int) -> list[Auction]:
    """All rows of a list."""
    rows = await shop.store.page(filters, Order(), None, now_ms, 10 * ROWS)
    return [row.auction for row in rows]


async def test_every_status_is_folded_with_the_clock(shop: Shop) -> None:
    everything = await fill(shop, 1_000)
    rng = Random(3)
    edges = [
        edge
        for a in rng.sample(everything, 4)
        for edge in (a.terms.starts_at_ms, a.terms.ends_at_ms)
    ]
    for now_ms in [NOON_MS, *edges]:
        for status in set(Status) - {Status.DRAFT}:
            found = await listed(shop, Filters(statuses=frozenset({status})), now_ms)
            expected = {a.id for a in everything if a.status_at(now_ms) is status}
            assert {a.id for a in found} == expected, (status, now_ms)


async def test_unasked_a_list_shows_what_is_not_over(shop: Shop) -> None:
    everything = await fill(shop, 1_000)
    now_ms = NOON_MS + 6 * HOUR_MS
    open_ = (Status.SCHEDULED, Status.ACTIVE, Status.SOLD)
    expected = {
        a.id for a in everything if a.status_at(now_ms) in open_ and a.terms.ends_at_ms > now_ms
    }
    assert {a.id for a in await listed(shop, Filters(), now_ms)} == expected
    assert 0 < len(expected) < len(everything)


async def test_several_statuses_are_any_of_them(shop: Shop) -> None:
    everything = await fill(shop, 300)
    wanted = frozenset({Status.ACTIVE, Status.CANCELLED, Status.EXPIRED})
    found = await listed(shop, Filters(statuses=wanted), NOON_MS + HOUR_MS)
    expected = {a.id for a in everything if a.status_at(NOON_MS + HOUR_MS) in wanted}
    assert {a.id for a in found} == expected


async def test_price_max_is_compared_with_the_price_of_the_instant(shop: Shop) -> None:
    everything = await fill(shop, 1_000)
    for now_ms in (NOON_MS, NOON_MS + 3 * HOUR_MS):
        for price_max in (0, 250_000, everything[0].price_at(now_ms)):
            found = await listed(
                shop, Filters(statuses=frozenset(Status), price_max=price_max), now_ms
            )
            expected = {a.id for a in everything if a.price_at(now_ms) <= price_max}
            assert {a.id for a in found} == expected


async def test_the_hours_of_the_class_are_inclusive(shop: Shop) -> None:
    everything = sorted(await fill(shop, 50), key=lambda a: a.terms.class_at_ms)
    early, late = everything[10].terms.class_at_ms, everything[30].terms.class_at_ms
    among = Filters(statuses=frozenset(Status), class_from_ms=early, class_to_ms=late)
    found = await listed(shop, among, NOON_MS)
    assert {a.id for a in found} == {a.id for a in everything[10:31]}


async def test_gender_and_studio_narrow_a_list(shop: Shop) -> None:
    everything = await fill(shop, 60)
    women = Filters(statuses=frozenset(Status), allowed_gender=AllowedGender.FEMALE)
    assert {a.id for a in await listed(shop, women, NOON_MS)} == {
        a.id for a in everything if a.allowed_gender is AllowedGender.FEMALE
    }
    elsewhere = Filters(statuses=frozenset(Status), studio_id=shop.other_studio_id)
    assert await listed(shop, elsewhere, NOON_MS) == []


async def test_words_are_looked_for_in_title_and_studio(shop: Shop) -> None:
    here = await shop.sale(title="Işıltılı DANS")
    there = await shop.sale(title="Reformer", by=shop.rival)
    for query, expected in [
        ("ışıltılı", {here}),
        ("ISILTILI moda", {here}),
        ("KADIKOY", {there}),
        ("reformer kadıköy", {there}),
        ("reformer moda", set()),
        ("%", set()),
        ("d", {here, there}),
    ]:
        found = await listed(shop, Filters(words=words(query)), shop.clock.now_ms())
        assert {a.id for a in found} == expected, query


async def test_drafts_are_listed_for_their_studio_alone(shop: Shop) -> None:
    mine, theirs = await shop.draft(), await shop.draft(by=shop.rival)
    drafts = frozenset({Status.DRAFT})
    for owners, expected in [
        (frozenset[int](), set()),
        (frozenset({shop.studio_id}), {mine}),
        (None, {mine, theirs}),
    ]:
        filters = Filters(statuses=drafts, drafts_of=owners)
        found = await listed(shop, filters, shop.clock.now_ms())
        assert {a.id for a in found} == expected
    for nobodys in (Filters(drafts_of=None), Filters(drafts_of=None, words=("yoga",))):
        assert await listed(shop, nobodys, shop.clock.now_ms()) == []


# --- orders and pages ----------------------------------------------------------------------------


def key_of(auction: Auction, sort: Sort, at_ms: int) -> int:
    terms = auction.terms
    return {
        Sort.START: terms.starts_at_ms,
        Sort.END: terms.ends_at_ms,
        Sort.CLASS: terms.class_at_ms,
        Sort.PRICE: auction.price_at(at_ms),
    }[sort]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", list(Sort))
async def test_pages_follow_each_other_without_gap_or_repeat(
    shop: Shop, sort: Sort, descending: bool
) -> None:
    """Equal keys too: prices and hours of many rows are the same here."""
    everything = await fill(shop, 200)
    await shop.pool.execute(
        "update auction set class_at = '2026-02-01', start_price = floor_price + 1,"
        " drop_amount = 1, turbo_amount = turbo_amount / turbo_amount where id % 2 = 0"
    )
    everything = [read_auction(row) for row in await shop.pool.fetch("select * from auction")]
    at_ms, order = NOON_MS + HOUR_MS, Order(sort, descending)
    anything = Filters(statuses=frozenset(Status))
    seen: list[Auction] = []
    place: Position | None = None
    while True:
        # Time goes on from page to page; a list by price keeps to that of its first page.
        rows = await shop.store.page(anything, order, place, at_ms + len(seen) * MINUTE_MS, 7)
        if not rows:
            break
        seen += [row.auction for row in rows]
        place = Position(key_of(seen[-1], sort, at_ms), seen[-1].id, at_ms)
    expected = sorted(everything, key=lambda a: (key_of(a, sort, at_ms), a.id), reverse=descending)
    assert [a.id for a in seen] == [a.id for a in expected]


async def test_the_usual_list_walks_an_index(shop: Shop) -> None:
    """However many sales are over, the lobby's page does not read them, and nothing is sorted."""
    await fill(shop, ROWS)
    await shop.pool.execute("analyze auction")
    sent: list[LoggedQuery] = []
    async with shop.pool.acquire() as connection:
        connection.add_query_logger(sent.append)
    await shop.store.page(Filters(), Order(), None, NOON_MS + 20 * HOUR_MS, 51)
    async with shop.pool.acquire() as connection:
        connection.remove_query_logger(sent.append)
        (asked,) = sent
        plan = "\n".join(
            row[0] for row in await connection.fetch(f"explain {asked.query}", *asked.args)
        )
    assert "Index Scan using auction_by_end" in plan, plan
    assert "Seq Scan on auction" not in plan, plan
    assert "Sort" not in plan, plan
