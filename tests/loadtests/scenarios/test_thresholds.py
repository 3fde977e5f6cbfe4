"""What is good enough, and the sentences about what was not."""

from pathlib import Path

import pytest

from loadtests import scenarios
from loadtests.scenarios.thresholds import Measured, Unreadable, failed, read, share

FILE = Path(scenarios.__file__).with_name("thresholds.toml")
TEXT = """
wins_min = 20
[every]
p50_ms = 100
[requests."POST /book"]
answers = ["201", "SOLD"]
count_min = 1000
failure_share_max = 0.01
p99_ms = 400
"""
GOOD = {
    "POST /book": Measured(2_000, 20, {"50": 90.0, "99": 400.0}),
    "GET /": Measured(10, 0, {"50": 100.0}),
}


def test_a_run_within_its_limits_is_good() -> None:
    assert list(failed(read(TEXT), GOOD, 20)) == []


def test_what_holds_for_every_request_holds_for_those_that_are_named_too() -> None:
    assert read(TEXT).of("POST /book").quantiles_ms == {"50": 100.0, "99": 400.0}


def test_a_product_that_is_half_a_second_slower_fails_each_kind() -> None:
    slow = {
        name: Measured(
            seen.count, 0, {digits: ms + 500 for digits, ms in seen.quantiles_ms.items()}
        )
        for name, seen in GOOD.items()
    }
    assert list(failed(read(TEXT), slow, 20)) == [
        "GET /: p50 is 600 ms, at most 100 ms allowed",
        "POST /book: p50 is 590 ms, at most 100 ms allowed",
        "POST /book: p99 is 900 ms, at most 400 ms allowed",
    ]


def test_too_many_failures_fail() -> None:
    seen = GOOD | {"POST /book": Measured(2_000, 21, {})}
    assert list(failed(read(TEXT), seen, 20)) == [
        "POST /book: 21 of 2,000 failed (1.05%), at most 1.00% allowed"
    ]


def test_one_failure_is_too_many_where_nothing_is_said() -> None:
    seen = GOOD | {"GET /": Measured(10, 1, {})}
    assert list(failed(read(TEXT), seen, 20)) == [
        "GET /: 1 of 10 failed (10.00%), at most 0.00% allowed"
    ]


def test_a_run_in_which_nothing_happened_is_not_good() -> None:
    assert list(failed(read(TEXT), {}, 3)) == [
        "3 seats were won, at least 20 expected",
        "POST /book: 0 of them, at least 1,000 expected",
    ]


@pytest.mark.parametrize(
    ("name", "answer", "allowed"),
    [
        ("POST /book", "201", True),
        ("POST /book", "SOLD", True),
        ("POST /book", "200", False),
        ("POST /book", "BUSY", False),
        ("GET /", "304", True),
        ("LIVE ping", "ok", True),
        ("GET /", "NOT_FOUND", False),
        ("GET /", "NO_ANSWER", False),
    ],
)
def test_an_answer_is_a_failure_unless_it_is_allowed(name: str, answer: str, allowed: bool) -> None:
    assert read(TEXT).allow(name, answer) is allowed


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("wins_min = ", "thresholds: .*"),
        ("winners = 3", "thresholds: winners is not known"),
        ("[every]\np95 = 3", "thresholds of every: p95 is not known"),
        ('[requests."GET /"]\nanswer = []', "thresholds of GET /: answer is not known"),
    ],
)
def test_a_file_that_says_something_else_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(Unreadable, match=f"^{complaint}"):
        read(text)


def test_quantiles_go_by_their_digits() -> None:
    assert [share("50"), share("95"), share("999")] == [0.5, 0.95, 0.999]


def test_the_file_of_make_load_would_notice_half_a_second_everywhere() -> None:
    limits = read(FILE.read_text("utf-8"))
    for each in (limits.every, *limits.requests.values()):
        assert (each.quantiles_ms or {})["50"] < 500
