"""/reservations and /studios/me/reservations over real sockets: who sees and who may do what."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientResponse

from edge.wire.reservations import DeskAnswer, GuestAnswer, ReservationAnswer, TicketAnswer
from engine.catalog.reservations import qr_text
from engine.frames import instant
from engine.ports.reservations import Scope, Ticket
from tests.bookings import Bookings, Person, open_bookings
from tests.shop import HOUR_MS, MINUTE_MS

MINE = "/reservations/my/all"
THEIRS = "/studios/me/reservations"
KEY = "attempt-0123456789"


@pytest.fixture
async def shop(database: str) -> AsyncIterator[Bookings]:
    async with open_bookings(database) as opened:
        yield opened


async def body_of(response: ClientResponse, status: int = 200) -> dict[str, Any]:
    """The JSON of an answer, seen to have this status."""
    body: dict[str, Any] = await response.json()
    assert response.status == status, body
    return body


async def refused(response: ClientResponse, status: int, code: str) -> dict[str, Any]:
    """The problem in an answer, seen to be this one."""
    body = await body_of(response, status)
    assert body["code"] == code
    return body


def path_of(ticket: Ticket, act: str = "") -> str:
    return f"/reservations/{ticket.reservation.id}{act}"


# --- one -----------------------------------------------------------------------------------------


async def test_a_guest_sees_the_reservation_with_its_class_and_studio(shop: Bookings) -> None:
    guest = await shop.guest()
    ticket = await shop.booked(guest)
    reservation, terms = ticket.reservation, ticket.auction.terms
    body = await body_of(await shop.api.get(path_of(ticket), guest))
    assert body == {
        "id": reservation.id,
        "auction_id": ticket.auction.id,
        "user_id": guest.id,
        "locked_price": "100.00",
        "currency": "TRY",
        "booking_code": reservation.code,
        "status": "PENDING_ON_SITE",
        "reserved_at": instant(shop.shop.clock.now_ms()),
        "revision": reservation.revision,
        "seat_no": 1,
        "cancellable_until": instant(terms.class_at_ms - 2 * HOUR_MS),
        "auction_title": "Sabah Yogası",
        "auction_description": "",
        "auction_start_time": instant(terms.starts_at_ms),
        "auction_end_time": instant(terms.ends_at_ms),
        "scheduled_at": instant(terms.class_at_ms),
        "studio": {
            "id": shop.shop.studio_id,
            "name": "Moda Dans",
            "address": "Moda Cad. 1",
            "google_maps_url": None,
            "zone": "Europe/Istanbul",
        },
    }
    assert set(body) == set(TicketAnswer.model_fields)


async def test_a_desk_sees_a_guest_without_contacts_and_an_admin_with_them(
    shop: Bookings,
) -> None:
    guest = await shop.guest()
    ticket = await shop.booked(guest)
    desk = await shop.desk()
    admin = await shop.staff("studio_admin", shop.shop.studio_id)
    platform = await shop.staff("platform_admin", None)
    whole = {
        "name": "Ayşe Nur Yılmaz",
        "email": ticket.guest.email,
        "phone": ticket.guest.phone,
    }
    for who in (admin, platform):
        body = await body_of(await shop.api.get(path_of(ticket), who))
        assert body["guest"] == whole
        assert set(body) == set(DeskAnswer.model_fields)
    masked = await body_of(await shop.api.get(path_of(ticket), desk))
    assert masked["guest"]["name"] == "Ayşe"
    assert re.fullmatch(r"a\*\*\*@m\*\*\*\.com", masked["guest"]["email"])
    assert re.fullmatch(r"\+90\*\*\*\d\d", masked["guest"]["phone"])
    assert set(masked["guest"]) == set(GuestAnswer.model_fields)
    assert {**masked, "guest": whole} == body


async def test_whose_it_is_not_gets_404_on_every_route(shop: Bookings) -> None:
    ticket = await shop.booked(await shop.guest())
    other_studio = shop.shop.other_studio_id
    strangers = [
        await shop.guest(),
        await shop.staff("desk", other_studio),
        await shop.staff("studio_admin", other_studio),
    ]
    code, qr = ticket.reservation.code, qr_text(ticket)
    for who in strangers:
        for path in (path_of(ticket), path_of(ticket, "/calendar.ics"), path_of(ticket, "/qr.svg")):
            await refused(await shop.api.get(path, who), 404, "NOT_FOUND")
        await refused(await shop.api.delete(path_of(ticket), who), 404, "NOT_FOUND")
        for text in (code, qr):
            path = f"/reservations/{text}/trigger-manual"
            await refused(await shop.api.post(path, who), 404, "NOT_FOUND")
        status, problem = (403, "FORBIDDEN") if who.role == "customer" else (404, "NOT_FOUND")
        for act in ("/check-in", "/no-show", "/undo", "/cancel"):
            await refused(await shop.api.post(path_of(ticket, act), who), status, problem)
    fresh = await shop.reservations.find(code, Scope(studio_id=shop.shop.studio_id))
    assert fresh == ticket


async def test_nothing_here_is_for_who_has_no_token(shop: Bookings) -> None:
    ticket = await shop.booked(await shop.guest())
    for method, path in (
        ("GET", path_of(ticket)),
        ("GET", MINE),
        ("GET", THEIRS),
        ("DELETE", path_of(ticket)),
        ("POST", path_of(ticket, "/check-in")),
        ("POST", f"/reservations/{ticket.reservation.code}/trigger-manual"),
        ("GET", path_of(ticket, "/qr.svg")),
        ("GET", path_of(ticket, "/calendar.ics")),
    ):
        await refused(await shop.api.call(method, path), 401, "AUTH_REQUIRED")


# --- by code -------------------------------------------------------------------------------------


async def test_a_code_or_a_qr_shows_the_same_as_the_id(shop: Bookings) -> None:
    guest, desk = await shop.guest(), await shop.desk()
    ticket = await shop.booked(guest)
    code = ticket.reservation.code
    for who in (guest, desk):
        wanted = await body_of(await shop.api.get(path_of(ticket), who))
        for text in (code, code.lower(), code[4:], f"hot%20{code[4:]}", qr_text(ticket)):
            path = f"/reservations/{text}/trigger-manual"
            assert await body_of(await shop.api.post(path, who)) == wanted


# --- my/all --------------------------------------------------------------------------------------


async def test_a_guests_own_come_in_pages_linked_in_the_header(shop: Bookings) -> None:
    guest = await shop.guest()
    wanted: list[int] = []
    for _ in range(3):
        wanted.insert(0, (await shop.booked(guest)).reservation.id)
        shop.shop.clock.forward(ms=1)
    await shop.booked(await shop.guest())
    first = await shop.api.get(f"{MINE}?limit=2", guest)
    body = await body_of(first)
    assert (body["user_id"], body["count"]) == (guest.id, 3)
    assert [row["id"] for row in body["reservations"]] == wanted[:2]
    link = re.fullmatch(r'<(/api/v1/\S+)>; rel="next"', first.headers["Link"])
    assert link is not None
    rest = await shop.api.get(link[1].removeprefix("/api/v1"), guest)
    body = await body_of(rest)
    assert [row["id"] for row in body["reservations"]] == wanted[2:]
    assert body["count"] == 3
    assert "Link" not in rest.headers


async def test_a_cursor_of_another_guest_is_refused(shop: Bookings) -> None:
    guest, other = await shop.guest(), await shop.guest()
    for _ in range(2):
        await shop.booked(guest)
        await shop.booked(other)
    link = (await shop.api.get(f"{MINE}?limit=1", guest)).headers["Link"]
    path = link.partition("<")[2].partition(">")[0].removeprefix("/api/v1")
    assert (await shop.api.get(path, guest)).status == 200
    await refused(await shop.api.get(path, other), 422, "VALIDATION")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "cursor=x", "page=2", "limit=1&limit=2"])
async def test_a_query_that_is_not_of_the_form_is_422(shop: Bookings, query: str) -> None:
    guest = await shop.guest()
    await refused(await shop.api.get(f"{MINE}?{query}", guest), 422, "VALIDATION")


# --- given back ----------------------------------------------------------------------------------


async def test_a_seat_is_given_back_and_again(shop: Bookings) -> None:
    guest = await shop.guest()
    ticket = await shop.booked(guest)
    for _ in range(2):
        response = await shop.api.delete(path_of(ticket), guest)
        assert (response.status, await response.read()) == (204, b"")
    body = await body_of(await shop.api.get(path_of(ticket), guest))
    assert body["status"] == "CANCELLED"


async def test_past_the_cut_off_it_is_too_late(shop: Bookings) -> None:
    guest = await shop.guest()
    ticket = await shop.booked(guest)
    shop.shop.clock.forward(ms=22 * HOUR_MS)
    await refused(await shop.api.delete(path_of(ticket), guest), 409, "TOO_LATE")


async def test_a_studio_cannot_give_back_in_its_guests_name(shop: Bookings) -> None:
    ticket = await shop.booked(await shop.guest())
    await refused(await shop.api.delete(path_of(ticket), await shop.desk()), 404, "NOT_FOUND")


# --- the door ------------------------------------------------------------------------------------


async def test_the_door_checks_in_undoes_and_cancels(shop: Bookings) -> None:
    guest, desk = await shop.guest(), await shop.desk()
    ticket = await shop.booked(guest)
    before = await body_of(await shop.api.get(path_of(ticket), guest))
    plain = {name: before[name] for name in ReservationAnswer.model_fields}
    for act, json, status in (
        ("/check-in", None, "COMPLETED"),
        ("/undo", None, "PENDING_ON_SITE"),
        ("/cancel", {"reason": "Salon kapalı"}, "CANCELLED"),
    ):
        body = await body_of(await shop.api.post(path_of(ticket, act), desk, json))
        assert body == {**plain, "status": status}
    row = (await body_of(await shop.api.get(THEIRS, desk)))["items"][0]
    assert row["reason"] == "Salon kapalı"
    assert row["changed_at"] == instant(shop.shop.clock.now_ms())
    assert row["late_cancel"] is False


async def test_moves_that_the_state_does_not_allow_are_409(shop: Bookings) -> None:
    desk = await shop.desk()
    ticket = await shop.booked(await shop.guest())
    for act in ("/no-show", "/undo"):
        await refused(await shop.api.post(path_of(ticket, act), desk), 409, "TRANSITION")
    await shop.api.post(path_of(ticket, "/check-in"), desk)
    for act in ("/check-in", "/cancel", "/no-show"):
        await refused(await shop.api.post(path_of(ticket, act), desk), 409, "TRANSITION")
    shop.shop.clock.forward(ms=10 * MINUTE_MS + 1)
    await refused(await shop.api.post(path_of(ticket, "/undo"), desk), 409, "TOO_LATE")


async def test_a_guest_who_did_not_come_is_a_no_show_after_the_grace(shop: Bookings) -> None:
    desk = await shop.desk()
    ticket = await shop.booked(await shop.guest())
    shop.shop.clock.forward(ms=24 * HOUR_MS + 15 * MINUTE_MS)
    body = await body_of(await shop.api.post(path_of(ticket, "/no-show"), desk))
    assert body["status"] == "NO_SHOW"


async def test_no_role_at_a_door_lets_one_act_on_what_one_holds_elsewhere(
    shop: Bookings,
) -> None:
    guest = await shop.guest()
    ticket = await shop.booked(guest)
    hired = replace(guest, role="desk", studio_id=shop.shop.other_studio_id)
    await refused(await shop.api.post(path_of(ticket, "/check-in"), hired), 404, "NOT_FOUND")
    assert "guest" not in await body_of(await shop.api.get(path_of(ticket), hired))


@pytest.mark.parametrize("json", [{"reason": "x" * 501}, {"reason": 5}, {"why": "x"}, []])
async def test_a_reason_that_is_not_of_the_form_is_422(shop: Bookings, json: object) -> None:
    ticket = await shop.booked(await shop.guest())
    response = await shop.api.post(path_of(ticket, "/cancel"), await shop.desk(), json)
    await refused(response, 422, "VALIDATION")


async def test_a_move_with_a_key_is_done_once_and_answered_twice(shop: Bookings) -> None:
    desk = await shop.desk()
    ticket = await shop.booked(await shop.guest())
    first = await shop.api.post(path_of(ticket, "/check-in"), desk, Idempotency_Key=KEY)
    again = await shop.api.post(path_of(ticket, "/check-in"), desk, Idempotency_Key=KEY)
    assert await body_of(again) == await body_of(first)
    assert again.headers["Idempotency-Replayed"] == "true"


# --- a studio's list -----------------------------------------------------------------------------


async def test_a_desk_lists_its_studios_reservations_masked_and_an_admin_whole(
    shop: Bookings,
) -> None:
    ticket = await shop.booked(await shop.guest())
    desk = await shop.desk()
    admin = await shop.staff("studio_admin", shop.shop.studio_id)
    masked = await body_of(await shop.api.get(THEIRS, desk))
    assert masked["next_cursor"] is None
    assert masked["items"] == [await body_of(await shop.api.get(path_of(ticket), desk))]
    assert ticket.guest.email not in str(masked)
    whole = await body_of(await shop.api.get(THEIRS, admin))
    assert whole["items"][0]["guest"]["email"] == ticket.guest.email
    rival = await shop.staff("desk", shop.shop.other_studio_id)
    assert (await body_of(await shop.api.get(THEIRS, rival)))["items"] == []
    await refused(await shop.api.get(THEIRS, await shop.guest()), 403, "FORBIDDEN")


async def test_a_platform_admin_says_which_studio_and_nobody_else_does(shop: Bookings) -> None:
    ticket = await shop.booked(await shop.guest())
    platform = await shop.staff("platform_admin", None)
    problem = await refused(await shop.api.get(THEIRS, platform), 422, "VALIDATION")
    assert problem["errors"][0]["field"] == "studio_id"
    mine = f"{THEIRS}?studio_id={shop.shop.studio_id}"
    body = await body_of(await shop.api.get(mine, platform))
    assert [row["id"] for row in body["items"]] == [ticket.reservation.id]
    other = f"{THEIRS}?studio_id={shop.shop.other_studio_id}"
    assert (await body_of(await shop.api.get(other, platform)))["items"] == []
    await refused(await shop.api.get(mine, await shop.desk()), 403, "FORBIDDEN")


async def test_the_list_is_filtered_and_paged(shop: Bookings) -> None:
    desk = await shop.desk()
    auction_id = await shop.sale()
    one, two, three = [await shop.booked(await shop.guest(), auction_id) for _ in range(3)]
    await shop.api.post(path_of(two, "/check-in"), desk)

    async def ids(query: str) -> list[int]:
        body = await body_of(await shop.api.get(f"{THEIRS}?{query}", desk))
        return [row["id"] for row in body["items"]]

    all_of_them = [ticket.reservation.id for ticket in (three, two, one)]
    at = instant(one.auction.terms.class_at_ms)
    assert await ids("") == all_of_them
    assert await ids("status=COMPLETED") == [two.reservation.id]
    assert await ids("status=COMPLETED&status=PENDING_ON_SITE") == all_of_them
    assert await ids(f"auction_id={auction_id}") == all_of_them
    assert await ids(f"auction_id={auction_id + 1}") == []
    assert await ids(f"scheduled_from={at}&scheduled_to={at}") == all_of_them
    assert await ids(f"scheduled_to={instant(one.auction.terms.class_at_ms - 1)}") == []
    assert await ids(f"q={three.reservation.code.lower()}") == [three.reservation.id]
    assert await ids("q=%C3%A7ay") == []
    body = await body_of(await shop.api.get(f"{THEIRS}?limit=2&q=hot", desk))
    assert [row["id"] for row in body["items"]] == all_of_them[:2]
    cursor = body["next_cursor"]
    assert await ids(f"limit=2&q=hot&cursor={cursor}") == all_of_them[2:]
    await refused(await shop.api.get(f"{THEIRS}?cursor={cursor}&q=7", desk), 422, "VALIDATION")


@pytest.mark.parametrize(
    "query",
    ["status=SOLD", "auction_id=x", "scheduled_from=2026-01-01", "q=", "sort=id", "studio_id=0"],
)
async def test_a_filter_that_is_not_of_the_form_is_422(shop: Bookings, query: str) -> None:
    await refused(await shop.api.get(f"{THEIRS}?{query}", await shop.desk()), 422, "VALIDATION")


async def test_no_answer_of_these_may_be_kept(shop: Bookings) -> None:
    guest: Person = await shop.guest()
    ticket = await shop.booked(guest)
    for path in (MINE, path_of(ticket), path_of(ticket, "/qr.svg")):
        assert (await shop.api.get(path, guest)).headers["Cache-Control"] == "no-store"
