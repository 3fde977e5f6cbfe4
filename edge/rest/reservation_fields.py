"""Answers about reservations as plain dicts; the models of edge/wire/reservations.py describe them.

A code, a name or an address is only ever in the answer to its own guest or to the studio's people,
and here a desk's contacts are masked.
"""

from typing import Any

from engine.domain.masking import first_name, masked_email, masked_phone
from engine.domain.messages import Booked
from engine.frames import instant, optional_instant, reservation_fields
from engine.ports.auctions import Venue
from engine.ports.reservations import Guest, Ticket

Fields = dict[str, Any]


def booked_fields(booked: Booked) -> Fields:
    """The answer to a press (ReservationAnswer)."""
    return reservation_fields(booked.reservation, booked.currency, booked.cancellable_until_ms)


def plain_fields(ticket: Ticket) -> Fields:
    """The reservation alone (ReservationAnswer)."""
    return reservation_fields(
        ticket.reservation, ticket.auction.currency, ticket.cancellable_until_ms
    )


def ticket_fields(ticket: Ticket) -> Fields:
    """For its guest (TicketAnswer)."""
    terms = ticket.auction.terms
    return {
        **plain_fields(ticket),
        "auction_title": ticket.auction.title,
        "auction_description": ticket.auction.description,
        "auction_start_time": instant(terms.starts_at_ms),
        "auction_end_time": instant(terms.ends_at_ms),
        "scheduled_at": instant(terms.class_at_ms),
        "studio": _venue_fields(ticket.venue),
    }


def desk_fields(ticket: Ticket, *, masked: bool) -> Fields:
    """For its studio's people (DeskAnswer)."""
    return {
        **ticket_fields(ticket),
        "guest": _guest_fields(ticket.guest, masked=masked),
        "changed_at": optional_instant(ticket.reservation.changed_at_ms),
        "reason": ticket.reason,
        "late_cancel": ticket.late_cancel,
    }


def _guest_fields(guest: Guest, *, masked: bool) -> Fields:
    if not masked:
        return {"name": guest.full_name, "email": guest.email, "phone": guest.phone}
    return {
        "name": first_name(guest.full_name),
        "email": masked_email(guest.email),
        "phone": None if guest.phone is None else masked_phone(guest.phone),
    }


def _venue_fields(venue: Venue) -> Fields:
    return {
        "id": venue.id,
        "name": venue.name,
        "address": venue.address,
        "google_maps_url": venue.google_maps_url,
        "zone": venue.zone,
    }
