"""The price equals the oracle's at every instant that matters, and never does what it must not."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.pricing import Change, Drop, PriceSchedule
from tests.domain import oracle
from tests.domain.strategies import Case, cases, random_case

HOURLY = PriceSchedule(
    starts_at_ms=1_000,
    ends_at_ms=1_100,
    start_price=500,
    floor_price=100,
    drops=(Drop(1_000, 30, 150),),
)
WITH_TURBO = replace(HOURLY, drops=(Drop(1_000, 30, 50), Drop(1_050, 10, 20)))


def as_expected(change: Change | None) -> oracle.Expected | None:
    if change is None:
        return None
    return oracle.Expected(change.at_ms, Fraction(change.price, 100), change.step)


def schedule_of(case: Case) -> PriceSchedule:
    return case.terms.schedule(case.turbo_started_at_ms)


def around(instants: list[int]) -> list[int]:
    return [at_ms + off for at_ms in instants for off in (-1, 0, 1)]


# What a reader can check by hand


@pytest.mark.parametrize(
    ("t_ms", "price", "step"),
    [
        (0, 500, 0),
        (1_000, 500, 0),
        (1_029, 500, 0),
        (1_030, 350, 1),
        (1_059, 350, 1),
        (1_060, 200, 2),
        (1_090, 100, 3),
        (1_099, 100, 3),
        (1_100, 100, 3),
        (10**15, 100, 3),
    ],
)
def test_price_falls_at_exactly_each_drop_and_stops_at_the_floor(
    t_ms: int, price: int, step: int
) -> None:
    assert HOURLY.price_at(t_ms) == price
    assert HOURLY.step_at(t_ms) == step


def test_a_drop_that_falls_on_the_end_never_happens() -> None:
    ending_on_a_drop = replace(HOURLY, ends_at_ms=1_060)
    assert ending_on_a_drop.price_at(1_059) == 350
    assert ending_on_a_drop.price_at(1_060) == 350
    assert ending_on_a_drop.step_at(1_060) == 1
    assert ending_on_a_drop.next_change_after(1_030) is None


def test_steps_are_counted_on_below_the_floor() -> None:
    steep = replace(HOURLY, drops=(Drop(1_000, 10, 400),))
    assert steep.price_at(1_010) == steep.price_at(1_095) == 100
    assert (steep.step_at(1_010), steep.step_at(1_095)) == (1, 9)


def test_normal_drops_go_on_during_turbo_and_both_are_counted() -> None:
    assert WITH_TURBO.counts_at(1_049) == (1, 0)
    assert WITH_TURBO.counts_at(1_085) == (2, 3)
    assert WITH_TURBO.price_at(1_085) == 500 - 2 * 50 - 3 * 20
    assert WITH_TURBO.counts_at(999) == (0, 0)


def test_drops_at_one_instant_are_one_change() -> None:
    assert WITH_TURBO.next_change_after(1_059) == Change(1_060, 500 - 2 * 50 - 20, 3)


def test_before_the_start_the_first_drop_comes_next() -> None:
    assert HOURLY.next_change_after(-5) == Change(1_030, 350, 1)
    assert HOURLY.next_change_after(999) == Change(1_030, 350, 1)


def test_at_a_drop_the_next_one_is_named() -> None:
    assert HOURLY.next_change_after(1_029) == Change(1_030, 350, 1)
    assert HOURLY.next_change_after(1_030) == Change(1_060, 200, 2)


def test_nothing_comes_after_the_floor_or_the_end() -> None:
    assert HOURLY.next_change_after(1_089) == Change(1_090, 100, 3)
    assert HOURLY.next_change_after(1_090) is None
    assert HOURLY.next_change_after(1_100) is None
    assert replace(HOURLY, floor_price=1).next_change_after(1_100) is None


def test_the_curve_opens_with_the_start_price_and_is_bounded() -> None:
    whole = [Change(1_000, 500, 0), Change(1_030, 350, 1), Change(1_060, 200, 2)]
    whole.append(Change(1_090, 100, 3))
    assert list(HOURLY.curve(100)) == whole
    assert list(HOURLY.curve(4)) == whole
    assert list(HOURLY.curve(2)) == whole[:2]
    assert list(HOURLY.curve(0)) == []


@pytest.mark.parametrize(("every_ms", "amount"), [(0, 1), (-1, 1), (1, 0), (1, -1)])
def test_a_drop_must_take_time_and_take_something_off(every_ms: int, amount: int) -> None:
    assert Drop(0, 1, 1).amount == 1
    with pytest.raises(ValueError, match="above zero"):
        Drop(0, every_ms, amount)


def test_a_schedule_that_could_rise_or_begin_early_is_refused() -> None:
    with pytest.raises(ValueError, match="falls from start to end"):
        replace(HOURLY, ends_at_ms=HOURLY.starts_at_ms)
    with pytest.raises(ValueError, match="falls from start to end"):
        replace(HOURLY, floor_price=501)
    with pytest.raises(ValueError, match="before the start"):
        replace(HOURLY, drops=(Drop(999, 30, 1),))
    assert replace(HOURLY, floor_price=500).price_at(1_050) == 500


# What holds for every sale


@settings(deadline=None)
@given(cases())
def test_price_step_and_counts_equal_the_oracle_around_every_boundary(case: Case) -> None:
    schedule, sale = schedule_of(case), case.sale()
    edges = [sale.start_ms, *oracle.boundaries(sale), sale.end_ms]
    if sale.turbo is not None:
        edges.append(sale.turbo.started_at_ms)
    for t_ms in around(edges):
        assert Fraction(schedule.price_at(t_ms), 100) == oracle.price(sale, t_ms)
        assert schedule.step_at(t_ms) == oracle.step(sale, t_ms)
        counts = (*schedule.counts_at(t_ms), 0)
        assert counts[:2] == oracle.n_and_m(sale, t_ms)


def test_price_and_step_equal_the_oracle_at_100_000_random_points() -> None:
    rng = Random("a hundred thousand points")
    points = 0
    for _ in range(2_000):
        case = random_case(rng)
        schedule, sale = schedule_of(case), case.sale()
        for _ in range(50):
            t_ms = rng.randint(sale.start_ms - 10_000, sale.end_ms + 10_000)
            assert Fraction(schedule.price_at(t_ms), 100) == oracle.price(sale, t_ms)
            assert schedule.step_at(t_ms) == oracle.step(sale, t_ms)
            points += 1
    assert points == 100_000


@settings(deadline=None)
@given(cases(), st.data())
def test_price_never_rises_and_never_passes_the_floor(case: Case, data: st.DataObject) -> None:
    schedule = schedule_of(case)
    instants = st.integers(schedule.starts_at_ms - 1_000, schedule.ends_at_ms + 1_000)
    seen = sorted(data.draw(st.lists(instants, min_size=2, max_size=20)))
    for earlier, later in pairwise(seen):
        assert schedule.price_at(earlier) >= schedule.price_at(later) >= schedule.floor_price
        assert schedule.step_at(earlier) <= schedule.step_at(later)
    assert schedule.price_at(seen[0]) <= schedule.start_price


@settings(deadline=None)
@given(cases(), st.data())
def test_forcing_turbo_early_never_raises_a_price(case: Case, data: st.DataObject) -> None:
    forced, scheduled = schedule_of(case), case.terms.schedule()
    t_ms = data.draw(st.integers(forced.starts_at_ms, forced.ends_at_ms))
    assert forced.price_at(t_ms) <= scheduled.price_at(t_ms)


@settings(deadline=None)
@given(cases(window_ms_max=60))
def test_next_change_agrees_with_looking_at_every_millisecond(case: Case) -> None:
    schedule, sale = schedule_of(case), case.sale()
    every_ms = list(range(sale.start_ms - 3, sale.end_ms + 3))
    for t_ms in every_ms:
        expected = oracle.next_change(sale, t_ms, every_ms)
        assert as_expected(schedule.next_change_after(t_ms)) == expected


@settings(deadline=None)
@given(cases())
def test_the_curve_is_every_change_of_the_oracle(case: Case) -> None:
    schedule, sale = schedule_of(case), case.sale()
    expected = [oracle.Expected(sale.start_ms, sale.start_price, 0)]
    held = sale.start_price
    for at_ms in oracle.boundaries(sale):
        price = oracle.price(sale, at_ms)
        if price != held:
            expected.append(oracle.Expected(at_ms, price, oracle.step(sale, at_ms)))
            held = price
    assert [as_expected(change) for change in schedule.curve(10_000)] == expected
