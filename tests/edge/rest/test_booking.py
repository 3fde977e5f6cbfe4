"""POST /reservations/book over real sockets, against a real node on a real database."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp import ClientResponse

from edge.rest import booking
from edge.wire.reservations import ReservationAnswer
from engine.domain.messages import CancelAuction, GiveBack
from engine.store.postgres.pool import open_pool
from tests.bookings import Api, Person, open_api
from tests.engine.world import Sale, World, add_guests, add_sale, running

PATH = "/reservations/book"
KEY = "press-0123456789"


@dataclass(slots=True)
class Front:
    """A running node and its front door."""

    world: World
    api: Api

    async def sale(self, sale: Sale | None = None) -> int:
        """The id of a sale that is on."""
        return await add_sale(self.world.db, self.world.node.clock.now_ms(), sale)

    async def guests(self, count: int) -> list[Person]:
        """Verified customers."""
        return [Person(id_) for id_ in await add_guests(self.world.db, count)]

    async def guest(self) -> Person:
        return (await self.guests(1))[0]

    async def press(self, who: Person | None, auction_id: int, **more: Any) -> ClientResponse:
        """Press; `key` is the Idempotency-Key, the rest goes into the body."""
        headers = {"Idempotency_Key": key} if (key := more.pop("key", None)) else {}
        return await self.api.post(PATH, who, {"auction_id": auction_id, **more}, **headers)

    async def stored(self) -> int:
        """How many reservations there are."""
        count: int = await self.world.db.fetchval("select count(*) from reservation")
        return count


@asynccontextmanager
async def open_front(dsn: str) -> AsyncIterator[Front]:
    async with running(dsn) as world:
        pool = await open_pool(dsn)
        routes = booking.routes(world.node.directory)
        async with open_api(pool, world.node.clock, routes) as api:
            yield Front(world, api)
        await pool.close()


@pytest.fixture
async def shop(database: str) -> AsyncIterator[Front]:
    async with open_front(database) as opened:
        yield opened


async def refusal(response: ClientResponse, status: int, code: str) -> dict[str, Any]:
    """The problem in an answer, seen to be this one."""
    body: dict[str, Any] = await response.json()
    assert (response.status, body["code"]) == (status, code), body
    return body


# --- booked --------------------------------------------------------------------------------------


async def test_a_press_is_answered_with_the_committed_reservation(shop: Front) -> None:
    auction_id, guest = await shop.sale(), await shop.guest()
    response = await shop.press(guest, auction_id)
    body = await response.json()
    assert response.status == 201
    assert "Idempotency-Replayed" not in response.headers
    row = await shop.world.db.fetchrow("select * from reservation")
    assert row is not None
    assert set(body) == set(ReservationAnswer.model_fields)
    assert (body["id"], body["auction_id"], body["user_id"]) == (row["id"], auction_id, guest.id)
    assert body["locked_price"] == f"{row['price'] / 100:.2f}"
    assert (body["currency"], body["booking_code"]) == ("TRY", row["code"])
    assert (body["status"], body["seat_no"]) == ("PENDING_ON_SITE", 1)
    assert body["revision"] == row["revision"]
    assert body["reserved_at"].endswith("Z")
    assert body["cancellable_until"] > body["reserved_at"]


async def test_ones_own_id_and_a_price_that_is_high_enough_change_nothing(shop: Front) -> None:
    auction_id, guests = await shop.sale(Sale(seats=3)), await shop.guests(3)
    for guest, price in zip(guests, ("200.00", 200, 200.5), strict=True):
        response = await shop.press(guest, auction_id, user_id=guest.id, max_price=price)
        assert response.status == 201
        assert float((await response.json())["locked_price"]) <= 200


async def test_a_retry_with_the_key_is_the_same_answer_and_no_second_seat(shop: Front) -> None:
    auction_id, guest = await shop.sale(Sale(seats=2)), await shop.guest()
    first = await shop.press(guest, auction_id, key=KEY)
    again = await shop.press(guest, auction_id, key=KEY)
    assert (first.status, again.status) == (201, 201)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await again.json() == await first.json()
    assert await shop.stored() == 1


async def test_a_replay_after_a_cancellation_says_so(shop: Front) -> None:
    auction_id, guest = await shop.sale(), await shop.guest()
    first = await (await shop.press(guest, auction_id, key=KEY)).json()
    await shop.world.node.directory.ask(auction_id, GiveBack(first["id"], guest.id))
    again = await shop.press(guest, auction_id, key=KEY)
    assert (again.status, await again.json()) == (201, {**first, "status": "CANCELLED"})


async def test_a_key_with_another_price_or_auction_is_refused(shop: Front) -> None:
    auction_id, guest = await shop.sale(Sale(seats=2)), await shop.guest()
    other = await shop.sale()
    await shop.press(guest, auction_id, key=KEY, max_price="200.00")
    await refusal(await shop.press(guest, auction_id, key=KEY), 422, "KEY_REUSED")
    await refusal(await shop.press(guest, other, key=KEY, max_price="200.00"), 422, "KEY_REUSED")
    assert await shop.stored() == 1


async def test_of_many_who_press_at_once_one_wins_and_the_others_hear_by_how_much(
    shop: Front,
) -> None:
    auction_id, guests = await shop.sale(), await shop.guests(60)
    responses = await asyncio.gather(*(shop.press(guest, auction_id) for guest in guests))
    assert Counter(response.status for response in responses) == {201: 1, 409: 59}
    for response in responses:
        if response.status == 409:
            body = await refusal(response, 409, "SOLD")
            assert body["late_by_ms"] >= 0
            assert body["sold_at"] <= body["accepted_at"]
    assert await shop.stored() == 1


# --- refused, in order ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"{}",
        b'{"auction_id": null}',
        b'{"auction_id": "1"}',
        b'{"auction_id": true}',
        b'{"auction_id": 1.0}',
        b'{"auction_id": 0}',
        b'{"auction_id": -1}',
        b'{"auction_id": 9223372036854775808}',
        b'{"auction_id": 1, "auction_id": 2}',
        b'{"auction_id": 1, "seat": 4}',
        b'{"auction_id": 1, "user_id": "1"}',
        b'{"auction_id": 1, "max_price": "a"}',
        b'{"auction_id": 1, "max_price": true}',
        b'{"auction_id": 1, "max_price": [1]}',
        b'{"auction_id": 1, "max_price": 1e400}',
        b'{"auction_id": 1, "max_price": NaN}',
        b'{"auction_id": {"a": {}}}',
    ],
)
async def test_a_body_that_is_not_of_the_form_is_422_before_anything_else(
    shop: Front, body: bytes
) -> None:
    response = await shop.api.client.post(
        f"/api/v1{PATH}", data=body, headers={"Content-Type": "application/json"}
    )
    problem = await refusal(response, 422, "VALIDATION")
    assert problem["errors"]


async def test_who_has_no_token_is_401(shop: Front) -> None:
    await refusal(await shop.press(None, await shop.sale()), 401, "AUTH_REQUIRED")


@pytest.mark.parametrize("role", ["desk", "studio_admin", "platform_admin"])
async def test_only_customers_book(shop: Front, role: str) -> None:
    staff = replace(await shop.guest(), role=role, studio_id=None)
    await refusal(await shop.press(staff, await shop.sale()), 403, "FORBIDDEN")
    assert await shop.stored() == 0


async def test_nobody_books_for_another(shop: Front) -> None:
    guest, other = await shop.guests(2)
    auction_id = await shop.sale()
    await refusal(await shop.press(guest, auction_id, user_id=other.id), 403, "FORBIDDEN")
    assert await shop.stored() == 0


async def test_an_unverified_guest_is_refused_before_price_and_auction(shop: Front) -> None:
    guest = replace(await shop.guest(), verified=False)
    response = await shop.press(guest, 999_999, max_price="-1")
    await refusal(response, 403, "EMAIL_UNVERIFIED")


@pytest.mark.parametrize(
    ("price", "codes"),
    [
        ("0", ["RULE_PRICE_POSITIVE"]),
        (-5, ["RULE_PRICE_POSITIVE"]),
        ("149.905", ["RULE_PRICE_PRECISION"]),
        (0.001, ["RULE_PRICE_PRECISION"]),
        ("100000000", ["RULE_PRICE_MAX"]),
        ("-100000000.001", ["RULE_PRICE_POSITIVE", "RULE_PRICE_PRECISION", "RULE_PRICE_MAX"]),
    ],
)
async def test_a_price_that_breaks_rules_names_them_in_order(
    shop: Front, price: object, codes: list[str]
) -> None:
    guest = await shop.guest()
    body = await refusal(await shop.press(guest, 1, max_price=price), 400, codes[0])
    assert [(each["field"], each["code"]) for each in body["errors"]] == [
        ("max_price", code) for code in codes
    ]


async def test_an_auction_there_is_not_is_404(shop: Front) -> None:
    await refusal(await shop.press(await shop.guest(), 999_999), 404, "NOT_FOUND")


async def test_the_engines_refusals_travel_with_what_they_tell(shop: Front) -> None:
    guest, other = await shop.guests(2)
    auction_id = await shop.sale()
    held = await (await shop.press(guest, auction_id)).json()
    mine = await refusal(await shop.press(guest, auction_id), 409, "ALREADY_YOURS")
    assert mine["reservation_id"] == held["id"]
    await refusal(await shop.press(other, auction_id), 409, "SOLD")
    await shop.world.node.directory.ask(auction_id, GiveBack(held["id"], guest.id))
    await refusal(await shop.press(guest, auction_id), 409, "REBOOK_REFUSED")
    dear = await refusal(
        await shop.press(other, auction_id, max_price="0.01"), 412, "PRICE_ABOVE_MAX"
    )
    assert (dear["currency"], dear["revision"]) == ("TRY", 4)
    assert float(dear["current_price"]) > 0
    await shop.world.node.directory.ask(auction_id, CancelAuction(other.id))
    await refusal(await shop.press(other, auction_id), 409, "CANCELLED")


async def test_a_sale_that_is_not_on_or_not_for_one_is_refused(shop: Front) -> None:
    guest = await shop.guest()
    soon = await shop.sale(Sale(starts_in_ms=60_000))
    await refusal(await shop.press(guest, soon), 409, "NOT_STARTED")
    over = await shop.sale(Sale(starts_in_ms=-7_200_000, ends_in_ms=-3_600_000))
    await refusal(await shop.press(guest, over), 409, "EXPIRED")
    men = await shop.sale(Sale(allowed_gender="MALE"))
    await refusal(await shop.press(guest, men), 403, "NOT_ELIGIBLE")
    unsaid = replace(guest, gender=None)
    await refusal(await shop.press(unsaid, men), 403, "NOT_ELIGIBLE")
    assert (await shop.press(replace(guest, gender="MALE"), men)).status == 201


async def test_a_key_of_the_wrong_form_is_422(shop: Front) -> None:
    guest, auction_id = await shop.guest(), await shop.sale()
    for key in ("short", "x" * 65, "with space 0123456789"):
        await refusal(await shop.press(guest, auction_id, key=key), 422, "VALIDATION")
    assert await shop.stored() == 0
