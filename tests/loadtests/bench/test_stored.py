"""A run compared with stored ratios: what is worse is found, noise and doubt are not."""

from loadtests.bench.figures import Beside, Figure
from loadtests.bench.stored import better_of, judged, missing, ratios_of
from loadtests.bench.table import Answered


def answered(mine: float, its: float, unit: str = "us", doubts: tuple[str, ...] = ()) -> Answered:
    figure = Figure(
        name="a loser",
        unit=unit,
        samples=(mine,),
        beside=Beside("an empty handler", (its,)),
        doubts=doubts,
    )
    return Answered("losers", (figure,))


NAME = "losers: a loser / an empty handler"


def test_what_is_stored_is_each_ratio_under_its_question() -> None:
    assert ratios_of([answered(30, 20)]) == {NAME: 1.5}
    assert ratios_of([answered(30, 20, doubts=("crowded",))]) == {}


def test_a_cost_that_grew_by_more_than_a_quarter_is_a_regression() -> None:
    (held,) = judged([answered(37, 20)], {NAME: 1.5})
    (lost,) = judged([answered(38, 20)], {NAME: 1.5})
    assert (held.regressed, lost.regressed) == (False, True)
    assert "REGRESSION" in str(lost)


def test_of_what_is_done_a_second_less_is_worse() -> None:
    (held,) = judged([answered(81, 10, "/s")], {NAME: 10})
    (lost,) = judged([answered(79, 10, "/s")], {NAME: 10})
    (better,) = judged([answered(200, 10, "/s")], {NAME: 10})
    assert (held.regressed, lost.regressed, better.regressed) == (False, True, False)


def test_of_what_somebody_else_costs_beside_ours_less_is_worse() -> None:
    beside = Beside("HotHour, REST", (10.0,))
    theirs = Figure(name="a seed loser", unit="us", samples=(79.0,), beside=beside)
    (lost,) = judged(
        [Answered("losers", (theirs,))], {"losers: a seed loser / HotHour, REST": 10.0}
    )
    assert lost.regressed


def test_a_doubtful_figure_is_not_judged() -> None:
    (doubtful,) = judged([answered(100, 1, doubts=("crowded",))], {NAME: 1})
    assert not doubtful.regressed
    assert "not judged" in str(doubtful)


def test_what_is_slow_by_chance_is_slow_once() -> None:
    first, second = judged([answered(90, 20)], {NAME: 2}), judged([answered(42, 20)], {NAME: 2})
    assert [each.now for each in better_of(first, second)] == [2.1]
    doubtful = judged([answered(20, 20, doubts=("crowded",))], {NAME: 2})
    assert [each.now for each in better_of(first, doubtful)] == [4.5]


def test_a_stored_figure_that_did_not_come_is_named() -> None:
    assert missing([answered(1, 1)], {NAME: 1, "losers: another": 1, "rush: x": 1}) == [
        "losers: another"
    ]
