"""What guests are written about their reservations, in both languages."""

import icalendar
import pytest

from edge.letters import Letter
from edge.mails_bookings import TOPICS, cancellation, confirmation
from edge.texts import Language
from engine.domain.auction import Status
from engine.domain.ledger import ReservationStatus
from engine.ports.reservations import Ticket
from tests.tickets import ticket_of

HOME = "https://shop.example"
GONE = {"status": ReservationStatus.CANCELLED, "changed_at_ms": 1_773_303_600_000}


def confirmed(language: Language = "tr", ticket: Ticket | None = None) -> Letter:
    letter = confirmation(ticket or ticket_of(), 0, language, HOME)
    assert letter is not None
    return letter


def cancelled(ticket: Ticket, language: Language = "tr") -> Letter:
    letter = cancellation(ticket, 0, language, HOME)
    assert letter is not None
    return letter


def test_both_kinds_of_notice_have_a_mail() -> None:
    assert {"booking_confirmed", "reservation_updated"} == TOPICS


def test_a_confirmation_has_all_it_takes_to_come() -> None:
    letter = confirmed()
    assert (letter.to, letter.subject) == ("ayse@mail.example.com", "Yerin hazır: Akşam Yogası")
    for line in (
        "Merhaba Ayşe Nur Yılmaz,",
        "Kod: HOT-7K2M",
        "Stüdyoda ödenecek: 412,50 ₺",
        "Ders: Akşam Yogası",
        "Başlangıç: 12 Mart 2026 Perşembe, 18:30 (Europe/Istanbul)",
        "Stüdyo: Moda Dans",
        "Adres: Moda Cad. 1, Kadıköy",
        "Harita: https://maps.example/?q=1&z=2",
        "Geri verebileceğin son an: 12 Mart 2026 Perşembe, 16:30 (Europe/Istanbul)",
        HOME,
    ):
        assert line in letter.text.splitlines()


def test_in_english_it_says_the_same() -> None:
    letter = confirmed("en")
    assert letter.subject == "Your seat is booked: Akşam Yogası"
    for line in (
        "Hello Ayşe Nur Yılmaz,",
        "Code: HOT-7K2M",
        "To pay at the studio: ₺412.50",
        "Begins: Thursday, 12 March 2026, 18:30 (Europe/Istanbul)",
        "Can be given back until: Thursday, 12 March 2026, 16:30 (Europe/Istanbul)",
    ):
        assert line in letter.text.splitlines()


@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_html_says_what_the_text_says(language: Language) -> None:
    letter = confirmed(language)
    for fact in ("HOT-7K2M", "Moda Cad. 1, Kadıköy", "Akşam Yogası"):
        assert fact in letter.html
    assert letter.html.startswith(f'<!doctype html><html lang="{language}">')


def test_a_confirmation_brings_the_qr_and_the_calendar_entry() -> None:
    letter = confirmed()
    assert letter.picture is not None
    assert letter.picture.content.startswith(b"\x89PNG")
    (entry,) = letter.files
    (event,) = icalendar.Calendar.from_ical(entry.content.decode()).walk("VEVENT")
    assert event["STATUS"] == "CONFIRMED"


def test_what_was_cancelled_meanwhile_is_not_confirmed_any_more() -> None:
    assert confirmation(ticket_of(reservation=GONE), 0, "tr", HOME) is None


def test_what_came_back_to_life_is_not_called_cancelled() -> None:
    assert cancellation(ticket_of(), 0, "tr", HOME) is None


def test_each_story_of_a_cancellation_is_told_as_it_was() -> None:
    by_guest = cancelled(ticket_of(reservation={**GONE, "given_back": True}))
    by_studio = cancelled(ticket_of(reservation=GONE, reason="Eğitmen hasta\nüzgünüz"))
    whole_class = cancelled(ticket_of(reservation=GONE, auction={"status": Status.CANCELLED}))
    assert by_guest.subject == "Yerini geri verdin: Akşam Yogası"
    assert by_studio.subject == "Rezervasyonun iptal edildi: Akşam Yogası"
    assert whole_class.subject == "Ders iptal edildi: Akşam Yogası"
    assert "Sebep: Eğitmen hasta üzgünüz" in by_studio.text.splitlines()
    assert "Sebep" not in whole_class.text


@pytest.mark.parametrize("language", ["tr", "en"])
def test_a_cancellation_takes_the_entry_out_of_the_calendar_and_shows_no_qr(
    language: Language,
) -> None:
    letter = cancelled(ticket_of(reservation=GONE), language)
    assert letter.picture is None
    (event,) = icalendar.Calendar.from_ical(letter.files[0].content.decode()).walk("VEVENT")
    assert (event["STATUS"], event["SEQUENCE"]) == ("CANCELLED", 1)


def test_a_studio_without_an_address_or_a_map_has_no_empty_lines() -> None:
    letter = confirmed(ticket=ticket_of(venue={"address": "", "google_maps_url": None}))
    assert "Adres" not in letter.text
    assert "Harita" not in letter.text


def test_what_a_studio_writes_does_not_become_markup() -> None:
    letter = confirmed(ticket=ticket_of(auction={"title": "<img src=x> {home}"}))
    assert "<img src=x>" not in letter.html
    assert "&lt;img src=x&gt; {home}" in letter.html
    assert letter.subject == "Yerin hazır: <img src=x> {home}"
