"""The guests of the benchmarks, over HTTP."""

import pytest

from loadtests.bench.http_load import Answer, press, whole_answer
from loadtests.bench.product import Guest, Server

ANSWER = b'HTTP/1.1 409 Conflict\r\nX: y\r\nContent-Length: 17\r\n\r\n{"code":"SOLD"}\r\n'


def test_an_answer_is_read_with_its_body() -> None:
    assert whole_answer(ANSWER) == (Answer(409, b'{"code":"SOLD"}\r\n'), b"")


@pytest.mark.parametrize("length", range(len(ANSWER)))
def test_an_answer_cut_anywhere_is_not_complete(length: int) -> None:
    assert whole_answer(ANSWER[:length]) is None


def test_what_follows_an_answer_stays() -> None:
    assert whole_answer(ANSWER + b"HTTP/1.1 2") == (Answer(409, ANSWER[-17:]), b"HTTP/1.1 2")


def test_an_answer_without_a_body_needs_no_length() -> None:
    assert whole_answer(b"HTTP/1.1 204 No Content\r\n\r\n") == (Answer(204, b""), b"")


def test_a_press_says_who_presses_for_what_under_which_key() -> None:
    server = Server("http://127.0.0.1:8080", 1, 0.0, 0.0)
    head, _, body = press(server, Guest(7, "the-token"), 42, "k" * 16).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /api/v1/reservations/book HTTP/1.1"
    assert "Host: 127.0.0.1:8080" in lines
    assert "Authorization: Bearer the-token" in lines
    assert f"Idempotency-Key: {'k' * 16}" in lines
    assert f"Content-Length: {len(body)}" in lines
    assert body == b'{"auction_id":42}'


def test_a_press_may_name_the_most_it_will_pay() -> None:
    server = Server("http://127.0.0.1:8080", 1, 0.0, 0.0)
    request = press(server, Guest(7, "the-token"), 42, "k" * 16, "0.01")
    assert request.endswith(b'\r\n\r\n{"auction_id":42,"max_price":"0.01"}')
