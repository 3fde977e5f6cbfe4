"""The files of a ticket: an entry for the guest's calendar, and the QR code for the door.

Both are made of the ticket alone, so they may be made again and again: the calendar knows the entry
by its UID, and which one is newer by its SEQUENCE.
"""

from datetime import datetime
from io import BytesIO
from typing import Final

import icalendar
import segno

from edge.formats import local_time, price_text
from edge.texts import Language
from engine.catalog.reservations import qr_text
from engine.domain.ledger import ReservationStatus
from engine.ports.reservations import Ticket

CALENDAR_TYPE: Final = "text/calendar; charset=utf-8"
QR_TYPE: Final = "image/svg+xml"

_LABELS: Final = {"tr": ("Kod", "Fiyat", "Harita"), "en": ("Code", "Price", "Map")}
_QR_SCALE: Final = 8
"""Pixels a module, where nobody says how large the picture shall be."""


def calendar_entry(ticket: Ticket, edits: int, language: Language) -> bytes:
    """The class as iCalendar, in the studio's zone. `edits`: of the class since it was booked.

    It has a beginning and no end: how long a class takes nobody has told us.
    """
    reservation, venue = ticket.reservation, ticket.venue
    cancelled = reservation.status is ReservationStatus.CANCELLED
    changed_ms = reservation.changed_at_ms or reservation.accepted_at_ms
    event = icalendar.Event()
    event.add("uid", f"reservation-{reservation.id}@hothour")
    event.add("sequence", edits + cancelled)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("dtstamp", local_time(changed_ms, "UTC"))
    event.add("dtstart", begins := local_time(ticket.auction.terms.class_at_ms, venue.zone))
    event.add("summary", ticket.auction.title)
    event.add("location", ", ".join(part for part in (venue.name, venue.address) if part))
    event.add("description", _description(ticket, language))
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//HotHour//HotHour//TR")
    calendar.add("version", "2.0")
    calendar.add_component(_zone_at(begins, venue.zone))
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _zone_at(begins: datetime, zone: str) -> icalendar.Timezone:
    """What the zone's clock shows at that one moment, the only one that is written in it. The
    library's own search for all changes of a zone takes 20 ms of everybody's time."""
    offset = begins.utcoffset()
    rule = icalendar.TimezoneStandard()
    rule.add("dtstart", datetime(1970, 1, 1))  # noqa: DTZ001 (a wall's time, by definition)
    rule.add("tzoffsetfrom", offset)
    rule.add("tzoffsetto", offset)
    rule.add("tzname", begins.tzname())
    whole = icalendar.Timezone()
    whole.add("tzid", zone)
    whole.add_component(rule)
    return whole


def qr_picture(ticket: Ticket) -> bytes:
    """The QR code as SVG, dark on white also where the page is dark."""
    out = BytesIO()
    code = segno.make_qr(qr_text(ticket), error="m")
    code.save(out, kind="svg", scale=_QR_SCALE, light="#fff", xmldecl=False, nl=False)
    return out.getvalue()


def _description(ticket: Ticket, language: Language) -> str:
    code, price, place = _LABELS[language]
    amount = price_text(ticket.reservation.price, ticket.auction.currency, language)
    lines = [f"{code}: {ticket.reservation.code}", f"{price}: {amount}"]
    if ticket.venue.google_maps_url is not None:
        lines.append(f"{place}: {ticket.venue.google_maps_url}")
    return "\n".join(lines)
