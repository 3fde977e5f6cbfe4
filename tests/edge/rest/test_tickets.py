"""/calendar.ics and /qr.svg over real sockets. Whose they are: test_reservations.py."""

from collections.abc import AsyncIterator

import icalendar
import pytest

from edge.tickets import qr_picture
from engine.domain.messages import Edit
from tests.bookings import Bookings, open_bookings


@pytest.fixture
async def shop(database: str) -> AsyncIterator[Bookings]:
    async with open_bookings(database) as opened:
        yield opened


async def test_a_guest_takes_the_class_along_in_a_calendar(shop: Bookings) -> None:
    guest = await shop.guest()
    ticket = await shop.booked(guest)
    path = f"/reservations/{ticket.reservation.id}/calendar.ics"
    response = await shop.api.get(path, guest, Accept_Language="en")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/calendar; charset=utf-8"
    name = f'attachment; filename="hothour-{ticket.reservation.id}.ics"'
    assert response.headers["Content-Disposition"] == name
    text = await response.text()
    assert f"Code: {ticket.reservation.code}" in text
    (event,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
    assert event["SEQUENCE"] == 0


async def test_an_edit_and_a_cancellation_make_the_entry_newer(shop: Bookings) -> None:
    guest = await shop.guest()
    ticket = await shop.booked(guest)
    auction, owner = ticket.auction, shop.shop.owner.user_id
    edit = Edit(
        by=owner,
        title="Akşam Yogası",
        description=auction.description,
        allowed_gender=auction.allowed_gender,
        terms=auction.terms,
    )
    await shop.shop.directory.ask(auction.id, edit)
    await shop.cancel_class(auction.id)
    response = await shop.api.get(f"/reservations/{ticket.reservation.id}/calendar.ics", guest)
    (event,) = icalendar.Calendar.from_ical(await response.text()).walk("VEVENT")
    assert (event["SUMMARY"], event["SEQUENCE"]) == ("Akşam Yogası", 2)
    assert event["STATUS"] == "CANCELLED"


async def test_a_guest_shows_the_qr_of_the_ticket(shop: Bookings) -> None:
    guest = await shop.guest()
    ticket = await shop.booked(guest)
    response = await shop.api.get(f"/reservations/{ticket.reservation.id}/qr.svg", guest)
    assert response.status == 200
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert await response.read() == qr_picture(ticket)


async def test_the_studio_does_not_get_its_guests_qr(shop: Bookings) -> None:
    ticket = await shop.booked(await shop.guest())
    for name in ("qr.svg", "calendar.ics"):
        path = f"/reservations/{ticket.reservation.id}/{name}"
        assert (await shop.api.get(path, await shop.desk())).status == 404
