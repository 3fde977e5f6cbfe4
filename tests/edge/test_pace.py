"""A rate with a burst, kept in one number."""

from hypothesis import given
from hypothesis import strategies as st

from edge.pace import FRESH, Pace

NOW = 1_772_000_000_000


def taken(pace: Pace, instants: list[int]) -> list[int]:
    """Of calls at these instants, those that were let through."""
    due, passed = FRESH, []
    for now in instants:
        due, wait_ms = pace.take(due, now)
        if not wait_ms:
            passed.append(now)
    return passed


def test_a_burst_passes_and_the_next_waits_one_interval() -> None:
    pace = Pace(20, 1_000, 40)
    due = FRESH
    for _ in range(40):
        due, wait_ms = pace.take(due, NOW)
        assert wait_ms == 0
    same, wait_ms = pace.take(due, NOW)
    assert (same, 50 <= wait_ms <= 51) == (due, True)
    assert pace.take(due, NOW + wait_ms)[1] == 0


def test_after_a_burst_the_rate_is_what_is_left() -> None:
    passed = taken(Pace(20, 1_000, 40), [NOW + ms for ms in range(10_000)])
    assert 40 + 199 <= len(passed) <= 40 + 201


def test_idle_time_gives_no_more_than_a_burst() -> None:
    pace = Pace(5, 60_000, 5)
    assert len(taken(pace, [NOW] * 9 + [NOW + 86_400_000] * 9)) == 10


def test_whoever_is_refused_is_not_refused_longer_for_asking() -> None:
    pace = Pace(1, 1_000, 1)
    assert taken(pace, [NOW + ms for ms in range(0, 3_001, 10)])[:3] == [
        NOW,
        NOW + 1_000,
        NOW + 2_000,
    ]


@given(st.lists(st.integers(0, 300), max_size=200), st.integers(1, 9), st.integers(1, 9))
def test_no_window_ever_lets_more_through_than_burst_and_rate(
    gaps: list[int], count: int, burst: int
) -> None:
    instants, now = [], NOW
    for gap in gaps:
        now += gap
        instants.append(now)
    passed = taken(Pace(count, 1_000, burst), instants)
    for first, start in enumerate(passed):
        for last, end in enumerate(passed[first:], first):
            assert last - first + 1 <= burst + (end - start) * count / 1_000 + 1e-6


@given(st.lists(st.integers(0, 300), max_size=100))
def test_who_waits_as_told_is_let_through(gaps: list[int]) -> None:
    pace, due, now = Pace(7, 1_000, 3), FRESH, NOW
    for gap in gaps:
        now += gap
        due, wait_ms = pace.take(due, now)
        if wait_ms:
            now += wait_ms
            due, again_ms = pace.take(due, now)
            assert again_ms == 0
