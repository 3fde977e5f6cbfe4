"""Prices and instants as a client works them out."""

from itertools import islice

import pytest

from loadtests.scenarios.schedule import Drop, Schedule, decimal, instant, instant_ms, minor
from tests.loadtests.scenarios.samples import ENDS_MS, STARTS_MS, schedule

TURBO = {"from": instant(STARTS_MS + 30_000), "every_ms": 1_000, "amount": "5.00"}


@pytest.mark.parametrize(("text", "amount"), [("0.05", 5), ("149.90", 14_990), ("400.00", 40_000)])
def test_amounts_are_read_and_written(text: str, amount: int) -> None:
    assert minor(text) == amount
    assert decimal(amount) == text


def test_instants_are_read_and_written_to_the_millisecond() -> None:
    assert instant(STARTS_MS + 7) == "2026-03-12T07:20:00.007Z"
    assert instant_ms("2026-03-12T07:20:00.007Z") == STARTS_MS + 7


def test_a_schedule_is_read_as_it_travels() -> None:
    read = Schedule.of(schedule())
    drop = Drop(STARTS_MS, 10_000, 2_500)
    assert read == Schedule(STARTS_MS, ENDS_MS, 40_000, 32_500, (drop,))


@pytest.mark.parametrize(
    ("after_ms", "price"),
    [(-1, 40_000), (0, 40_000), (9_999, 40_000), (10_000, 37_500), (30_000, 32_500)],
)
def test_a_price_falls_at_the_end_of_each_interval(after_ms: int, price: int) -> None:
    assert Schedule.of(schedule()).price_at(STARTS_MS + after_ms) == price


def test_turbo_takes_its_own_off_beside_the_usual_drops() -> None:
    both = Schedule.of(schedule(drops=[*schedule()["drops"], TURBO], floor_price="50.00"))
    assert both.price_at(STARTS_MS + 30_999) == 40_000 - 3 * 2_500
    assert both.price_at(STARTS_MS + 32_000) == 40_000 - 3 * 2_500 - 2 * 500


def test_changes_come_until_the_floor_is_reached() -> None:
    changes = Schedule.of(schedule()).changes_after(STARTS_MS + 10_000)
    assert [at_ms - STARTS_MS for at_ms in changes] == [20_000, 30_000]


def test_changes_come_until_the_sale_ends() -> None:
    changes = list(Schedule.of(schedule(floor_price="50.00")).changes_after(STARTS_MS))
    assert changes[-1] == ENDS_MS - 10_000


def test_before_the_start_the_first_change_is_the_first_drop() -> None:
    turbo = Schedule.of(schedule(drops=[*schedule()["drops"], TURBO], floor_price="50.00"))
    changes = islice(turbo.changes_after(STARTS_MS - 99_999), 4)
    assert [at_ms - STARTS_MS for at_ms in changes] == [10_000, 20_000, 30_000, 31_000]
