"""Who holds which seat."""

from dataclasses import replace
from random import Random

from engine.domain import ledger
from engine.domain.ledger import EMPTY, Reservation, ReservationStatus

CANCELLED = ReservationStatus.CANCELLED


def seat(number: int, user: int, seat_no: int, **changes: object) -> Reservation:
    made = Reservation(number, 1, user, seat_no, 100, None, "HOT-2222", f"key-{number}", 2, number)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_an_empty_ledger_knows_nobody() -> None:
    assert EMPTY.of_user(1) is None
    assert EMPTY.under_key(1, "k") is None
    assert EMPTY.under_key(1, None) is None
    assert EMPTY.free_seat() == 1
    assert EMPTY.pending() == ()
    assert ledger.of([]) is EMPTY


def test_a_booking_is_found_by_its_guest_and_its_key_and_the_old_ledger_is_unchanged() -> None:
    one = EMPTY.booked(seat(5, 7, 1))
    assert one.of_user(7) == one.under_key(7, "key-5") == one.by_id[5]
    assert one.under_key(8, "key-5") is None
    assert EMPTY.of_user(7) is None
    assert one.free_seat() == 2


def test_a_cancelled_seat_is_the_next_to_be_sold() -> None:
    full = EMPTY.booked(seat(1, 1, 1)).booked(seat(2, 2, 2)).booked(seat(3, 3, 3))
    freed = full.changed(seat(2, 2, 2, status=CANCELLED)).changed(seat(1, 1, 1, status=CANCELLED))
    assert freed.free_seat() == 1
    again = freed.booked(seat(4, 4, 1))
    assert again.free_seat() == 2
    assert again.booked(seat(5, 5, 2)).free_seat() == 4
    assert freed.of_user(2) == seat(2, 2, 2, status=CANCELLED)
    assert [r.id for r in again.pending()] == [3, 4]


def test_a_booking_without_a_key_leaves_none() -> None:
    assert EMPTY.booked(seat(1, 1, 1, key=None)).under_key(1, None) is None


def test_a_status_that_keeps_its_seat_frees_none() -> None:
    one = EMPTY.booked(seat(1, 1, 1))
    assert one.changed(seat(1, 1, 1, status=ReservationStatus.COMPLETED)).free_seat() == 2


def test_a_guests_live_reservation_outranks_a_cancelled_one_whatever_their_ids() -> None:
    gone, live = seat(9, 1, 1, status=CANCELLED), seat(3, 1, 2)
    assert ledger.of([gone, live]).of_user(1) == live


def test_loading_gives_what_living_through_it_gave() -> None:
    rng = Random(5)
    lived = EMPTY
    rows: dict[int, Reservation] = {}
    for number in range(1, 400):
        holding = [r for r in rows.values() if r.holds_seat]
        if holding and rng.random() < 0.4:
            changed = replace(rng.choice(holding), status=CANCELLED)
            lived = lived.changed(changed)
        else:
            changed = seat(number, number, lived.free_seat())
            lived = lived.booked(changed)
        rows[changed.id] = changed
        loaded = ledger.of(rows.values())
        assert dict(loaded.by_id) == dict(lived.by_id)
        assert loaded.free_seat() == lived.free_seat()
        assert loaded.pending() == lived.pending()
        taken = [r.seat_no for r in rows.values() if r.holds_seat]
        assert len(taken) == len(set(taken))


def test_a_loaded_ledger_answers_the_keys_that_were_used() -> None:
    loaded = ledger.of([seat(5, 7, 1), seat(6, 8, 2, key=None)])
    assert loaded.under_key(7, "key-5") == seat(5, 7, 1)
    assert loaded.under_key(8, "key-5") is None
    assert loaded.under_key(8, None) is None


def test_a_loaded_guest_who_is_checked_in_keeps_the_seat() -> None:
    here = seat(5, 7, 1, status=ReservationStatus.COMPLETED)
    assert ledger.of([here]).free_seat() == 2
    assert ledger.of([here, seat(6, 8, 2, status=CANCELLED)]).free_seat() == 2
