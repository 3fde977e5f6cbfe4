"""What a client may say, to the letter; and nothing it can send breaks the reader."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.wire.live import (
    _KINDS,
    Authenticate,
    BadText,
    BookSeat,
    ClientMessage,
    Known,
    Malformed,
    Ping,
    SubscribeAuction,
    SubscribeLobby,
    SubscribeUser,
    UnsubscribeAuction,
    UnsubscribeLobby,
    read,
    ref_of,
)

KEY = "a-Key_of-16-char"


def said(**fields: Any) -> ClientMessage:
    return read(orjson.dumps(fields))[2]


def refused(payload: bytes) -> Malformed:
    with pytest.raises(Malformed) as caught:
        read(payload)
    return caught.value


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "authenticate", "token": "t"}, Authenticate("t")),
        ({"type": "subscribe_auction", "auction_id": 7}, SubscribeAuction((7,), True, {})),
        (
            {"type": "subscribe_auction", "auction_ids": [7, 8, 7], "mode": "schedule"},
            SubscribeAuction((7, 8), False, {}),
        ),
        (
            {
                "type": "subscribe_auction",
                "auction_ids": [7, 8],
                "mode": "ticks",
                "since": {"7": 3, "8": [4, 0]},
            },
            SubscribeAuction((7, 8), True, {7: Known(3, None), 8: Known(4, 0)}),
        ),
        ({"type": "unsubscribe_auction", "auction_id": 7}, UnsubscribeAuction((7,))),
        ({"type": "unsubscribe_auction", "auction_ids": [7, 8]}, UnsubscribeAuction((7, 8))),
        ({"type": "subscribe_lobby"}, SubscribeLobby()),
        ({"type": "unsubscribe_lobby"}, UnsubscribeLobby()),
        ({"type": "subscribe_user"}, SubscribeUser(None, None)),
        ({"type": "subscribe_user", "user_id": 5, "since": 0}, SubscribeUser(5, 0)),
        (
            {"type": "book", "auction_id": 7, "idempotency_key": KEY},
            BookSeat(7, KEY, None),
        ),
        (
            {"type": "book", "auction_id": 7, "idempotency_key": KEY, "max_price": "149.90"},
            BookSeat(7, KEY, 14_990),
        ),
        (
            {"type": "book", "auction_id": 7, "idempotency_key": KEY, "max_price": 149.9},
            BookSeat(7, KEY, 14_990),
        ),
        (
            {"type": "book", "auction_id": 7, "idempotency_key": KEY, "max_price": 150},
            BookSeat(7, KEY, 15_000),
        ),
        ({"type": "ping", "client_ms": 17}, Ping(17)),
        ({"type": "ping", "client_ms": -1.5}, Ping(-1.5)),
    ],
)
def test_each_message_is_read_as_what_it_says(
    fields: dict[str, Any], message: ClientMessage
) -> None:
    assert said(**fields) == message


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "authenticate"},
        {"type": "authenticate", "token": ""},
        {"type": "authenticate", "token": 5},
        {"type": "subscribe_auction"},
        {"type": "subscribe_auction", "auction_id": "7"},
        {"type": "subscribe_auction", "auction_id": 7.0},
        {"type": "subscribe_auction", "auction_id": True},
        {"type": "subscribe_auction", "auction_id": 0},
        {"type": "subscribe_auction", "auction_id": 2**63},
        {"type": "subscribe_auction", "auction_id": None},
        {"type": "subscribe_auction", "auction_id": 7, "auction_ids": [8]},
        {"type": "subscribe_auction", "auction_ids": []},
        {"type": "subscribe_auction", "auction_ids": list(range(1, 102))},
        {"type": "subscribe_auction", "auction_ids": 7},
        {"type": "subscribe_auction", "auction_id": 7, "mode": "both"},
        {"type": "subscribe_auction", "auction_id": 7, "mode": None},
        {"type": "subscribe_auction", "auction_id": 7, "mode": []},
        {"type": "subscribe_auction", "auction_id": 7, "since": 3},
        {"type": "subscribe_auction", "auction_id": 7, "since": {"x": 3}},
        {"type": "subscribe_auction", "auction_id": 7, "since": {"07": 3}},
        {"type": "subscribe_auction", "auction_id": 7, "since": {"7": 0}},
        {"type": "subscribe_auction", "auction_id": 7, "since": {"7": [3]}},
        {"type": "subscribe_auction", "auction_id": 7, "since": {"7": [3, -1]}},
        {"type": "subscribe_auction", "auction_id": 7, "since": {"7": [3, 1, 1]}},
        {"type": "subscribe_auction", "auction_id": 7, "since": {"7": True}},
        {"type": "unsubscribe_auction", "auction_id": 7, "mode": "ticks"},
        {"type": "subscribe_lobby", "since": 1},
        {"type": "subscribe_user", "user_id": "501"},
        {"type": "subscribe_user", "since": -1},
        {"type": "book", "auction_id": 7},
        {"type": "book", "auction_id": 7, "idempotency_key": "a" * 15},
        {"type": "book", "auction_id": 7, "idempotency_key": "a" * 65},
        {"type": "book", "auction_id": 7, "idempotency_key": "a" * 15 + "ğ"},
        {"type": "book", "auction_id": 7, "idempotency_key": KEY + "\n"},
        {"type": "book", "auction_ids": [7], "idempotency_key": KEY},
        {"type": "book", "idempotency_key": KEY},
        {"type": "book", "auction_id": 7, "idempotency_key": KEY, "max_price": "1.999"},
        {"type": "book", "auction_id": 7, "idempotency_key": KEY, "max_price": "-5"},
        {"type": "book", "auction_id": 7, "idempotency_key": KEY, "max_price": 0},
        {"type": "book", "auction_id": 7, "idempotency_key": KEY, "max_price": "much"},
        {"type": "book", "auction_id": 7, "idempotency_key": KEY, "max_price": [1]},
        {"type": "book", "auction_id": 7, "idempotency_key": KEY, "max_price": "1" * 12},
        {"type": "book", "auction_id": 7, "idempotency_key": KEY, "user_id": 502},
        {"type": "ping"},
        {"type": "ping", "client_ms": "17"},
        {"type": "ping", "client_ms": True},
        {"type": "ping", "client_ms": 1, "more": 1},
        {"type": "shout"},
        {"type": ["ping"]},
        {"type": {}},
        {"type": None},
        {},
    ],
)
def test_what_is_not_of_the_form_is_refused_and_its_ref_kept(fields: dict[str, Any]) -> None:
    malformed = refused(orjson.dumps({"ref": "mine", **fields}))
    assert malformed.ref == "mine"
    assert malformed.why.code == "VALIDATION"
    assert malformed.why.errors


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[]", b'"text"', b"7", b"{", b'{"type":}', b"[" * 4_096, b"{}{}", b"NaN"],
)
def test_what_is_no_json_object_is_refused_without_a_ref(payload: bytes) -> None:
    assert refused(payload).ref is None


@pytest.mark.parametrize("ref", [0, -3, 2**63, "", "r" * 64, "ığ"])
def test_a_ref_is_a_whole_number_or_a_short_text(ref: Any) -> None:
    assert read(orjson.dumps({"type": "subscribe_lobby", "ref": ref}))[0] == ref


@pytest.mark.parametrize("ref", [1.5, True, "r" * 65, [], {}])
def test_any_other_ref_is_refused_and_not_echoed(ref: Any) -> None:
    assert refused(orjson.dumps({"type": "subscribe_lobby", "ref": ref})).ref is None


def test_no_ref_is_none() -> None:
    assert read(b'{"type":"subscribe_lobby"}') == (None, "subscribe_lobby", SubscribeLobby())
    assert read(b'{"type":"subscribe_lobby","ref":null}')[0] is None


@pytest.mark.parametrize("payload", [b"\xff", b'{"type":"\xc3\x28"}', b"\xed\xa0\x80"])
def test_what_is_no_utf8_is_told_apart(payload: bytes) -> None:
    with pytest.raises(BadText):
        read(payload)
    assert ref_of(payload) is None


def test_a_number_beyond_measure_is_no_number() -> None:
    refused(b'{"type":"ping","client_ms":1e999}')
    refused(b'{"type":"subscribe_auction","auction_id":' + b"9" * 400 + b"}")
    refused(
        b'{"type":"book","auction_id":7,"idempotency_key":"%b","max_price":1e30}' % KEY.encode()
    )


def test_the_ref_alone_is_found_in_whatever_it_is() -> None:
    assert ref_of(b'{"ref":5,"type":"nonsense"}') == 5
    assert ref_of(b'{"ref":[]}') is None
    assert ref_of(b"nonsense") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=10,
)
KINDS = st.sampled_from(list(_KINDS))
NAMES = st.sampled_from(sorted({name for names, _ in _KINDS.values() for name in names}))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(NAMES, JSON, max_size=6), KINDS)
def test_anything_in_any_field_is_a_message_or_malformed(fields: dict[str, Any], kind: str) -> None:
    payload = json.dumps({**fields, "type": kind}).encode("utf-8", "surrogatepass")
    try:
        ref, read_kind, message = read(payload)
    except (Malformed, BadText):
        return
    assert read_kind == kind
    orjson.dumps(ref)
    assert type(message).__name__.lower().startswith(kind.replace("_", "")[:4])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(payload: bytes) -> None:
    with pytest.raises((Malformed, BadText)):
        read(payload)
