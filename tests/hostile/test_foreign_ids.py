"""Ids that are somebody else's, nobody's, or no ids, on every route that takes one.

The routes come from the table the server is made of, so a new one is tried without being named
here. Whoever may not see a thing cannot tell it from one that is not there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import quote

import pytest

from edge.app import UseCases, table
from edge.endpoint import ROLES
from edge.routing import Access, Route
from tests.e2e.program import Guest, instant
from tests.hostile import wire
from tests.hostile.stand import Stand

NOBODY: Any = None
ROUTES = [
    route
    for route in table(UseCases(**{field.name: NOBODY for field in fields(UseCases)}))
    if "{" in route.path
]
SHAPELESS = (
    "-1",
    "+1",
    " 1",
    "1 ",
    "1e3",
    "1.0",
    "0x1",
    "1_000",
    "\u0663",
    "\uff11",
    "²",
    str(2**63),
    str(2**64),
    "9" * 400,
    "1\0",
    "\0",
    "1;2",
    "1,2",
    "1'--",
    "null",
    "true",
    "%2e%2e",
    "$ne",
)
"""Not the form of an id: 404 before anybody looks."""
NOBODYS = ("0", str(2**31), str(2**31 - 1), str(2**53), str(2**63 - 1), "00000001")
"""The form of an id that nothing has (the last one is 1 in another spelling)."""
SAME = ("type", "title", "status", "detail", "code", "errors", "retryable", "triggered", "reason")


@dataclass(slots=True)
class Street:
    """Two studios, each with its staff; a guest's seat; a draft."""

    stand: Stand
    rival: Guest
    """Runs the other studio."""
    rival_desk: Guest
    owner: Guest
    other: Guest
    sale: int
    seat: int
    code: str
    draft: int

    @property
    def secrets(self) -> set[str]:
        """Facts of the seat and the draft that no stranger may read."""
        return {self.code, self.owner.email, "a draft's own title", "the owner's name"}


@pytest.fixture(scope="module")
async def street(stand: Stand) -> Street:
    owner, other, third = stand.cast.guests
    studio = await stand.database.fetchval(
        "insert into studio (name) values ('Across the street') returning id"
    )
    await stand.database.execute(
        "update account set full_name = 'the owner''s name' where id = $1", owner.id
    )
    sale = (await stand.api.sale(stand.cast.admin))["id"]
    await stand.begun(sale)
    status, seat = await stand.api.book(owner, sale)
    assert status == 201, seat
    draft = await a_draft(stand)
    desk = await promoted(stand, third, "desk", studio)
    rival = await promoted(stand, third, "studio_admin", studio)
    return Street(stand, rival, desk, owner, other, sale, seat["id"], seat["booking_code"], draft)


async def promoted(stand: Stand, guest: Guest, role: str, studio: int) -> Guest:
    """A guest with another standing, signed in with it."""
    await stand.database.execute(
        "update account set role = $2, studio_id = $3 where id = $1", guest.id, role, studio
    )
    log_in = {"email": guest.email, "password": "hot-hour-seed"}
    status, body = await stand.api.call("POST", "/auth/login", json=log_in)
    assert status == 200, body
    return Guest(guest.id, body["access_token"], guest.email)


async def a_draft(stand: Stand) -> int:
    """Nobody but its staff may know of it."""
    body = {
        "title": "a draft's own title",
        "start_price": "200.00",
        "floor_price": "50.00",
        "drop_amount": "5.00",
        "start_time": instant(60),
        "end_time": instant(3_660),
        "publish": False,
    }
    status, made = await stand.api.call("POST", "/auctions/", by=stand.cast.admin, json=body)
    assert status == 201, made
    return int(made["id"])


BODIES: Mapping[str, Mapping[str, Any]] = {
    "AuctionChanges": {"title": "taken over"},
    "CancelIn": {"reason": "gone"},
    "CancelBody": {"reason": "gone"},
    "TurboIn": {"force": True},
}


async def asked(
    street: Street, route: Route, value: str, by: Guest | None
) -> tuple[int, str, dict[str, Any]]:
    """Status, whole text and problem of a route with this id."""
    head, _, rest = route.path.partition("{")
    path = f"/api/v1{head}{quote(value, safe='%')}{rest.partition('}')[2]}"
    body = b""
    if route.body is not None:
        body = json.dumps(BODIES[route.body.__name__]).encode()
    token = b"" if by is None else b"Authorization: Bearer %b\r\n" % by.token.encode()
    line = await wire.connect(street.stand.port)
    try:
        await line.send(
            b"%b %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%bContent-Type: application/json"
            b"\r\nContent-Length: %d\r\n\r\n%b"
            % (route.method.encode(), path.encode(), token, len(body), body)
        )
        answer = await line.answer()
    finally:
        await line.close()
    assert answer is not None, path
    problem: dict[str, Any] = {}
    if "problem" in answer.headers.get("content-type", ""):
        problem = json.loads(answer.body)
    return answer.status, f"{answer.headers} {answer.body.decode()}", problem


def who(street: Street) -> dict[str, tuple[str | None, Guest | None]]:
    """By name: role and token of those who have no business here."""
    return {
        "nobody": (None, None),
        "another guest": ("customer", street.other),
        "the other studio's desk": ("desk", street.rival_desk),
        "the other studio's admin": ("studio_admin", street.rival),
    }


def refusal_before_looking(route: Route, role: str | None) -> int | None:
    """What a role hears whatever the id; None: it may ask."""
    if route.access is Access.PUBLIC:
        return None
    if role is None:
        return 401
    allowed = ROLES.get(route.access)
    return 403 if allowed is not None and role not in allowed else None


def test_there_are_routes_to_try() -> None:
    assert len(ROUTES) >= 18
    assert {name for route in ROUTES for name in BODIES if route.body is not None} <= set(BODIES)


CASES = [pytest.param(route, id=f"{route.method} {route.path}") for route in ROUTES]


@pytest.mark.parametrize("route", CASES)
async def test_what_is_no_id_is_not_found(street: Street, route: Route) -> None:
    before = await street.stand.rows()
    by_code = "{booking_code}" in route.path
    for value in SHAPELESS if not by_code else (*SHAPELESS, "HOT-0000", "HOT-", "x" * 300):
        for role, by in who(street).values():
            status, text, _ = await asked(street, route, value, by)
            # A code is text, so the token is looked at first.
            looked = by_code and "\0" not in value
            expected = (refusal_before_looking(route, role) if looked else None) or 404
            assert status == expected, (value, role, text)
    assert await street.stand.rows() == before


@pytest.mark.parametrize("route", CASES)
async def test_a_foreign_thing_cannot_be_told_from_none(street: Street, route: Route) -> None:
    """But for what the contract makes public: a published sale, a studio."""
    before = await street.stand.rows()
    things = foreign_things(street, route)
    nothing = "HOT-2222" if "{booking_code}" in route.path else str(2**53)
    for name, (role, by) in who(street).items():
        status, _, absent = await asked(street, route, nothing, by)
        assert status == (refusal_before_looking(route, role) or 404), name
        for value in things:
            found, text, problem = await asked(street, route, value, by)
            assert found == status, (name, value, text)
            assert {each: problem.get(each) for each in SAME} == {
                each: absent.get(each) for each in SAME
            }, name
            told = text.replace(f"/{value}", "")  # the path that was asked for
            assert not [fact for fact in street.secrets if fact in told], name
    assert await street.stand.rows() == before


@pytest.mark.parametrize("route", CASES)
async def test_an_id_of_nothing_breaks_nothing(street: Street, route: Route) -> None:
    before = await street.stand.rows()
    staff = street.stand.cast.admin
    for value in NOBODYS[:-1]:
        for role, by in (*who(street).values(), ("studio_admin", staff)):
            status, text, _ = await asked(street, route, value, by)
            assert status == (refusal_before_looking(route, role) or 404), (value, text)
    assert await street.stand.rows() == before


def foreign_things(street: Street, route: Route) -> list[str]:
    """Ids of what is there and none of theirs."""
    if "{booking_code}" in route.path:
        return [street.code, street.code.lower(), street.code.removeprefix("HOT-")]
    if "{reservation_id}" in route.path:
        return [str(street.seat), f"000{street.seat}"]
    if "{studio_id}" in route.path:
        return []  # all of it is public
    if route.method == "GET" and route.path == "/auctions/{auction_id}":
        return [str(street.draft)]  # a published one is public
    return [str(street.sale), str(street.draft)]


async def test_the_owners_themselves_are_served(street: Street) -> None:
    """The tests above prove something only if these very ids are those of something."""
    api, admin = street.stand.api, street.stand.cast.admin
    assert (await api.call("GET", f"/reservations/{street.seat}", by=street.owner))[0] == 200
    path = f"/reservations/{street.code}/trigger-manual"
    assert (await api.call("POST", path, by=street.owner))[0] == 200
    assert (await api.call("GET", f"/auctions/{street.draft}", by=admin))[0] == 200
    assert (await api.call("GET", f"/auctions/{street.sale}/history", by=admin))[0] == 200
