"""What answers about reservations say, and to whom they say less."""

from edge.rest.reservation_fields import booked_fields, desk_fields, plain_fields, ticket_fields
from edge.wire.reservations import DeskAnswer, GuestAnswer, ReservationAnswer, TicketAnswer
from engine.domain.ledger import ReservationStatus
from engine.domain.messages import Booked
from tests.tickets import ticket_of


def test_a_booking_and_its_ticket_show_the_same_reservation() -> None:
    ticket = ticket_of()
    booked = Booked(ticket.reservation, ticket.auction.currency, ticket.cancellable_until_ms)
    assert booked_fields(booked) == plain_fields(ticket)
    assert plain_fields(ticket).items() <= ticket_fields(ticket).items()


def test_each_form_has_the_fields_of_its_model() -> None:
    ticket = ticket_of()
    desk = desk_fields(ticket, masked=True)
    assert set(plain_fields(ticket)) == set(ReservationAnswer.model_fields)
    assert set(ticket_fields(ticket)) == set(TicketAnswer.model_fields)
    assert set(desk) == set(DeskAnswer.model_fields)
    assert set(desk["guest"]) == set(GuestAnswer.model_fields)


def test_a_guests_form_has_no_contact_of_anybody() -> None:
    shown = str(ticket_fields(ticket_of()))
    assert "Yılmaz" not in shown
    assert "ayse" not in shown
    assert "+90" not in shown


def test_contacts_are_whole_or_masked() -> None:
    ticket = ticket_of()
    assert desk_fields(ticket, masked=False)["guest"] == {
        "name": "Ayşe Nur Yılmaz",
        "email": "ayse@mail.example.com",
        "phone": "+905321234567",
    }
    assert desk_fields(ticket, masked=True)["guest"] == {
        "name": "Ayşe",
        "email": "a***@m***.com",
        "phone": "+90***67",
    }
    assert desk_fields(ticket_of(guest={"phone": None}), masked=True)["guest"]["phone"] is None


def test_a_desk_sees_how_it_was_changed() -> None:
    moved = {"status": ReservationStatus.CANCELLED, "changed_at_ms": 0}
    shown = desk_fields(
        ticket_of(reservation=moved, reason="Salon kapalı", late_cancel=True), masked=True
    )
    assert shown["changed_at"] == "1970-01-01T00:00:00.000Z"
    assert (shown["reason"], shown["late_cancel"]) == ("Salon kapalı", True)
    assert desk_fields(ticket_of(), masked=True)["changed_at"] is None
