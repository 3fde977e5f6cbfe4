"""The end check: each way in which a product may have broken its word is one sentence."""

from dataclasses import replace
from typing import Any

import pytest

from loadtests.scenarios.endcheck import Kept, contradictions
from loadtests.scenarios.ledger import Ledger, Win
from loadtests.scenarios.schedule import instant
from tests.loadtests.scenarios.samples import ENDS_MS, auction, reservation


def win(number: int, **changes: Any) -> Win:
    row = reservation(number)
    told = Win(
        f"key-{number}",
        row["id"],
        row["auction_id"],
        row["user_id"],
        row["seat_no"],
        row["locked_price"],
        row["booking_code"],
    )
    return replace(told, **changes)


def ledger(*wins: Win, ours: bool = True) -> Ledger:
    made = Ledger()
    if ours:
        made.sale(7)
    for each in wins:
        made.pressed(each.key, each.auction_id, each.user_id)
        made.won(each)
    return made


def found(told: Ledger, kept: Kept) -> list[str]:
    return [each.removeprefix("auction 7: ") for each in contradictions(told, [kept])]


def kept(*rows: dict[str, Any], **changes: Any) -> Kept:
    return Kept(auction(**changes), rows)


BOTH = (reservation(1), reservation(2))


def test_a_sale_that_went_as_everybody_was_told_is_right() -> None:
    assert found(ledger(win(1), win(2)), kept(*BOTH)) == []


def test_a_201_that_is_not_in_the_api_is_lost() -> None:
    assert found(ledger(win(1), win(2)), kept(reservation(1), seats_left=1)) == [
        "reservation 102 was told with 201 and is not in the API"
    ]


@pytest.mark.parametrize(
    "changes",
    [{"user_id": 99}, {"seat_no": 9}, {"price": "400.00"}, {"code": "HOT-9999"}],
)
def test_a_201_that_said_something_else_is_told(changes: dict[str, Any]) -> None:
    assert "reservation 101 is not what its 201 said" in found(
        ledger(win(1, **changes), win(2)), kept(*BOTH)
    )


def test_two_201_for_one_seat_are_told_though_the_api_looks_well() -> None:
    again = win(1, key="key-9", user_id=19)
    assert found(ledger(win(1), again), kept(reservation(1), seats_left=1)) == [
        "reservation 101 is not what its 201 said",
        "seat 1 was told twice with 201",
    ]


def test_a_seat_held_twice_is_told() -> None:
    twice = reservation(2, seat_no=1)
    assert found(ledger(win(1), win(2, seat_no=1)), kept(reservation(1), twice)) == [
        "seat 1 is held twice",
        "seat 1 was told twice with 201",
    ]


def test_more_reservations_than_seats_are_told() -> None:
    rows = (*BOTH, reservation(3))
    assert found(ledger(win(1), win(2), win(3)), kept(*rows)) == [
        "there is no seat 3",
        "2 seats are sold and 3 are held",
    ]


def test_two_seats_of_one_guest_are_told() -> None:
    greedy = reservation(2, user_id=11)
    assert found(ledger(win(1), win(2, user_id=11)), kept(reservation(1), greedy)) == [
        "guest 11 holds two seats"
    ]


def test_one_code_for_two_is_told() -> None:
    same = reservation(2, booking_code="HOT-2221")
    assert found(ledger(win(1), win(2, code="HOT-2221")), kept(reservation(1), same)) == [
        "two reservations have the code HOT-2221"
    ]


def test_a_reservation_that_was_told_to_nobody_is_a_ghost() -> None:
    assert found(ledger(win(1)), kept(*BOTH)) == ["reservation 102 was told to nobody"]


def test_who_is_still_without_an_answer_may_hold_a_seat() -> None:
    told = ledger(win(1))
    told.pressed("key-2", 7, 12)
    assert found(told, kept(*BOTH)) == []


def test_who_was_refused_may_not() -> None:
    told = ledger(win(1))
    told.pressed("key-2", 7, 12)
    told.refused("key-2", 7, "SOLD")
    assert found(told, kept(*BOTH)) == ["reservation 102 was told to nobody"]


def test_in_a_sale_that_others_opened_somebody_else_may_have_booked() -> None:
    assert found(ledger(win(1), ours=False), kept(*BOTH)) == []


def test_seats_left_and_seats_held_have_to_make_all_seats() -> None:
    assert found(ledger(win(1), win(2)), kept(*BOTH, seats_left=1)) == [
        "1 seats are sold and 2 are held"
    ]


def test_nobody_is_sent_away_from_a_free_seat() -> None:
    told = ledger(win(1))
    told.pressed("key-2", 7, 12)
    told.refused("key-2", 7, "SOLD")
    assert found(told, kept(reservation(1), seats_left=1)) == [
        "a guest was told SOLD, and 1 seats are left"
    ]


def test_a_price_that_is_not_the_schedules_is_told() -> None:
    dear = reservation(2, locked_price="400.00")
    assert found(ledger(win(1), win(2, price="400.00")), kept(reservation(1), dear)) == [
        "reservation 102 costs 400.00, not 375.00"
    ]


def test_a_seat_sold_after_the_end_is_told() -> None:
    late = reservation(2, reserved_at=instant(ENDS_MS))
    assert found(ledger(win(1), win(2)), kept(reservation(1), late)) == [
        "reservation 102 was accepted outside of the sale"
    ]


def test_every_sale_is_looked_at_by_itself() -> None:
    other = Kept(auction(id=8, seats_left=1), ())
    assert list(contradictions(ledger(win(1), win(2)), [kept(*BOTH), other])) == [
        "auction 8: 1 seats are sold and 0 are held"
    ]
