"""One auction as a client holds it."""

from edge.demo.sale import Sale, Took
from engine.frames import instant
from tests.edge.demo.samples import (
    END_MS,
    START_MS,
    booked,
    drop,
    row,
    sale,
    snapshot,
    turbo,
    updated,
)


def test_a_row_of_the_list_says_all_there_is_to_know() -> None:
    held = Sale.of_row(row(allowed_gender="FEMALE"))
    assert (held.id, held.title, held.studio) == (1, "Yin Yoga", "Mor Menekşe Yoga")
    assert held.women_only
    assert (held.price, held.seats, held.seats_left) == (50_000, 2, 2)
    assert held.schedule.price_at(START_MS + 5_000) == 49_500
    assert held.next_drop_at_ms == START_MS + 5_000
    assert held.turbo_at_ms == END_MS - 20_000
    assert held.turbo_since_ms is None


def test_a_drop_moves_the_price_and_says_when_the_next_comes() -> None:
    held = sale()
    assert held.frame(drop(1, "495.00")) is Took.TAKEN
    assert (held.price, held.step) == (49_500, 1)
    assert held.next_drop_at_ms == START_MS + 10_000


def test_an_older_frame_changes_nothing() -> None:
    held = sale()
    held.frame(drop(3, "485.00"))
    assert held.frame(drop(2, "490.00")) is Took.OLD
    assert held.frame(updated("resync", revision=1, step=9)) is Took.OLD
    assert held.price == 48_500


def test_the_same_frame_again_is_harmless() -> None:
    held = sale()
    held.frame(drop(1, "495.00"))
    held.frame(drop(1, "495.00"))
    assert held.frame(booked(3, 1)) is Took.TAKEN
    assert held.frame(booked(3, 1)) is Took.OLD
    assert held.seats_left == 1


def test_a_booking_takes_a_seat_and_the_last_one_ends_the_sale() -> None:
    held = sale()
    held.frame(booked(3, 1))
    assert (held.status, held.seats_left) == ("ACTIVE", 1)
    held.frame(booked(4, 0, price="490.00"))
    assert (held.status, held.seats_left, held.price) == ("SOLD", 0, 49_000)


def test_a_frame_after_a_missing_one_is_not_taken() -> None:
    held = sale()
    assert held.frame(booked(4, 0)) is Took.GAP
    assert held.frame(drop(1, "495.00", revision=3)) is Took.GAP
    assert (held.status, held.price, held.revision) == ("ACTIVE", 50_000, 2)


def test_a_frame_with_the_whole_state_closes_a_gap() -> None:
    held = sale()
    assert held.frame(updated("relisted", revision=9, current_price="480.00")) is Took.TAKEN
    assert (held.revision, held.price, held.watchers) == (9, 48_000, 3)


def test_turbo_is_known_from_its_frame() -> None:
    held = sale()
    held.frame(turbo())
    assert held.turbo_since_ms == END_MS - 20_000


def test_a_snapshot_that_was_asked_for_is_always_right() -> None:
    held = sale(revision=9)
    held.snapshot(snapshot(revision=3, status="EXPIRED", next_drop_at=None))
    assert (held.revision, held.status, held.next_drop_at_ms) == (3, "EXPIRED", None)
    assert held.over


def test_what_is_no_frame_of_a_sale_is_left_alone() -> None:
    held = sale()
    fields = {"type": "reservation_updated", "revision": 3, "step": 0, "at": instant(START_MS)}
    assert held.frame(fields) is Took.OLD
    assert held.revision == 2
