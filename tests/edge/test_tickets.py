"""The files of a ticket, read back by others' eyes."""

from datetime import timedelta
from typing import Any

import icalendar
import pytest

from edge.tickets import calendar_entry, qr_picture
from engine.domain.ledger import ReservationStatus
from engine.ports.reservations import Ticket
from tests.tickets import ticket_of

CANCELLED = {"status": ReservationStatus.CANCELLED, "changed_at_ms": 1_773_303_600_000}


def entry(ticket: Ticket, edits: int = 0) -> Any:
    """The one event of a ticket's calendar file."""
    calendar = icalendar.Calendar.from_ical(calendar_entry(ticket, edits, "tr"))
    (event,) = calendar.walk("VEVENT")
    return event


def test_an_entry_says_what_when_and_where() -> None:
    event = entry(ticket_of())
    assert event["SUMMARY"] == "Akşam Yogası"
    assert event["STATUS"] == "CONFIRMED"
    assert event["LOCATION"] == "Moda Dans, Moda Cad. 1, Kadıköy"
    assert event["DESCRIPTION"].splitlines() == [
        "Kod: HOT-7K2M",
        "Fiyat: 412,50 ₺",
        "Harita: https://maps.example/?q=1&z=2",
    ]
    begins = event["DTSTART"].dt
    assert begins.isoformat() == "2026-03-12T18:30:00+03:00"
    assert event["DTSTART"].params["TZID"] == "Europe/Istanbul"


def test_the_description_is_in_the_askers_language() -> None:
    text = calendar_entry(ticket_of(venue={"google_maps_url": None}), 0, "en").decode()
    assert r"DESCRIPTION:Code: HOT-7K2M\nPrice: ₺412.50" in text
    assert "Map" not in text


def test_the_same_reservation_is_the_same_entry_and_changes_make_it_newer() -> None:
    booked, edited, cancelled = (
        entry(ticket_of()),
        entry(ticket_of(), edits=2),
        entry(ticket_of(reservation=CANCELLED), edits=2),
    )
    assert booked["UID"] == edited["UID"] == cancelled["UID"] == "reservation-2001@hothour"
    assert (booked["SEQUENCE"], edited["SEQUENCE"], cancelled["SEQUENCE"]) == (0, 2, 3)
    assert cancelled["STATUS"] == "CANCELLED"
    assert cancelled["DTSTAMP"].dt > booked["DTSTAMP"].dt


def test_another_reservation_is_another_entry() -> None:
    assert entry(ticket_of(reservation={"id": 2002}))["UID"] != entry(ticket_of())["UID"]


@pytest.mark.parametrize(
    ("zone", "hours"), [("America/New_York", -4), ("UTC", 0), ("Asia/Kolkata", 5.5)]
)
def test_the_file_explains_its_own_zone(zone: str, hours: float) -> None:
    """As a client sees it that has no zone database of its own."""
    raw = calendar_entry(ticket_of(venue={"zone": zone}), 0, "tr")
    rules: Any = icalendar.Calendar.from_ical(raw).walk("STANDARD")
    (rule,) = rules
    assert rule["TZOFFSETTO"].td == timedelta(hours=hours)


def test_text_of_a_studio_cannot_add_lines_of_its_own() -> None:
    event = entry(ticket_of(auction={"title": "Yoga\r\nSTATUS:CANCELLED; x, y"}))
    assert event["STATUS"] == "CONFIRMED"
    assert "; x, y" in event["SUMMARY"]


def test_a_qr_is_an_svg_on_white() -> None:
    picture = qr_picture(ticket_of()).decode()
    assert picture.startswith("<svg xmlns=")
    assert 'fill="#fff"' in picture
    assert "<script" not in picture


def test_another_token_is_another_picture() -> None:
    assert qr_picture(ticket_of()) == qr_picture(ticket_of())
    assert qr_picture(ticket_of()) != qr_picture(ticket_of(token="f" * 32))
