"""JSON is read exactly or not at all."""

from decimal import Decimal

import pytest

from edge.strict_json import load_json
from engine.errors import Invalid


def refused(raw: bytes, depth_max: int = 4) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        load_json(raw, depth_max)
    (only,) = caught.value.errors
    return only.field, only.code


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": 1, "b": [true, null, "x"]}', {"a": 1, "b": [True, None, "x"]}),
        ('{"ad": "Işıl Çağ \\u011f"}'.encode(), {"ad": "Işıl Çağ ğ"}),
        (b'"\\\\u0000"', "\\u0000"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b" 7 ", 7),
    ],
)
def test_sound_json_is_read(raw: bytes, value: object) -> None:
    assert load_json(raw, 4) == value


def test_no_digit_of_a_number_is_lost() -> None:
    assert load_json(b"[149.90, 0.1, 149.900000000000000001, 1e2]", 4) == [
        Decimal("149.90"),
        Decimal("0.1"),
        Decimal("149.900000000000000001"),
        Decimal("1E+2"),
    ]
    assert str(load_json(b"149.90", 4)) == "149.90"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": 1,}',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b'"\xff"',
        b'"\\ud800"',
        b'"a\x00b"',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b"{} {}",
        b"[" * 60_000,
        b"9" * 5_000,
    ],
)
def test_what_is_no_json_is_malformed(raw: bytes) -> None:
    assert refused(raw) == ("", "MALFORMED")


@pytest.mark.parametrize("number", [b"1e999999999", b"1e-999999999", b"1." + b"0" * 60, b"1e301"])
def test_a_number_without_measure_is_refused_before_anybody_computes_with_it(
    number: bytes,
) -> None:
    assert refused(b'{"price": ' + number + b"}") == ("", "MALFORMED")


def test_a_name_given_twice_is_named() -> None:
    assert refused(b'{"a": 1, "b": {"c": 1, "d": 2, "c": 1}}') == ("c", "DUPLICATE")
    assert refused(b'{"' + b"x" * 500 + b'":1,"' + b"x" * 500 + b'":1}')[0] == "x" * 100


def test_depth_is_bounded_exactly() -> None:
    assert load_json(b'[[[["{[{["]]]]', 4) == [[[["{[{["]]]]
    assert refused(b"[[[[[]]]]]") == ("", "DEPTH")
    assert refused(b'[[[{"a": {}}]]]') == ("", "DEPTH")
    assert load_json(b"[[],[],[],[],[],[]]", 2) == [[]] * 6


@pytest.mark.parametrize("raw", [b'"\\u0000"', b'{"a": ["x\\u0000"]}', b'{"\\u0000": 1}'])
def test_nul_in_any_text_is_refused(raw: bytes) -> None:
    assert refused(raw) == ("", "FORMAT")
