"""One auction as everybody looks at it, its past, and a plan for one."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from engine.catalog.drafting import Asked
from engine.frames import instant
from tests.edge.rest.shopfront import Shopfront, open_shopfront
from tests.shop import HOUR_MS, MINUTE_MS


@pytest.fixture
async def front(database: str) -> AsyncIterator[Shopfront]:
    async with open_shopfront(database) as opened:
        yield opened


# --- one -----------------------------------------------------------------------------------------


async def test_one_auction_tells_the_price_of_this_instant_and_the_next(front: Shopfront) -> None:
    sale = await front.shop.sale()
    start_ms = front.shop.clock.now_ms()
    front.shop.clock.forward(ms=30 * MINUTE_MS - 1)
    before = (await front.get(f"/auctions/{sale}")).body
    assert (before["current_price"], before["step"]) == ("100.00", 0)
    front.shop.clock.forward(ms=1)
    body = (await front.get(f"/auctions/{sale}")).body
    assert (body["current_price"], body["step"]) == ("95.00", 1)
    assert body["next_price"] == "90.00"
    assert body["next_drop_at"] == instant(start_ms + 60 * MINUTE_MS)
    assert body["server_time"] == instant(start_ms + 30 * MINUTE_MS)


async def test_status_is_carried_on_by_the_clock_and_revision_is_not(front: Shopfront) -> None:
    sale = await front.shop.sale(starts_at_ms=front.shop.clock.now_ms() + 1)
    path = f"/auctions/{sale}"
    assert (await front.get(path)).body["status"] == "SCHEDULED"
    front.shop.clock.forward(ms=1)
    assert (await front.get(path)).body["status"] == "ACTIVE"
    front.shop.clock.forward(ms=4 * HOUR_MS)
    over = (await front.get(path)).body
    assert (over["status"], over["revision"]) == ("EXPIRED", 1)
    assert (over["next_price"], over["next_drop_at"]) == (None, None)


async def test_a_sold_price_stands_still(front: Shopfront) -> None:
    sale = await front.shop.sale()
    front.shop.clock.forward(ms=30 * MINUTE_MS)
    await front.shop.book(sale)
    front.shop.clock.forward(ms=HOUR_MS)
    body = (await front.get(f"/auctions/{sale}")).body
    assert (body["status"], body["current_price"], body["step"]) == ("SOLD", "95.00", 1)
    assert body["seats_left"] == 0


async def test_a_known_version_is_not_sent_again(front: Shopfront) -> None:
    sale = await front.shop.sale(seats=2)
    path = f"/auctions/{sale}"

    async def status(tag: str) -> int:
        return (await front.get(path, headers={"If-None-Match": tag})).status

    tag = (await front.get(path)).headers["ETag"]
    assert tag == '"1.0.ACTIVE"'
    assert await status(tag) == 304
    assert await status(f'"other", W/{tag}') == 304
    assert await status("*") == 304
    assert await status('"1.0.SCHEDULED"') == 200
    front.shop.clock.forward(ms=30 * MINUTE_MS)
    assert await status(tag) == 200, "the step has moved"
    await front.shop.book(sale)
    assert await status('"1.1.ACTIVE"') == 200, "the revision has moved"
    assert await status('"3.1.ACTIVE"') == 304
    front.shop.clock.forward(ms=4 * HOUR_MS)
    assert await status('"3.7.ACTIVE"') == 200, "the status has moved"


async def test_an_answer_that_was_not_sent_again_still_has_its_tag(front: Shopfront) -> None:
    sale = await front.shop.sale()
    known = await front.get(f"/auctions/{sale}", headers={"If-None-Match": "*"})
    assert (known.status, known.body) == (304, "")
    assert known.headers["ETag"] == '"1.0.ACTIVE"'


async def test_a_draft_is_not_there_but_for_its_staff(front: Shopfront) -> None:
    draft, shop = await front.shop.draft(), front.shop
    for by in (None, "customer", "desk", shop.rival):
        hidden = await front.get(f"/auctions/{draft}", by=by)
        assert (hidden.status, hidden.code) == (404, "NOT_FOUND"), by
    for staff in (shop.owner, shop.platform):
        shown = await front.get(f"/auctions/{draft}", by=staff)
        assert (shown.status, shown.body["status"]) == (200, "DRAFT")
        assert "ETag" not in shown.headers, "a draft changes without a revision"
        assert shown.headers["Cache-Control"] == "no-store"


async def test_an_unknown_auction_is_404_and_an_unknown_parameter_422(front: Shopfront) -> None:
    assert (await front.get("/auctions/999")).code == "NOT_FOUND"
    assert (await front.get("/auctions/none")).code == "NOT_FOUND"
    sale = await front.shop.sale()
    assert (await front.get(f"/auctions/{sale}?colour=red")).fields == [("colour", "UNKNOWN")]


async def test_the_price_can_be_explained(front: Shopfront) -> None:
    """500, floor 100, 50 each hour; turbo for the last half hour of two, 20 each five minutes."""
    sale = await front.shop.sale(
        start_price=Decimal(500),
        floor_price=Decimal(100),
        drop_amount=Decimal(50),
        drop_every_ms=HOUR_MS,
        ends_at_ms=front.shop.clock.now_ms() + 2 * HOUR_MS,
        turbo_enabled=True,
        turbo_drop_amount=Decimal(20),
        turbo_trigger_ms=30 * MINUTE_MS,
        turbo_every_ms=5 * MINUTE_MS,
    )
    front.shop.clock.forward(ms=105 * MINUTE_MS)
    body = (await front.get(f"/auctions/{sale}?include_computed=true")).body
    assert body["computedPrice"] == body["current_price"] == "390.00"
    assert body["priceDetails"] == {
        "start_price": "500.00",
        "floor_price": "100.00",
        "normal_drops": 1,
        "turbo_drops": 3,
        "reason": "turbo",
    }


# --- past and plan -------------------------------------------------------------------------------


async def test_the_past_is_told_to_staff_in_pages(front: Shopfront) -> None:
    shop = front.shop
    sale = await shop.sale(seats=2)
    shop.clock.forward(ms=30 * MINUTE_MS)
    await shop.book(sale)
    await shop.auctions.edit(shop.owner, sale, Asked(title="Tango"), None)
    first = await front.get(f"/auctions/{sale}/history?limit=3", by=shop.owner)
    assert first.body["items"][0] == {
        "revision": 1,
        "type": "published",
        "at": instant(shop.clock.now_ms() - 30 * MINUTE_MS),
        "price": "100.00",
        "actor": f"user:{shop.owner.user_id}",
    }
    told = [(each["type"], each["price"]) for each in first.body["items"]]
    assert told == [("published", "100.00"), ("activated", "100.00"), ("booked", "95.00")]
    cursor = first.body["next_cursor"]
    rest = await front.get(f"/auctions/{sale}/history?cursor={cursor}", by=shop.owner)
    assert [each["type"] for each in rest.body["items"]] == ["edited"]
    assert rest.body["next_cursor"] is None
    other = await shop.sale()
    foreign = await front.get(f"/auctions/{other}/history?cursor={cursor}", by=shop.owner)
    assert foreign.fields == [("cursor", "FORMAT")]


async def test_a_plan_reaches_the_floor_with_its_last_drop(front: Shopfront) -> None:
    now_ms = front.shop.clock.now_ms()
    wanted: dict[str, Any] = {
        "start_price": "200.00",
        "discount_percent": 60,
        "start_time": instant(now_ms),
        "end_time": instant(now_ms + 6 * HOUR_MS),
        "turbo_enabled": True,
    }
    planned = await front.post("/auctions/plan", wanted, by=front.shop.owner)
    assert planned.status == 200
    plan = planned.body
    curve = plan.pop("curve")
    assert (plan["floor_price"], plan["turbo_trigger_secs"]) == ("80.00", 7_200)
    assert curve[0] == {"at": instant(now_ms), "price": "200.00"}
    assert [point["price"] == "80.00" for point in curve] == [False] * (len(curve) - 1) + [True]
    form = front.form(start_price="200.00", end_time=wanted["end_time"], turbo_enabled=True, **plan)
    made = await front.post("/auctions/", form, by=front.shop.owner)
    assert made.status == 201, made
    front.shop.clock.forward(ms=6 * HOUR_MS - 1)
    assert (await front.get(f"/auctions/{made.body['id']}")).body["current_price"] == "80.00"


async def test_a_plan_that_cannot_be_says_why(front: Shopfront) -> None:
    now_ms, owner = front.shop.clock.now_ms(), front.shop.owner
    window = {"start_time": instant(now_ms), "end_time": instant(now_ms + HOUR_MS)}
    prices = {"start_price": "200.00", "floor_price": "80.00"}

    async def refusal(**body: Any) -> tuple[int, list[tuple[str, str]]]:
        refused = await front.post("/auctions/plan", body, by=owner)
        return refused.status, refused.fields

    assert await refusal(**window, start_price="200.00") == (
        422,
        [("discount_percent", "REQUIRED")],
    )
    assert await refusal(**window, **prices, discount_percent=5) == (
        422,
        [("discount_percent", "DUPLICATE")],
    )
    assert await refusal(**window, start_price="80.00", floor_price="80.00") == (
        400,
        [("floor_price", "RULE_FLOOR_BELOW_START")],
    )
    assert await refusal(
        **prices, **window, turbo_enabled=True, turbo_trigger_secs=60, turbo_trigger_mins=1
    ) == (422, [("turbo_trigger_mins", "DUPLICATE")])
