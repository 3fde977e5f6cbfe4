"""What watchers are told, to the byte."""

from dataclasses import replace

import orjson
import pytest

from engine import frames
from engine.domain.auction import Status
from engine.domain.messages import Book, CancelAuction, GiveBack, TriggerTurbo
from tests.domain.sales import END, MINUTE, START, TURBO, Sale, auction


def test_an_instant_has_milliseconds_and_a_z() -> None:
    assert frames.instant(START + 7) == "2027-01-15T08:00:00.007Z"
    assert frames.instant(0) == "1970-01-01T00:00:00.000Z"
    assert frames.optional_instant(None) is None
    assert frames.optional_instant(0) == "1970-01-01T00:00:00.000Z"


def test_a_snapshot_holds_all_a_client_needs_to_draw_every_drop() -> None:
    sale = auction(turbo=TURBO, status=Status.ACTIVE, revision=2)
    now = START + 31 * MINUTE
    told = frames.snapshot(sale, now, watchers=5)
    assert told == {
        "auction_id": 1,
        "revision": 2,
        "step": 1,
        "status": "ACTIVE",
        "current_price": "190.00",
        "currency": "TRY",
        "seats": 1,
        "seats_left": 1,
        "schedule": {
            "starts_at": frames.instant(START),
            "ends_at": frames.instant(END),
            "start_price": "200.00",
            "floor_price": "50.00",
            "drops": [
                {"from": frames.instant(START), "every_ms": 1_800_000, "amount": "10.00"},
                {
                    "from": frames.instant(END - TURBO.trigger_ms),
                    "every_ms": 300_000,
                    "amount": "5.00",
                },
            ],
        },
        "turbo_started_at": None,
        "next_price": "180.00",
        "next_drop_at": frames.instant(START + 60 * MINUTE),
        "watchers": 5,
        "server_time": frames.instant(now),
    }


def test_a_row_of_the_lobby_is_short() -> None:
    sale = auction(status=Status.ACTIVE)
    told = frames.short_snapshot(sale, START)
    assert told["next_drop_at"] == frames.instant(START + 30 * MINUTE)
    assert told["title"] == "Yoga"
    assert not told["turbo"]
    assert frames.short_snapshot(replace(sale, status=Status.EXPIRED), END)["next_drop_at"] is None


def test_a_price_frame_says_when_the_drop_was_and_what_it_costs_now() -> None:
    sale = auction(status=Status.ACTIVE, revision=2)
    frame = frames.price_update(sale, START + 60 * MINUTE + 3, START + 30 * MINUTE)
    told = orjson.loads(frame.payload)
    assert told == {
        "type": "price_update",
        "auction_id": 1,
        "revision": 2,
        "step": 2,
        "at": frames.instant(START + 30 * MINUTE),
        "current_price": "180.00",
        "next_price": "170.00",
        "next_drop_at": frames.instant(START + 90 * MINUTE),
    }
    assert (frame.revision, frame.step, frame.full) == (2, 2, False)


def test_a_booking_is_told_without_a_word_about_who() -> None:
    sale = Sale()
    decision = sale.tell(Book(4_711, key="a-very-secret-key"), START + MINUTE)
    frame = frames.significant(decision.events[-1], START + MINUTE, watchers=1)
    told = orjson.loads(frame.payload)
    assert told == {
        "type": "auction_booked",
        "auction_id": 1,
        "revision": 3,
        "step": 0,
        "at": frames.instant(START + MINUTE),
        "price": "200.00",
        "seats_left": 0,
        "status": "SOLD",
    }
    assert b"4711" not in frame.payload
    assert decision.booked[0].code.encode() not in frame.payload


@pytest.mark.parametrize(
    ("reason", "frame_type"),
    [
        ("activated", "auction_updated"),
        ("turbo_triggered", "turbo_triggered"),
        ("expired", "auction_updated"),
        ("cancelled", "auction_updated"),
        ("relisted", "auction_updated"),
    ],
)
def test_every_other_change_carries_a_whole_snapshot(reason: str, frame_type: str) -> None:
    sale = Sale(turbo=TURBO)
    sold = sale.sold_to(7, START).reservation
    events = list(sale.tell(GiveBack(sold.id, 7), START + MINUTE).events)
    events += sale.tell(TriggerTurbo(by=9, force=True), START + 2 * MINUTE).events
    events += Sale().tell(CancelAuction(by=9), END).events
    event = next(e for e in events if e.kind == reason)
    frame = frames.significant(event, event.at_ms + 5, watchers=2)
    told = orjson.loads(frame.payload)
    assert told["type"] == frame_type
    assert told["at"] == frames.instant(event.at_ms)
    assert set(frames.snapshot(event.after, 0, 0)) <= set(told)
    assert frame.full
    if frame_type == "auction_updated":
        assert told["reason"] == reason
    else:
        assert told["remaining_minutes"] == 118
        assert told["turbo_started_at"] == frames.instant(event.at_ms)


def test_a_resync_is_the_present_state() -> None:
    frame = frames.resync(auction(), START, watchers=0)
    told = orjson.loads(frame.payload)
    assert (told["type"], told["reason"], frame.full) == ("auction_updated", "resync", True)


def test_the_guest_alone_is_told_the_code() -> None:
    sale = Sale()
    decision = sale.tell(Book(7), START)
    (notice,) = decision.notices
    fields = frames.notice_fields(notice, sale.auction)
    told = orjson.loads(frames.personal(notice.kind, notice.id, fields).payload)
    sold = decision.booked[0]
    assert told == {
        "type": "booking_confirmed",
        "event_id": notice.id,
        "id": sold.id,
        "auction_id": 1,
        "user_id": 7,
        "locked_price": "200.00",
        "currency": "TRY",
        "booking_code": sold.code,
        "status": "PENDING_ON_SITE",
        "reserved_at": frames.instant(START),
        "revision": 3,
        "seat_no": 1,
        "cancellable_until": frames.instant(sale.auction.cancellable_until_ms(START)),
        "at": frames.instant(START),
    }
