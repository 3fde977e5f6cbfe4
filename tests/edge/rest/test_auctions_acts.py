"""/auctions once they are entered: changed, published, cancelled, copied, sped up."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.frames import instant
from tests.edge.rest.shopfront import Shopfront, open_shopfront
from tests.shop import HOUR_MS, MINUTE_MS

TURBO = {"turbo_enabled": True, "turbo_drop_amount": "2.00"}


@pytest.fixture
async def front(database: str) -> AsyncIterator[Shopfront]:
    async with open_shopfront(database) as opened:
        yield opened


def _at(front: Shopfront, ms: int) -> str:
    return instant(front.shop.clock.now_ms() + ms)


# --- changing ------------------------------------------------------------------------------------


async def test_what_is_left_out_stays(front: Shopfront) -> None:
    draft = await front.shop.draft()
    before = (await front.get(f"/auctions/{draft}", by=front.shop.owner)).body
    changes = {"title": "Tango", "seats": 8, "drop_interval_mins": 15, **TURBO}
    after = (await front.put(f"/auctions/{draft}", changes, by=front.shop.owner)).body
    moved = {name for name in before if before[name] != after[name]}
    assert moved == {
        "title",
        "seats",
        "seats_left",
        "drop_interval_secs",
        "drop_interval_mins",
        "turbo_enabled",
        "turbo_drop_amount",
        "turbo_trigger_secs",
        "turbo_trigger_mins",
        "turbo_interval_secs",
        "turbo_interval_mins",
        "schedule",
    }
    assert (await front.get(f"/auctions/{draft}", by=front.shop.owner)).body == after


async def test_an_edit_names_the_revision_it_was_made_on(front: Shopfront) -> None:
    sale = await front.shop.sale(starts_at_ms=front.shop.clock.now_ms() + MINUTE_MS)
    path, owner = f"/auctions/{sale}", front.shop.owner
    tag = (await front.get(path)).headers["ETag"]
    assert tag == '"1.0.SCHEDULED"'

    async def edit(title: str, if_match: str) -> Any:
        return await front.put(path, {"title": title}, by=owner, headers={"If-Match": if_match})

    first = await edit("a", tag)
    assert (first.status, first.headers["ETag"]) == (200, '"2.0.SCHEDULED"')
    assert (await edit("b", tag)).code == "STALE"
    assert (await edit("b", tag)).status == 412
    assert (await edit("b", '"2"')).status == 200
    assert (await edit("c", 'W/"3.0.SCHEDULED"')).status == 200
    assert (await edit("d", "*")).status == 200
    for malformed in ("5", '"x"', '"5", "6"', '"-5"', '""'):
        refused = await edit("e", malformed)
        assert (refused.status, refused.fields) == (422, [("If-Match", "FORMAT")]), malformed
    assert (await front.get(path)).body["title"] == "d"


async def test_a_running_sale_refuses_the_field_by_name(front: Shopfront) -> None:
    sale = await front.shop.sale(seats=2)
    path, owner = f"/auctions/{sale}", front.shop.owner
    for field, value in [
        ("start_price", "120.00"),
        ("floor_price", "20.00"),
        ("drop_amount", "6.00"),
        ("drop_interval_mins", 20),
        ("start_time", _at(front, HOUR_MS)),
        ("end_time", _at(front, 3 * HOUR_MS)),
        ("seats", 3),
        ("allowed_gender", "MALE"),
    ]:
        refused = await front.put(path, {field: value}, by=owner)
        named = field.replace("_mins", "_secs")
        assert (refused.status, refused.code) == (409, "TRANSITION"), field
        assert refused.fields == [(named, "TRANSITION")], field
    words = {"title": "Tango", "description": "Çift", "scheduled_at": _at(front, 9 * HOUR_MS)}
    assert (await front.put(path, words, by=owner)).status == 200
    await front.shop.book(sale)
    late = await front.put(path, {"scheduled_at": _at(front, 8 * HOUR_MS)}, by=owner)
    assert (late.status, late.fields) == (409, [("scheduled_at", "TRANSITION")])


async def test_only_a_draft_is_deleted(front: Shopfront) -> None:
    draft, sale, owner = await front.shop.draft(), await front.shop.sale(), front.shop.owner
    deleted = await front.ask("DELETE", f"/auctions/{draft}", by=owner)
    assert (deleted.status, deleted.body) == (204, "")
    assert (await front.ask("DELETE", f"/auctions/{draft}", by=owner)).status == 404
    refused = await front.ask("DELETE", f"/auctions/{sale}", by=owner)
    assert (refused.status, refused.code) == (409, "TRANSITION")


# --- acts ----------------------------------------------------------------------------------------


async def test_a_draft_is_published(front: Shopfront) -> None:
    draft = (await front.post("/auctions/", front.form(publish=False), by=front.shop.owner)).body
    assert (draft["status"], draft["revision"]) == ("DRAFT", 0)
    path = f"/auctions/{draft['id']}/publish"
    published = await front.post(path, by=front.shop.owner)
    assert (published.status, published.body["revision"]) == (200, 1)
    assert published.headers["ETag"] == '"1.0.ACTIVE"'
    assert (await front.post(path, by=front.shop.owner)).code == "TRANSITION"


async def test_a_class_is_cancelled_with_or_without_a_reason(front: Shopfront) -> None:
    one, other = await front.shop.sale(), await front.shop.sale()
    owner = front.shop.owner
    cancelled = await front.post(f"/auctions/{one}/cancel", {"reason": "Hasta"}, by=owner)
    assert (cancelled.status, cancelled.body["status"]) == (200, "CANCELLED")
    assert (await front.post(f"/auctions/{other}/cancel", by=owner)).status == 200
    assert (await front.post(f"/auctions/{other}/cancel", by=owner)).code == "TRANSITION"
    endless = {"reason": "x" * 501}
    assert (await front.post(f"/auctions/{one}/cancel", endless, by=owner)).status == 422


async def test_a_copy_is_a_draft(front: Shopfront) -> None:
    sale = await front.shop.sale()
    copy = await front.post(f"/auctions/{sale}/clone", by=front.shop.owner)
    assert (copy.status, copy.body["status"]) == (201, "DRAFT")
    assert copy.body["id"] != sale
    assert "ETag" not in copy.headers


async def test_turbo_answers_with_its_reason(front: Shopfront) -> None:
    sale = await front.shop.sale(turbo_enabled=True, turbo_drop_amount=2, turbo_trigger_ms=HOUR_MS)
    path, owner = f"/auctions/{sale}/trigger-turbo", front.shop.owner
    early = await front.post(path, by=owner)
    assert early.body == {
        "triggered": False,
        "reason": "turbo_condition_not_met",
        "turbo_started_at": None,
        "remaining_minutes": 240,
    }
    forced = await front.post(path, {"force": True}, by=owner)
    assert (forced.body["triggered"], forced.body["reason"]) == (True, "turbo_forced")
    assert forced.body["turbo_started_at"] == _at(front, 0)
    again = await front.post(path, {"force": True}, by=owner)
    assert (again.status, again.body["reason"]) == (200, "turbo_already_triggered")


async def test_turbo_at_exactly_its_instant_is_triggered_by_this_request(front: Shopfront) -> None:
    sale = await front.shop.sale(turbo_enabled=True, turbo_drop_amount=2, turbo_trigger_ms=HOUR_MS)
    path, owner = f"/auctions/{sale}/trigger-turbo", front.shop.owner
    front.shop.clock.forward(ms=3 * HOUR_MS - 1)
    assert (await front.post(path, by=owner)).body["reason"] == "turbo_condition_not_met"
    front.shop.clock.forward(ms=1)
    met = (await front.post(path, by=owner)).body
    assert (met["triggered"], met["reason"]) == (True, "turbo_condition_met")
    assert met["turbo_started_at"] == _at(front, 0)


async def test_turbo_of_an_unknown_auction_says_so_twice(front: Shopfront) -> None:
    sale = await front.shop.sale(turbo_enabled=True, turbo_drop_amount=2)
    for by, auction_id in [
        (front.shop.owner, 999),
        (front.shop.rival, sale),
        (front.shop.owner, "no-id"),
    ]:
        refused = await front.post(f"/auctions/{auction_id}/trigger-turbo", by=by)
        assert (refused.status, refused.code) == (404, "NOT_FOUND")
        assert (refused.body["triggered"], refused.body["reason"]) == (False, "auction_not_found")
        assert refused.body["type"] == "urn:hothour:problem:not-found"


async def test_the_price_is_broadcast(front: Shopfront) -> None:
    sale, draft = await front.shop.sale(), await front.shop.draft()
    front.shop.clock.forward(ms=30 * MINUTE_MS)
    said = await front.post(f"/auctions/{sale}/broadcast-price", by=front.shop.owner)
    assert said.body == {"auction_id": sale, "current_price": "95.00", "broadcast": True}
    assert front.shop.watcher.announced == [sale]
    refused = await front.post(f"/auctions/{draft}/broadcast-price", by=front.shop.owner)
    assert (refused.status, refused.code) == (409, "NOT_ACTIVE")


async def test_a_key_makes_one_auction_of_two_requests(front: Shopfront) -> None:
    headers = {"Idempotency-Key": "aaaaaaaaaaaaaaaa"}
    first = await front.post("/auctions/", front.form(), by=front.shop.owner, headers=headers)
    again = await front.post("/auctions/", front.form(), by=front.shop.owner, headers=headers)
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    copies = [
        await front.post(
            f"/auctions/{first.body['id']}/clone",
            by=front.shop.owner,
            headers={"Idempotency-Key": "bbbbbbbbbbbbbbbb"},
        )
        for _ in range(2)
    ]
    assert copies[0].body == copies[1].body
    assert await front.shop.pool.fetchval("select count(*) from auction") == 2
