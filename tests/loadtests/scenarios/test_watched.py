"""One auction as a watching guest holds it, and what that guest would complain of."""

from typing import Any

import pytest

from loadtests.scenarios.schedule import instant
from loadtests.scenarios.watched import Watched
from tests.loadtests.scenarios.samples import STARTS_MS, snapshot

DROP_MS = STARTS_MS + 10_000


def drop(**changes: Any) -> dict[str, Any]:
    frame = {
        "type": "price_update",
        "auction_id": 7,
        "revision": 2,
        "step": 1,
        "at": instant(DROP_MS),
        "current_price": "375.00",
    }
    return frame | changes


def booked(**changes: Any) -> dict[str, Any]:
    frame = {
        "type": "auction_booked",
        "auction_id": 7,
        "revision": 3,
        "step": 0,
        "at": instant(STARTS_MS + 5),
        "price": "400.00",
        "seats_left": 1,
        "status": "ACTIVE",
    }
    return frame | changes


def updated(**changes: Any) -> dict[str, Any]:
    return {"type": "auction_updated", "at": instant(DROP_MS), **snapshot(revision=3), **changes}


def test_frames_in_order_carry_a_sale_on() -> None:
    watched = Watched(snapshot())
    assert watched.frame(drop(), DROP_MS) is None
    assert watched.frame(booked(revision=3, step=1, at=instant(DROP_MS), price="375.00"), 0) is None
    assert (watched.revision, watched.step, watched.price) == (3, 1, 37_500)
    assert not watched.over


def test_a_sale_is_over_when_its_last_seat_is_gone() -> None:
    watched = Watched(snapshot())
    assert watched.frame(booked(status="SOLD"), 0) is None
    assert watched.over


def test_a_seat_may_have_gone_for_the_price_before_a_drop_that_was_told_meanwhile() -> None:
    watched = Watched(snapshot())
    assert watched.frame(drop(), DROP_MS) is None
    assert watched.frame(booked(), 0) is None
    assert watched.price == 37_500


@pytest.mark.parametrize("frame", [booked(revision=4), drop(revision=3)])
def test_something_missing_asks_for_a_new_snapshot(frame: Any) -> None:
    watched = Watched(snapshot())
    assert watched.frame(frame, DROP_MS) is None
    assert (watched.revision, watched.gap) == (2, True)
    watched.snapshot(snapshot(revision=4))
    assert (watched.revision, watched.gap) == (4, False)


def test_a_whole_snapshot_in_a_frame_leaves_no_gap() -> None:
    watched = Watched(snapshot())
    assert watched.frame(updated(revision=9), 0) is None
    assert (watched.revision, watched.gap) == (9, False)


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        (drop(revision=1), "(1, 1) came after (2, 0)"),
        (drop(current_price="425.00"), "the price rose from 40000 to 42500"),
        (updated(current_price="425.00"), "the price rose from 40000 to 42500"),
        (drop(current_price="370.00"), "37000 is not the schedule's price"),
        (drop(current_price="350.00"), "35000 is not the schedule's price"),
        (booked(price="390.00"), "a seat went for 39000, not 40000"),
        (booked(booking_code="HOT-2222"), "a frame for everybody holds booking_code"),
        (booked(user_id=1, email="a@b.example"), "a frame for everybody holds email, user_id"),
    ],
)
def test_a_frame_against_the_contract_is_complained_of(frame: Any, complaint: str) -> None:
    assert Watched(snapshot()).frame(frame, DROP_MS) == complaint
