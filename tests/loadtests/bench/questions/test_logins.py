"""What counts as an answer to a log-in, and how stretches are put together."""

import pytest

from loadtests.bench.histogram import within
from loadtests.bench.questions.logins import summed, unfit

IN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
LATER = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n"


def test_a_session_and_a_later_are_both_right() -> None:
    assert unfit([IN, LATER, IN]) is None


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n", "401"),
        (b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n\r\n", "429"),
        (LATER.replace(b"Retry-After", b"Retry-Never"), "503 without Retry-After"),
        (b"HTTP/1.1 503 Busy\r\n\r\nx\r\nRetry-After: 1", "503 without Retry-After"),
    ],
)
def test_every_other_answer_is_wrong(answer: bytes, said: str) -> None:
    assert unfit([IN, answer, LATER]) == said


def test_a_rare_lateness_is_seen_over_several_stretches() -> None:
    calm, late = {0.01: 40.0, 0.1: 40.0}, {0.01: 38.0, 0.1: 40.0}
    none = dict.fromkeys(calm, 0.0)
    assert within(none, summed([calm] * 3), 0.99) == 0.01
    assert within(summed([none] * 3), summed([calm, calm, late]), 0.99) == 0.1
