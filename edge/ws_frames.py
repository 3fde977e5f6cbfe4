"""The bytes of WebSocket frames as a server sends them: unmasked, whole, never compressed.

A frame for thousands of sockets is built here once; what goes to each of them are these same bytes.
"""

import struct
from enum import IntEnum

PROTOCOL = "hothour.v1"
"""The subprotocol's name."""

_FIN = 0x80
_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_SHORT_MAX, _MEDIUM_MAX = 125, 0xFFFF
_CONTROL_MAX = 125


_TRAVELLING = frozenset((1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)))


class CloseCode(IntEnum):
    """Why a socket is closed. The range tells the client what to do: 40xx do not come back
    unchanged, 41xx come back with backoff, 42xx come back at once."""

    NORMAL = 1000
    BROKEN = 1002
    BAD_TEXT = 1007
    BAD_PROTOCOL = 4000
    FORBIDDEN = 4003
    TOO_MANY = 4005
    NOTHING_SAID = 4009
    SLOW = 4100
    RATE = 4101
    INTERNAL = 4102
    IDLE = 4103
    DRAINING = 4200


def text(payload: bytes) -> bytes:
    """One text frame; `payload` is UTF-8."""
    length = len(payload)
    if length <= _SHORT_MAX:
        header = bytes((_FIN | _TEXT, length))
    elif length <= _MEDIUM_MAX:
        header = struct.pack("!BBH", _FIN | _TEXT, 126, length)
    else:
        header = struct.pack("!BBQ", _FIN | _TEXT, 127, length)
    return header + payload


def close(code: int) -> bytes:
    """A close frame. Its code says it all; there is no reason text."""
    return struct.pack("!BBH", _FIN | _CLOSE, 2, code)


def goodbye(code: int) -> bytes:
    """The answer to a client's close frame: its own code, or NORMAL if it had none (0); BROKEN for
    a code that may not travel (RFC 6455, 7.4)."""
    if not code:
        return close(CloseCode.NORMAL)
    return close(code if code in _TRAVELLING else CloseCode.BROKEN)


def pong(payload: bytes) -> bytes:
    """The answer to a client's ping: its own payload, at most 125 bytes."""
    assert len(payload) <= _CONTROL_MAX, "the reader refuses longer control frames"
    return bytes((_FIN | _PONG, len(payload))) + payload


PING = bytes((_FIN | _PING, 0))
"""A ping; whoever is there answers with a pong."""
