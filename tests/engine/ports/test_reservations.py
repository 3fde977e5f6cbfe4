"""What a ticket itself knows."""

from tests.tickets import BOOKED_AT_MS, CLASS_AT_MS, ticket_of

HOUR_MS = 3_600_000


def test_a_ticket_can_be_given_back_until_the_studios_cut_off() -> None:
    assert ticket_of().cancellable_until_ms == CLASS_AT_MS - 2 * HOUR_MS


def test_who_books_after_the_cut_off_has_five_minutes() -> None:
    late = CLASS_AT_MS - HOUR_MS
    assert late > BOOKED_AT_MS
    ticket = ticket_of(reservation={"accepted_at_ms": late})
    assert ticket.cancellable_until_ms == late + 300_000
