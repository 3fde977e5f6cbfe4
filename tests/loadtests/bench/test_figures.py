"""What figures are made of."""

from math import inf

from loadtests.bench.figures import Beside, Effort, Figure, doubts, leaves, quantile, quantiles


def figure(*samples: float, beside: tuple[float, ...] | None = None) -> Figure:
    other = None if beside is None else Beside("other", beside)
    return Figure(name="f", unit="ms", samples=samples, beside=other)


def test_a_figure_is_the_median_of_its_rounds_between_lowest_and_highest() -> None:
    one = figure(9.0, 1.0, 2.0)
    assert (one.median, one.low, one.high) == (2.0, 1.0, 9.0)


def test_a_ratio_is_taken_round_by_round() -> None:
    # Round two was slow for both; the medians' ratio would be 20 / 5 = 4.
    assert figure(10.0, 20.0, 30.0, beside=(5.0, 100.0, 5.0)).ratio == 2.0


def test_rounds_that_cannot_be_paired_are_compared_by_their_medians() -> None:
    assert figure(10.0, 20.0, 30.0, beside=(4.0, 6.0)).ratio == 4.0


def test_there_is_no_ratio_to_nothing() -> None:
    assert figure(1.0).ratio is None
    assert figure(1.0, beside=(0.0,)).ratio is None


def test_a_quantile_is_a_sample_that_enough_others_do_not_exceed() -> None:
    hundred = [float(n) for n in range(100, 0, -1)]
    assert quantile(hundred, 0.5) == 50.0
    assert quantile(hundred, 0.99) == 99.0
    assert quantile(hundred, 0.999) == 100.0
    assert quantile([7.0], 0.01) == 7.0
    assert quantile([1.0, inf], 0.5) == 1.0


def test_each_round_has_its_own_quantile() -> None:
    assert quantiles([[1.0, 2.0, 3.0], [30.0, 20.0, 10.0]], 0.5) == (2.0, 20.0)


def test_doubts_are_the_reasons_that_were_found_each_once() -> None:
    assert doubts([None, "slow", "", "slow", "few"]) == ("slow", "few")


def test_a_quick_run_does_less() -> None:
    assert (Effort().of(5, 2), Effort(quick=True).of(5, 2)) == (5, 2)


def test_what_groups_of_errors_hold_is_found_at_any_depth() -> None:
    one, two = ValueError("one"), KeyError("two")
    group = ExceptionGroup("outer", [one, ExceptionGroup("inner", [two])])
    assert list(leaves(group)) == [one, two]
