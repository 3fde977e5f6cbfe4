"""What exchanges prove about two clocks."""

from hypothesis import given
from hypothesis import strategies as st

from loadtests.bench.clocks import Bounds, Exchange, bounds

apart = st.floats(-5_000, 5_000)
trips = st.lists(
    st.tuples(st.floats(0, 1_000_000), st.floats(0, 20), st.floats(0, 20)), min_size=1, max_size=30
)


@given(apart, trips)
def test_the_true_difference_is_always_within_the_bounds(
    apart_ms: float, exchanges: list[tuple[float, float, float]]
) -> None:
    found = bounds(
        Exchange(asked, int((asked + there + apart_ms) // 1), asked + there + back)
        for asked, there, back in exchanges
    )
    assert found.low_ms <= apart_ms + 1e-6
    assert apart_ms <= found.high_ms + 1e-6


def test_many_quick_exchanges_tell_more_than_the_clocks_milliseconds() -> None:
    asked = [n * 10.03 for n in range(200)]
    found = bounds(Exchange(a, int(a + 0.1), a + 0.2) for a in asked)
    assert found.possible
    assert found.worst_ms < 0.25


def test_clocks_that_drift_apart_have_no_single_difference() -> None:
    found = bounds([Exchange(0.0, 0, 0.1), Exchange(1_000.0, 1_005, 1_000.1)])
    assert not found.possible


def test_the_worst_case_is_the_bound_further_from_zero() -> None:
    assert Bounds(-0.2, 0.7).worst_ms == 0.7
    assert Bounds(-0.9, 0.7).worst_ms == 0.9
