"""What a client of the live channel may say, nearly says, or never should: strategies.

A conversation is a list of lines; each knows its bytes, and what may come of it.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from tests.hostile.wire import BINARY, CONTINUED, PING, PONG, close_frame, frame

SALES: Final = range(7, 13)
"""Auctions there are."""
TOKENS: Final = ("token-of-501", "token-of-502", "token-of-503", "an-expired-token")
KINDS: Final = (
    "authenticate",
    "subscribe_auction",
    "unsubscribe_auction",
    "subscribe_lobby",
    "unsubscribe_lobby",
    "subscribe_user",
    "book",
    "ping",
)
NEAR, VALID, TEXT_, BAD_TEXT, BINARY_, FRAME = (
    "nearly valid",
    "valid",
    "text",
    "bad text",
    "binary",
    "frame",
)


@dataclass(frozen=True, slots=True)
class Said:
    """One line: what kind it is of, and its message or its bytes."""

    kind: str
    message: dict[str, Any] | None = None
    raw: bytes = b""


Ids = st.sampled_from(SALES) | st.integers(1, 2**63 - 1)
Keys = st.from_regex(r"[A-Za-z0-9_-]{16,64}", fullmatch=True)
Wrong: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [
            None,
            True,
            False,
            0,
            -1,
            2**63,
            2**64,
            -(2**70),
            1.5,
            1e308,
            "",
            "7",
            "\u0667",
            "1e3",
            " 1",
        ]
    ),
    st.text(max_size=80),
    st.lists(st.integers(), max_size=4),
    st.dictionaries(st.text(max_size=5), st.none() | st.integers(), max_size=3),
    st.just("x" * 3_000),
    st.just([[[[[[[[[[]]]]]]]]]]),
    st.lists(st.just(7), min_size=101, max_size=101),
)
Prices = st.sampled_from(["149.90", "500.00", 500, 499.5, "0.01", None])
Known = st.integers(1, 100) | st.tuples(st.integers(1, 100), st.integers(0, 100)).map(list)
Since = st.dictionaries(Ids.map(str), Known, max_size=4)


def _optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def _with(kind: str, needed: dict[str, Any], **optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), **needed}, optional=optional)


_NAMED = st.one_of(
    st.fixed_dictionaries({"auction_id": Ids}),
    st.fixed_dictionaries({"auction_ids": st.lists(Ids, min_size=1, max_size=6)}),
)
Valid: st.SearchStrategy[dict[str, Any]] = st.one_of(
    _with("authenticate", {"token": st.sampled_from(TOKENS) | st.text(min_size=1, max_size=60)}),
    st.builds(
        lambda named, more: {"type": "subscribe_auction", **named, **more},
        _NAMED,
        _optional(mode=st.sampled_from(["ticks", "schedule"]), since=Since),
    ),
    st.builds(lambda named: {"type": "unsubscribe_auction", **named}, _NAMED),
    _with("subscribe_lobby", {}),
    _with("unsubscribe_lobby", {}),
    _with(
        "subscribe_user", {}, user_id=st.sampled_from([501, 502, 9]), since=st.integers(0, 2**62)
    ),
    _with("book", {"auction_id": Ids, "idempotency_key": Keys}, max_price=Prices),
    _with(
        "ping",
        {
            "client_ms": st.integers(-(2**62), 2**62)
            | st.floats(allow_nan=False).filter(lambda ms: abs(ms) != float("inf"))
        },
    ),
)


@st.composite
def _spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """A valid message with one thing changed. It may, by chance, still be one."""
    message = dict(draw(Valid))
    name = draw(st.sampled_from(sorted(message)))
    match draw(st.sampled_from(["drop", "replace", "add", "rename", "ref"])):
        case "drop":
            del message[name]
        case "replace":
            message[name] = draw(Wrong)
        case "add":
            more = st.text(max_size=20) | st.sampled_from(["role", "user_id", "price", "__proto__"])
            message[draw(more)] = draw(Wrong)
        case "rename":
            message[name + draw(st.sampled_from(["s", " ", "\0", "_"]))] = message.pop(name)
        case _:
            message["ref"] = draw(st.sampled_from([[], {}, 1.5, True, "r" * 65, 10**30]))
    return message


_TEXTS = st.text(max_size=200) | st.sampled_from(
    [
        "",
        "{",
        "[]",
        "null",
        "NaN",
        '{"type":"ping","client_ms":NaN}',
        '{"type":"ping","client_ms":1e999}',
        '{"type":"ping","client_ms":1}{"type":"ping","client_ms":1}',
        '{"type":"\\ud800"}',
        '{"type":"book","auction_id":7,"idempotency_key":"a-key-of-16-chars",',
        "[" * 4_000,
        '{"a":' * 600 + "1" + "}" * 600,
        "9" * 4_096,
        "\x00" * 100,
        "\ufeff{}",
    ]
)
_BROKEN_UTF8 = st.sampled_from([b"\xff", b"\xc0\xae", b"\xed\xa0\x80", b'{"type":"\xe2\x28\xa1"}'])


def _swallows_nothing(raw: bytes) -> bool:
    """Whether what follows these bytes is read as what it is, or not at all. Half a frame would
    wait for the rest of it: that is a matter of time, and the probe table's."""
    at = 0
    while len(raw) - at >= 2:
        opcode, length = raw[at] & 0x0F, raw[at + 1] & 0x7F
        control = opcode >= 8
        if (
            raw[at] & 0x70
            or opcode in _NO_OPCODES
            or (control and (raw[at] < 0x80 or length > 125))
        ):
            return True  # the connection is failed here
        size = {126: 2, 127: 8}.get(length, 0)
        if size:
            length = int.from_bytes(raw[at + 2 : at + 2 + size], "big")
        if length > 4_096:
            return len(raw) - at >= 2 + size
        at += 2 + size + (4 if raw[at + 1] & 0x80 else 0) + length
    return at == len(raw)


_NO_OPCODES: Final = frozenset((3, 4, 5, 6, 7, 11, 12, 13, 14, 15))
_FRAMES = st.one_of(
    st.binary(min_size=1, max_size=60).filter(_swallows_nothing),
    st.builds(
        frame,
        st.binary(max_size=20),
        st.integers(0, 15),
        fin=st.booleans(),
        reserved=st.integers(0, 7),
    ),
    st.builds(close_frame, st.integers(0, 65_535), st.binary(max_size=20)),
    st.sampled_from(
        [
            frame(b"x" * 4_097),
            frame(b"", length_form=64, says=2**63),
            frame(b"", CONTINUED),
            frame(b"x", PING, fin=False),
            frame(b"{", fin=False) + frame(b"{"),
        ]
    ),
)
_QUIET = st.sampled_from([frame(b"", PONG), frame(b"are you there", PING)])

Line: st.SearchStrategy[Said] = st.integers(0, 99).flatmap(
    lambda n: (
        st.builds(Said, st.just(VALID), Valid)
        if n < 55
        else st.builds(Said, st.just(NEAR), _spoilt())
        if n < 88
        else _TEXTS.map(lambda text: Said(TEXT_, raw=text.encode("utf-8", "surrogatepass")))
        if n < 95
        else _QUIET.map(lambda raw: Said(FRAME, raw=raw))
    )
)
Last: st.SearchStrategy[Said | None] = st.one_of(
    st.none(),
    st.none(),
    _BROKEN_UTF8.map(lambda raw: Said(BAD_TEXT, raw=raw)),
    st.just(Said(BINARY_, raw=b"binary")),
    _FRAMES.map(lambda raw: Said(FRAME, raw=raw)),
)
"""Ends a conversation in one of the ways that close it."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Lines of one connection, and how they are sent."""

    lines: tuple[Said, ...]
    last: Said | None
    token: str | None
    at_once: bool
    """In one piece, or each on its own."""


Conversations: st.SearchStrategy[Conversation] = st.builds(
    Conversation,
    (st.lists(Line, min_size=1, max_size=8) | st.lists(Line, min_size=8, max_size=40)).map(tuple),
    Last,
    st.none() | st.sampled_from(TOKENS[:3]),
    st.booleans(),
)


def bytes_of(said: Said, ref: object) -> bytes:
    """The frame a line travels in; `ref` stands in for the line's own if it has none."""
    if said.message is not None:
        message = {"ref": ref, **said.message} if ref is not None else said.message
        return frame(json.dumps(message).encode())
    match said.kind:
        case "binary":
            return frame(said.raw, BINARY)
        case "frame":
            return said.raw
        case _:
            return frame(said.raw)
