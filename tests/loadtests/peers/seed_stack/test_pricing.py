"""The seed stack's prices are the product's."""

from datetime import UTC, datetime, timedelta

import pytest

from loadtests.peers.seed_stack.pricing import Schedule, decimal

START = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
SCHEDULE = Schedule(10_000, 9_700, 100, 500, START, START + timedelta(hours=1))


@pytest.mark.parametrize(
    ("after_ms", "price"), [(-1, 10_000), (0, 10_000), (499, 10_000), (500, 9_900), (9_999, 9_700)]
)
def test_the_price_falls_at_each_whole_interval_and_never_below_the_floor(
    after_ms: int, price: int
) -> None:
    assert SCHEDULE.price_at(START + timedelta(milliseconds=after_ms)) == price


def test_the_next_drop_is_after_now() -> None:
    half = timedelta(milliseconds=500)
    assert SCHEDULE.next_drop_at(START) == START + half
    assert SCHEDULE.next_drop_at(START + half) == START + 2 * half


def test_it_is_live_from_its_start_until_its_end() -> None:
    assert not SCHEDULE.live_at(START - timedelta(milliseconds=1))
    assert SCHEDULE.live_at(START)
    assert not SCHEDULE.live_at(SCHEDULE.ends_at)


def test_prices_are_told_with_two_decimals() -> None:
    assert (decimal(90_000_005), decimal(7)) == ("900000.05", "0.07")
