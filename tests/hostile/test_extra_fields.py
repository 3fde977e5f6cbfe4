"""No body takes what it has no field for: whatever somebody hopes to set beside what is asked."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from edge.app import document
from tests.e2e.program import instant
from tests.hostile.stand import Stand

PRIVILEGED = (
    "role",
    "studio_id",
    "verified",
    "email_verified",
    "is_admin",
    "price",
    "locked_price",
    "current_price",
    "status",
    "id",
    "user_id",
    "account_id",
    "revision",
    "fence",
    "seats_left",
    "booking_code",
    "password_hash",
    "created_at",
    "currency",
    "__proto__",
    "constructor",
    "$where",
)
DOCUMENT: Mapping[str, Any] = document()


def bodies() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Every (method, path, schema) that takes a body, as the document says."""
    for path, operations in DOCUMENT["paths"].items():
        for method, operation in operations.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                name = content["schema"]["$ref"].rpartition("/")[2]
                yield method.upper(), path, DOCUMENT["components"]["schemas"][name]


BODIES = list(bodies())
CASES = [
    pytest.param(method, path, schema, id=f"{method} {path}") for method, path, schema in BODIES
]


def test_there_are_bodies_to_try() -> None:
    assert len(BODIES) >= 14
    assert {schema["additionalProperties"] for _, _, schema in BODIES} == {False}


@pytest.mark.parametrize(("method", "path", "schema"), CASES)
async def test_a_field_it_does_not_have_is_named_and_nothing_is_done(
    stand: Stand, method: str, path: str, schema: Mapping[str, Any]
) -> None:
    before = await stand.rows()
    target = path.replace("{auction_id}", str(stand.auction)).replace("{reservation_id}", "1")
    for by in (stand.guest, stand.cast.admin):
        for name in (*PRIVILEGED, "no_such_field"):
            if name in schema["properties"]:
                continue
            status, body = await stand.api.call(method, target, by=by, json={name: 1})
            assert (status, body["code"]) == (422, "VALIDATION"), name
            told = {(error["field"], error["code"]) for error in body["errors"]}
            assert (name, "UNKNOWN") in told, told
    assert await stand.rows() == before


async def test_what_works_without_a_field_does_not_work_with_one(stand: Stand) -> None:
    """Whole bodies, so that it is the one field that is refused."""
    mark = uuid.uuid4()
    form = {
        "email": f"{mark.hex}@example.com",
        "full_name": "Ada Yılmaz",
        "phone": f"+90532{mark.int % 10_000_000:07}",
        "password": "a good password",
    }
    sale = await stand.api.sale(stand.cast.admin)
    await stand.begun(sale["id"])
    press = {"auction_id": sale["id"]}
    before = await stand.rows()
    for name in ("role", "studio_id", "email_verified", "id"):
        status, _ = await stand.api.call("POST", "/auth/register", json={**form, name: "x"})
        assert status == 422, name
    for name in ("price", "locked_price", "status", "seat_no"):
        status, _ = await stand.api.call(
            "POST", "/reservations/book", by=stand.guest, json={**press, name: "1.00"}
        )
        assert status == 422, name
    other = {**press, "user_id": stand.cast.guests[1].id}
    status, body = await stand.api.call("POST", "/reservations/book", by=stand.guest, json=other)
    assert (status, body["code"]) == (403, "FORBIDDEN"), "a seat for somebody else"
    assert await stand.rows() == before
    status, _ = await stand.api.call("POST", "/auth/register", json=form)
    assert status == 202
    role = await stand.database.fetchval("select role from account where email = $1", form["email"])
    assert role == "customer"
    status, _ = await stand.api.call("POST", "/reservations/book", by=stand.guest, json=press)
    assert status == 201


async def test_a_studio_sells_in_its_own_name_alone(stand: Stand) -> None:
    """studio_id is a field, but only the platform's."""
    body = {
        "title": "Yoga",
        "start_price": "200.00",
        "floor_price": "50.00",
        "drop_amount": "5.00",
        "start_time": instant(60),
        "end_time": instant(3_660),
    }
    status, _ = await stand.api.call("POST", "/auctions/", by=stand.cast.admin, json=body)
    assert status == 201
    before = await stand.rows()
    for studio_id in (stand.cast.studio_id, stand.cast.studio_id + 1):
        status, problem = await stand.api.call(
            "POST", "/auctions/", by=stand.cast.admin, json={**body, "studio_id": studio_id}
        )
        assert (status, problem["code"]) == (403, "FORBIDDEN")
    assert await stand.rows() == before
