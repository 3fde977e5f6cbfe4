"""A studio's desk."""

import asyncio
from random import Random

import pytest

from edge.demo import door as doors
from edge.demo.api import Refusal
from edge.demo.door import QUEUE_MAX, Door, Visit
from edge.demo.feed import Kind
from edge.demo.people import GUESTS, HOUSES
from tests.edge.demo.shop import Shop, now_ms, until

HOUSE = HOUSES[0]


def door(shop: Shop, desk: str = HOUSE.desk.email) -> Door:
    return Door(shop.account(desk), shop.scene, lambda: float(now_ms()), Random(1))


async def visit(shop: Shop) -> Visit:
    """A guest with a seat, at the desk."""
    row = await shop.sale()
    press = {"auction_id": row["id"]}
    booked = await shop.account(GUESTS[0].email).ask("POST", "/reservations/book", press)
    return Visit(HOUSE.name, "Elif A.", "Yin Yoga", booked["booking_code"])


async def status(shop: Shop) -> str:
    (reservation,) = await shop.reservations(GUESTS[0].email)
    found: str = reservation["status"]
    return found


async def test_a_guest_who_shows_a_code_is_checked_in(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "ON_THE_WAY_S", (0.0, 0.0))
    desk = door(shop)
    serving = asyncio.ensure_future(desk.run())
    desk.arrives(Visit(HOUSE.name, "Can A.", "Tango", "HOT-2222"))  # not a code of anybody's
    desk.arrives(await visit(shop))
    await until(lambda: bool(shop.scene.feed.entries))
    serving.cancel()
    await asyncio.wait([serving])
    (entry,) = shop.scene.feed.entries
    assert entry.kind is Kind.CHECKED_IN
    assert entry.text == f"Elif A. is here for Yin Yoga ({HOUSE.name})"
    assert await status(shop) == "COMPLETED"


async def test_at_another_studios_desk_the_code_is_not_known(shop: Shop) -> None:
    with pytest.raises(Refusal, match="NOT_FOUND"):
        await door(shop, HOUSES[1].desk.email).serve(await visit(shop))
    assert await status(shop) == "PENDING_ON_SITE"


async def test_a_queue_is_only_so_long(shop: Shop) -> None:
    desk = door(shop)
    for _ in range(QUEUE_MAX + 5):
        desk.arrives(Visit(HOUSE.name, "Can A.", "Tango", "HOT-2222"))
    assert desk.waiting == QUEUE_MAX
