"""Price frames: at each drop, of the scheduled instant, and only while somebody wants them."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.ticker import Ticker
from edge.topics import AuctionTopic
from engine.domain.auction import Auction, Status
from engine.frames import Frame, instant
from tests.edge.live_clients import wired
from tests.edge.live_shop import START_MS, TURBO, ManualClock, ManualTimers, auction_of
from tests.edge.live_world import Meters


class Bench:
    """A ticker over one auction, with one watcher who wants ticks."""

    def __init__(self, auction: Auction) -> None:
        self.clock = ManualClock()
        self.timers = ManualTimers(self.clock, yield_after_ms=1)
        self.meters = Meters()
        self.told: list[dict[str, Any]] = []
        self.ticker = Ticker(
            tell=self._tell, clock=self.clock, timers=self.timers, meters=self.meters
        )
        self.topic = AuctionTopic(auction.id)
        self.topic.auction = auction
        self.topic.told_ms = self.clock.now
        self.socket, _ = wired()
        self.topic.join(self.socket, 0, ticks=True)
        self.ticker.follow(self.topic)

    def _tell(self, topic: AuctionTopic, frame: Frame) -> None:
        assert topic is self.topic
        assert frame.kind == "price_update"
        self.told.append(orjson.loads(frame.payload))

    def at(self, ms: int) -> None:
        """It is now so long after the start."""
        self.clock.now = START_MS + ms
        self.timers.run_due()

    def take(self, auction: Auction) -> None:
        self.topic.auction = auction
        self.ticker.follow(self.topic)

    def steps(self) -> list[int]:
        return [told["step"] for told in self.told]


@pytest.fixture
def bench() -> Bench:
    return Bench(auction_of())


def test_a_drop_is_told_at_its_instant_with_the_price_it_made(bench: Bench) -> None:
    bench.at(999)
    assert bench.told == []
    bench.at(1_000)
    assert bench.told == [
        {
            "type": "price_update",
            "auction_id": 7,
            "revision": 1,
            "step": 1,
            "at": instant(START_MS + 1_000),
            "current_price": "490.00",
            "next_price": "480.00",
            "next_drop_at": instant(START_MS + 2_000),
        }
    ]
    assert bench.meters.late_ms == [0]


def test_every_drop_is_told_once(bench: Bench) -> None:
    for ms in range(0, 10_001, 100):
        bench.at(ms)
    assert bench.steps() == list(range(1, 11))


def test_of_missed_drops_only_the_latest_is_told_with_its_own_instant(bench: Bench) -> None:
    bench.at(7_300)
    assert bench.steps() == [7]
    assert bench.told[0]["at"] == instant(START_MS + 7_000)
    assert bench.told[0]["current_price"] == "430.00"
    assert bench.meters.late_ms == [300]
    bench.at(8_000)
    assert bench.steps() == [7, 8]


def test_a_frame_is_made_before_its_drop_and_only_told_at_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.at(800)
    monkeypatch.delattr("edge.ticker.frames.price_update")
    bench.at(999)
    assert bench.told == []
    bench.at(1_000)
    assert bench.steps() == [1]


def test_a_frame_that_is_out_of_date_by_the_time_it_is_told_is_made_anew(bench: Bench) -> None:
    bench.at(800)
    bench.at(2_000)
    assert bench.steps() == [2]
    assert bench.told[0]["current_price"] == "480.00"


def test_a_frame_made_for_an_older_view_is_not_told(bench: Bench) -> None:
    assert bench.topic.auction is not None
    bench.at(800)
    bench.take(replace(bench.topic.auction, revision=2))
    bench.at(1_000)
    assert [told["revision"] for told in bench.told] == [2]


def test_at_the_floor_there_is_nothing_more_to_tell_and_no_timer(bench: Bench) -> None:
    bench.at(60_000)
    assert bench.told[-1]["current_price"] == "100.00"
    assert bench.told[-1]["at"] == instant(START_MS + 40_000)
    assert bench.told[-1]["next_drop_at"] is None
    assert len(bench.timers) == 0


def test_before_the_start_the_first_drop_is_waited_for() -> None:
    bench = Bench(auction_of(status=Status.SCHEDULED, starts_at_ms=START_MS + 5_000))
    bench.at(5_999)
    assert bench.told == []
    bench.at(6_000)
    assert bench.steps() == [1]


def test_nobody_wants_ticks_no_timer(bench: Bench) -> None:
    bench.topic.join(bench.socket, 0, ticks=False)
    bench.ticker.follow(bench.topic)
    assert len(bench.timers) == 0
    bench.at(5_000)
    assert bench.told == []


def test_a_timer_that_fires_for_the_last_who_left_tells_nobody(bench: Bench) -> None:
    bench.topic.leave(bench.socket)
    bench.at(1_000)
    assert bench.told == []
    assert len(bench.timers) == 0


@pytest.mark.parametrize("status", [Status.SOLD, Status.CANCELLED, Status.EXPIRED])
def test_a_sale_that_stands_still_is_not_ticked(bench: Bench, status: Status) -> None:
    assert bench.topic.auction is not None
    bench.at(1_500)
    bench.take(replace(bench.topic.auction, status=status, frozen_at_ms=START_MS + 1_500))
    bench.at(9_000)
    assert bench.steps() == [1]
    assert len(bench.timers) == 0


def test_a_change_that_arrives_before_the_late_timer_does_not_swallow_the_drop() -> None:
    bench = Bench(auction_of(seats=2))
    assert bench.topic.auction is not None
    bench.clock.now = START_MS + 1_004  # the drop is due, its timer has not fired
    bench.take(replace(bench.topic.auction, revision=2, seats_left=1))
    bench.timers.run_due()
    assert [(told["revision"], told["step"]) for told in bench.told] == [(2, 1)]


def test_a_relisting_is_not_told_twice_but_a_drop_after_its_snapshot_is() -> None:
    bench = Bench(auction_of())
    assert bench.topic.auction is not None
    live = bench.topic.auction
    bench.take(replace(live, status=Status.SOLD, revision=2, frozen_at_ms=START_MS))
    bench.clock.now = START_MS + 5_500
    bench.topic.auction = replace(live, revision=3)
    bench.ticker.told(bench.topic, step=5)
    bench.ticker.follow(bench.topic)
    bench.timers.run_due()
    assert bench.told == []

    bench.clock.now = START_MS + 6_001
    bench.ticker.told(bench.topic, step=5)  # made before the sixth drop, carried after it
    bench.ticker.follow(bench.topic)
    bench.timers.run_due()
    assert bench.steps() == [6]


def test_turbo_drops_are_told_at_their_own_instants() -> None:
    turbo = replace(TURBO, trigger_ms=3_597_500)  # it starts at +2,500
    bench = Bench(auction_of(turbo=turbo))
    for ms in range(0, 4_001, 50):
        bench.at(ms)
    told = [(t["at"], t["current_price"]) for t in bench.told]
    assert told == [
        (instant(START_MS + 1_000), "490.00"),
        (instant(START_MS + 2_000), "480.00"),
        (instant(START_MS + 3_000), "465.00"),
        (instant(START_MS + 3_500), "460.00"),
        (instant(START_MS + 4_000), "445.00"),
    ]


def test_the_present_price_is_told_as_the_drop_that_made_it(bench: Bench) -> None:
    bench.clock.now = START_MS + 3_600
    frame = bench.ticker.price_now(auction_of())
    told = orjson.loads(frame.payload)
    assert (told["step"], told["current_price"]) == (3, "470.00")
    assert told["at"] == instant(START_MS + 3_000)


def test_before_any_drop_the_present_price_is_that_of_the_start(bench: Bench) -> None:
    bench.clock.now = START_MS + 10
    assert orjson.loads(bench.ticker.price_now(auction_of()).payload)["at"] == instant(START_MS)
    early = auction_of(status=Status.SCHEDULED, starts_at_ms=START_MS + 500)
    told = orjson.loads(bench.ticker.price_now(early).payload)
    assert (told["at"], told["step"]) == (instant(START_MS + 10), 0)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 5_000),
    st.integers(1, 60_000),
    st.integers(1, 5_000),
    st.booleans(),
    st.lists(st.integers(1, 9_000), min_size=1, max_size=30),
)
def test_wake_as_it_may_each_frame_is_the_latest_drop_and_the_last_price_is_told(
    every_ms: int, amount: int, turbo_ms: int, with_turbo: bool, gaps: list[int]
) -> None:
    turbo = replace(TURBO, trigger_ms=3_600_000 - turbo_ms) if with_turbo else None
    auction = auction_of(drop_every_ms=every_ms, drop_amount=min(amount, 40_000), turbo=turbo)
    bench, ms = Bench(auction), 0
    for gap in gaps:
        ms += gap
        before = len(bench.told)
        bench.at(ms)
        now = START_MS + ms
        changed = auction.price_at(now) != auction.price_at(now - gap)
        assert len(bench.told) - before == changed
        if changed:
            told = bench.told[-1]
            assert told["step"] == auction.step_at(now)
            fell = next(
                t for t in range(now - gap, now + 1) if auction.price_at(t) == auction.price_at(now)
            )
            assert told["at"] == instant(fell)
