"""Probes of the live channel: the handshake, frames that RFC 6455 forbids, floods.

What breaks the protocol fails the connection with 1002, 1007 or 1009; what breaks our own rules is
an error, or a close code of ours. Never is a frame read that could mean two things.
"""

import zlib

from tests.hostile import wire
from tests.hostile.probe import Probe, Target, http_probe, live_probe, own_probe
from tests.hostile.wire import BINARY, CLOSE, CONTINUED, PING, PONG, close_frame, frame

_BAD = "400 VALIDATION; goes on"
_FOREIGN = "403 FORBIDDEN; goes on"
BROKEN = "close 1002, closed"
TOO_BIG = "close 1009, closed"
_INVALID = "error VALIDATION, goes on"
_PING = b'{"type":"ping","ref":1,"client_ms":1}'


def _upgrade(*changes: tuple[bytes, bytes], more: bytes = b"") -> bytes:
    head = wire.UPGRADE + more
    for old, new in changes:
        assert old in head, old
        head = head.replace(old, new)
    return head + b"\r\n"


_HANDSHAKES = {
    "no key": _upgrade((b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", b"")),
    "a key of 15 bytes": _upgrade((b"AAAAAAAAAAAAAAAAAAAAAA==", b"AAAAAAAAAAAAAAAAAAAA")),
    "a key that is no base64": _upgrade((b"AAAAAAAAAAAAAAAAAAAAAA==", b"!")),
    "no version": _upgrade((b"Sec-WebSocket-Version: 13\r\n", b"")),
    "version 8": _upgrade((b"Version: 13", b"Version: 8")),
    "version 99": _upgrade((b"Version: 13", b"Version: 99")),
    "no Upgrade": _upgrade((b"Upgrade: websocket\r\n", b"")),
    "Upgrade: h2c": _upgrade((b"Upgrade: websocket", b"Upgrade: h2c")),
    "no Connection": _upgrade((b"Connection: Upgrade\r\n", b"")),
    "Connection: close": _upgrade((b"Connection: Upgrade", b"Connection: keep-alive")),
    "a protocol nobody knows": _upgrade(more=b"Sec-WebSocket-Protocol: chat\r\n"),
    "protocol v2": _upgrade(more=b"Sec-WebSocket-Protocol: hothour.v2\r\n"),
    "an empty protocol": _upgrade(more=b"Sec-WebSocket-Protocol:\r\n"),
    "a token as the only protocol": _upgrade(more=b"Sec-WebSocket-Protocol: {token}\r\n"),
}
_ORIGINS = {
    "of another site": b"Origin: https://evil.example\r\n",
    "null": b"Origin: null\r\n",
    "empty": b"Origin:\r\n",
    "two, the first is ours": b"Origin: http://x\r\nOrigin: https://evil.example\r\n",
    "two, the second is ours": b"Origin: https://evil.example\r\nOrigin: http://x\r\n",
    "two in one": b"Origin: http://x https://evil.example\r\n",
    "our host as a user": b"Origin: http://x@evil.example\r\n",
    "our host as a beginning": b"Origin: http://x.evil.example\r\n",
    "an address that is none": b"Origin: http://[\r\n",
    "with a NUL of UTF-8": b"Origin: http://x\xc0\x80\r\n",
}
_ADMITTED = {
    "our own origin": b"Origin: http://x\r\n",
    "the protocol and a token beside it": b"Sec-WebSocket-Protocol: hothour.v1, {token}\r\n",
    "compression offered": b"Sec-WebSocket-Extensions: permessage-deflate\r\n",
    "a good token": b"Authorization: Bearer {token}\r\n",
}


def handshakes() -> list[Probe]:
    """Before the upgrade, over HTTP."""
    rows = [http_probe("upgrade", name, _BAD, sent) for name, sent in _HANDSHAKES.items()]
    rows += [
        http_probe("Origin", name, _FOREIGN, _upgrade(more=header))
        for name, header in _ORIGINS.items()
    ]
    rows += [
        live_probe("upgrade", name, "goes on", headers=header) for name, header in _ADMITTED.items()
    ]
    invalid = "401 AUTH_INVALID; goes on"
    bearer = b"Authorization: Bearer nonsense\r\n"
    basic = b"Authorization: Basic {token}\r\n"
    return [
        *rows,
        http_probe("upgrade", "a token that is none", invalid, _upgrade(more=bearer)),
        http_probe("upgrade", "a token by another scheme", invalid, _upgrade(more=basic)),
        http_probe(
            "upgrade",
            "by POST",
            "405 METHOD_NOT_ALLOWED; goes on",
            _upgrade((b"GET /ws", b"POST /ws")),
        ),
        http_probe(
            "upgrade", "in HTTP/1.0", "400 VALIDATION; closed", _upgrade((b"HTTP/1.1", b"HTTP/1.0"))
        ),
        http_probe(
            "upgrade", "another path", "404 NOT_FOUND; goes on", _upgrade((b"/ws", b"/nowhere"))
        ),
        own_probe("upgrade", "what is told of it", "101, hothour.v1, no extension", _told),
        http_probe(
            "upgrade",
            "with a body",
            _BAD,
            _upgrade(more=b"Content-Length: 5\r\n") + b"hello",
        ),
        http_probe(
            "upgrade",
            "with a body in chunks",
            _BAD,
            _upgrade(more=b"Transfer-Encoding: chunked\r\n") + b"5\r\nhello\r\n0\r\n\r\n",
        ),
    ]


async def _told(target: Target) -> str:
    """Which protocol is chosen out of many, and whether compression is taken up."""
    line = await wire.connect(target.port)
    try:
        await line.send(
            _upgrade(
                more=b"Sec-WebSocket-Protocol: chat, hothour.v1, secret\r\n"
                b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
            )
        )
        found = await line.answer()
        assert found is not None
        extensions = found.headers.get("sec-websocket-extensions", "no extension")
        return f"{found.status}, {found.headers['sec-websocket-protocol']}, {extensions}"
    finally:
        await line.close()


def _bomb() -> bytes:
    """A message of 10 MB in 10 KB, as permessage-deflate has it."""
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (squeezed.compress(bytes(10_000_000)) + squeezed.flush(zlib.Z_SYNC_FLUSH))[:-4]


def _forbidden() -> dict[str, tuple[bytes, ...]]:
    """By name, the frames of one connection."""
    word = b'{"type":'
    return {
        "unmasked text": (frame(_PING, masked=False),),
        "unmasked ping": (frame(b"", PING, masked=False),),
        "unmasked close": (close_frame(1000, masked=False),),
        "unmasked in the middle of a message": (
            frame(word, fin=False),
            frame(b'"ping"}', CONTINUED, masked=False),
        ),
        "reserved bit 1, nothing negotiated": (frame(_PING, reserved=4),),
        "reserved bit 2": (frame(_PING, reserved=2),),
        "reserved bit 3": (frame(_PING, reserved=1),),
        "reserved bit on a ping": (frame(b"", PING, reserved=4),),
        **{
            f"opcode {code:#x}": (frame(b"x", code),)
            for code in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
        },
        "a ping in fragments": (frame(b"x", PING, fin=False),),
        "a close in fragments": (frame(b"\x03\xe8", CLOSE, fin=False),),
        "a ping of 126 bytes": (frame(b"x" * 126, PING),),
        "a close of 126 bytes": (close_frame(1000, b"x" * 124),),
        "a continuation of nothing": (frame(_PING, CONTINUED),),
        "a message inside a message": (frame(word, fin=False), frame(_PING)),
        "a message inside an empty beginning": (frame(b"", fin=False), frame(_PING)),
        "a beginning inside a message": (frame(word, fin=False), frame(word, fin=False)),
        "binary inside a message": (frame(word, fin=False), frame(b"x", BINARY)),
        "5 bytes with a length of 16 bits": (frame(b"hello", length_form=16),),
        "5 bytes with a length of 64 bits": (frame(b"hello", length_form=64),),
        "a ping with a length of 16 bits": (frame(b"x", PING, length_form=16),),
        "a close of one byte": (frame(b"\x03", CLOSE),),
        "HTTP over the socket": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",),
        "a TLS hello over the socket": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",),
        **{
            f"close code {code}": (close_frame(code),)
            for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
        },
    }


def frames() -> list[Probe]:
    """Frames the protocol forbids: the connection is failed, nothing behind them is read."""
    word = b'{"type":'
    deflate = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
    bomb = frame(_bomb(), reserved=4)
    return [
        *(live_probe("frame", name, BROKEN, *sent) for name, sent in _forbidden().items()),
        live_probe("frame", "a compression bomb, offered", BROKEN, bomb, headers=deflate),
        live_probe("frame", "a compression bomb, unasked", BROKEN, bomb),
        live_probe("frame", "4,096 bytes", _INVALID, frame(b" " * 4_096)),
        live_probe("frame", "4,097 bytes", TOO_BIG, frame(b" " * 4_097)),
        live_probe("frame", "70,000 bytes announced", TOO_BIG, frame(b"", says=70_000)),
        live_probe(
            "frame", "2^63 bytes announced", TOO_BIG, frame(b"", length_form=64, says=2**63)
        ),
        live_probe(
            "frame", "2^62 bytes announced", TOO_BIG, frame(b"", length_form=64, says=2**62)
        ),
        live_probe(
            "frame",
            "5 fragments of 1,000 bytes",
            TOO_BIG,
            frame(b" " * 1_000, fin=False),
            *[frame(b" " * 1_000, CONTINUED, fin=False)] * 4,
        ),
        live_probe(
            "frame",
            "5,000 empty fragments, then a message's end",
            _INVALID,
            frame(b"{", fin=False),
            *[frame(b"", CONTINUED, fin=False)] * 5_000,
            frame(b"", CONTINUED),
        ),
        live_probe(
            "frame",
            "a ping between two fragments",
            "pong frame, error VALIDATION, goes on",
            frame(word, fin=False),
            frame(b"still here", PING),
            frame(b"1}", CONTINUED),
        ),
        live_probe(
            "frame",
            "a letter cut in two by fragments",
            _INVALID,
            frame(b'{"type":"\xc4', fin=False),
            frame(b'\xb1"}', CONTINUED),
        ),
    ]


def messages() -> list[Probe]:
    """Frames that are whole and messages that are none."""
    bad_text = "close 1007, closed"
    refused = "close 4000, closed"
    nonsense = frame(b"{")
    return [
        live_probe("message", "bad UTF-8", bad_text, frame(b'{"type":"\xff"}')),
        live_probe("message", "a surrogate in UTF-8", bad_text, frame(b'{"type":"\xed\xa0\x80"}')),
        live_probe("message", "overlong UTF-8", bad_text, frame(b'{"type":"\xc0\xae"}')),
        live_probe("message", "bad UTF-8 in a goodbye", bad_text, close_frame(1000, b"\xff")),
        live_probe("message", "binary", refused, frame(_PING, BINARY)),
        live_probe("message", "binary and empty", refused, frame(b"", BINARY)),
        live_probe(
            "message",
            "binary in fragments",
            refused,
            frame(b"x", BINARY, fin=False),
            frame(b"x", CONTINUED),
        ),
        live_probe("message", "empty", _INVALID, frame(b"")),
        live_probe("message", "a NUL", _INVALID, frame(b"\0")),
        live_probe("message", "a byte-order mark", _INVALID, frame(b"\xef\xbb\xbf" + _PING)),
        live_probe("message", "a lone surrogate", _INVALID, frame(b'{"type":"\\ud800"}')),
        live_probe("message", "4,000 arrays deep", _INVALID, frame(b"[" * 4_000)),
        live_probe("message", "4,000 digits", _INVALID, frame(b"9" * 4_000)),
        live_probe(
            "message",
            "a time without measure",
            _INVALID,
            frame(b'{"type":"ping","client_ms":1e999}'),
        ),
        live_probe("message", "nine bad ones", "error VALIDATION +, goes on", *[nonsense] * 9),
        live_probe(
            "message", "ten bad ones", "error VALIDATION +, close 4000, closed", *[nonsense] * 10
        ),
        live_probe("message", "goodbye", "close 1000, closed", close_frame(1000)),
        live_probe("message", "goodbye without a code", "close 1000, closed", frame(b"", CLOSE)),
        live_probe(
            "message",
            "goodbye with a code of its own",
            "close 4999, closed",
            close_frame(4999, b"bye"),
        ),
        live_probe(
            "message",
            "a press behind the goodbye",
            "close 1000, closed",
            close_frame(1000),
            frame(
                b'{"type":"book","ref":1,"auction_id":1,"idempotency_key":"behind-the-goodbye-1"}'
            ),
        ),
        live_probe(
            "message",
            "news for nobody",
            "error AUTH_REQUIRED, goes on",
            frame(b'{"type":"subscribe_user","ref":1}'),
        ),
    ]


def floods() -> list[Probe]:
    """More than anybody may say: refused, then closed; nobody else notices."""
    rate = "error RATE_LIMITED +, close 4101, closed"
    other = frame(b'{"type":"unsubscribe_lobby","ref":1}')
    return [
        live_probe("flood", "1,000 messages", f"ok +, {rate}", *[other] * 1_000),
        live_probe(
            "flood",
            "1,000 pings",
            "pong frame +, close 4101, closed",
            *[frame(b"x" * 125, PING)] * 1_000,
        ),
        live_probe("flood", "1,000 pongs", "close 4101, closed", *[frame(b"x", PONG)] * 1_000),
        live_probe(
            "flood",
            "6 tokens that are none",
            "error AUTH_INVALID +, error RATE_LIMITED, goes on",
            *[frame(b'{"type":"authenticate","ref":1,"token":"x"}')] * 6,
        ),
    ]


PROBES = [*handshakes(), *frames(), *messages(), *floods()]
