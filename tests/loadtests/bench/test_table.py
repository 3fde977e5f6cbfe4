"""The table and the JSON."""

import json

import pytest

from loadtests.bench.figures import Beside, Figure
from loadtests.bench.table import FAILED, INCONCLUSIVE, Answered, as_json, number, table


def figure(name: str = "speed", note: str = "", doubts: tuple[str, ...] = ()) -> Figure:
    beside = Beside("the other way", (10.0, 10.0, 10.0))
    return Figure(
        name=name, unit="/s", samples=(30.0, 20.0, 40.0), beside=beside, note=note, doubts=doubts
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.0374, "0.037"),
        (1.234, "1.23"),
        (-4.0, "-4.00"),
        (12.34, "12.3"),
        (123.4, "123"),
        (45_678.9, "45,679"),
    ],
)
def test_numbers_are_shown_to_three_digits(value: float, shown: str) -> None:
    assert number(value) == shown


def test_a_row_holds_the_median_the_spread_the_rounds_and_the_ratio() -> None:
    row = table([Answered("commit", (figure(),))]).splitlines()[2]
    assert row.split() == [
        "commit",
        "speed",
        "30.0",
        "/s",
        "20.0",
        "40.0",
        "3",
        "the",
        "other",
        "way",
        "3.00",
    ]


def test_the_head_fits_over_its_columns() -> None:
    head, line, row, *_ = table([Answered("commit", (figure(),))]).splitlines()
    assert head.index("figure") == row.index("speed")
    assert head.index("beside it") == row.index("the other way")
    assert set(line) == {"-"}


def test_a_question_is_named_once() -> None:
    shown = table([Answered("commit", (figure("one"), figure("two")))])
    assert shown.count("commit") == 1


def test_a_figure_with_a_doubt_is_called_inconclusive_and_says_why() -> None:
    shown = table([Answered("rush", (figure(doubts=("the generator fell behind",)),))])
    assert f"{INCONCLUSIVE} [1]" in shown
    assert "[1] the generator fell behind" in shown.splitlines()


def test_figures_that_share_a_note_share_its_number() -> None:
    shown = table(
        [Answered("rush", (figure("a", "calm"), figure("b", "calm"), figure("c", "loud")))]
    )
    assert [line for line in shown.splitlines() if line.startswith("[")] == ["[1] calm", "[2] loud"]


def test_a_failure_stands_under_what_was_measured_before_it() -> None:
    shown = table([Answered("rush", (figure(),), "two 201 for one seat")])
    assert FAILED in shown.splitlines()[3]
    assert "[1] two 201 for one seat" in shown


def test_json_holds_every_sample() -> None:
    answer = Answered("commit", (figure(note="calm", doubts=("few",)),))
    told = json.loads(json.dumps(as_json([answer], {"cores": 2})))
    (question,) = told["questions"]
    assert (told["cores"], question["question"], question["failure"]) == (2, "commit", None)
    assert question["figures"] == [
        {
            "name": "speed",
            "unit": "/s",
            "median": 30.0,
            "lowest": 20.0,
            "highest": 40.0,
            "samples": [30.0, 20.0, 40.0],
            "beside": {"name": "the other way", "samples": [10.0, 10.0, 10.0]},
            "ratio": 3.0,
            "note": "calm",
            "doubts": ["few"],
        }
    ]
