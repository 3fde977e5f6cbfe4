"""Probes of bodies: their size, their encoding, their type, and JSON that is none.

Sent to log-in, which asks for no token, and to a press that would sell a seat if its body were
right: what is wrong is found before anything is done.
"""

import gzip
import zlib

from tests.hostile import wire
from tests.hostile.probe import Probe, Target, filled, http_probe, own_probe

_JSON = b"application/json"
_INVALID = "422 VALIDATION; goes on"
_UNSUPPORTED = "415 UNSUPPORTED_MEDIA_TYPE; goes on"
_TOO_LARGE = "413 PAYLOAD_TOO_LARGE; goes on"
_BROKEN_OFF = "422 VALIDATION; closed"


def press(body: bytes, content_type: bytes = _JSON, headers: bytes = b"") -> bytes:
    """A press, by a guest who may."""
    return (
        b"POST /api/v1/reservations/book HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        b"Content-Type: %b\r\n%bContent-Length: %d\r\n\r\n%b"
        % (content_type, headers, len(body), body)
    )


def log_in(body: bytes, content_type: bytes = _JSON, headers: bytes = b"") -> bytes:
    """A log-in."""
    return (
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
        b"Content-Type: %b\r\n%bContent-Length: %d\r\n\r\n%b"
        % (content_type, headers, len(body), body)
    )


_GOOD = b'{"auction_id": 1}'
_TEXTS = {
    "nothing": b"",
    "a brace": b"{",
    "two values": b"{}{}",
    "a list": b"[]",
    "a text": b'"book"',
    "null": b"null",
    "single quotes": b"{'auction_id': 1}",
    "a comment": b'{"auction_id": 1 /* one */}',
    "a comma too many": b'{"auction_id": 1,}',
    "a byte-order mark": b"\xef\xbb\xbf" + _GOOD,
    "UTF-16": '{"auction_id": 1}'.encode("utf-16"),
    "bad UTF-8": b'{"auction_id": 1, "x\xff": 1}',
    "overlong UTF-8": b'{"auction_id": 1, "x\xc0\xae": 1}',
    "a surrogate in UTF-8": b'{"auction_id": 1, "x\xed\xa0\x80": 1}',
    "a lone surrogate": b'{"auction_id": 1, "\\ud800": 1}',
    "a NUL": b'{"auction_id": 1, "\\u0000": 1}',
    "a raw NUL": b'{"auction_id": 1\0}',
    "a name twice": b'{"auction_id": 1, "auction_id": 2}',
    "a name twice, once escaped": b'{"auction_id": 1, "\\u0061uction_id": 2}',
    "__proto__": b'{"auction_id": 1, "__proto__": {"role": "platform_admin"}}',
    "NaN": b'{"auction_id": NaN}',
    "Infinity": b'{"auction_id": 1, "max_price": Infinity}',
    "1e400": b'{"auction_id": 1, "max_price": 1e400}',
    "1e999999999": b'{"auction_id": 1, "max_price": 1e999999999}',
    "1E-999999999": b'{"auction_id": 1, "max_price": 1E-999999999}',
    "5,000 digits": b'{"auction_id": ' + b"9" * 5_000 + b"}",
    "5,000 places": b'{"auction_id": 1, "max_price": 1.' + b"1" * 5_000 + b"}",
    "an id of 2^63": b'{"auction_id": 9223372036854775808}',
    "an id of 2^64": b'{"auction_id": 18446744073709551616}',
    "an id below zero": b'{"auction_id": -1}',
    "an id with places": b'{"auction_id": 1.5}',
    "an id that is true": b'{"auction_id": true}',
    "an id in a list": b'{"auction_id": [1]}',
    "1,000 arrays deep": b'{"auction_id": ' + b"[" * 1_000 + b"]" * 1_000 + b"}",
    "60,000 arrays deep, never closed": b"[" * 60_000,
    "10,000 objects deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "7,000 names": b"{" + b",".join(b'"%d":1' % n for n in range(7_000)) + b"}",
    "a name of 60,000 bytes": b'{"' + b"a" * 60_000 + b'": 1}',
    "30,000 elements": b'{"auction_id": [' + b"1," * 30_000 + b"1]}",
    "only white space": b" " * 60_000,
}
_TYPES = {
    "no type at all": b"",
    "text/plain": b"text/plain",
    "a form": b"application/x-www-form-urlencoded",
    "multipart": b"multipart/form-data; boundary=x",
    "XML": b"application/xml",
    "utf-16": b"application/json; charset=utf-16",
    "utf-7": b"application/json; charset=utf-7",
    "two types": b"application/json, text/plain",
    "nonsense": b"\xff\xfe",
}


def texts() -> list[Probe]:
    """JSON that is none, or is none of ours."""
    rows = []
    for name, body in _TEXTS.items():
        rows.append(http_probe("JSON to a press", name, _INVALID, press(body)))
        rows.append(http_probe("JSON to log-in", name, _INVALID, log_in(body)))
    rows += [
        http_probe("type", name, _UNSUPPORTED, log_in(_GOOD, kind)) for name, kind in _TYPES.items()
    ]
    return rows


def encodings() -> list[Probe]:
    """A bomb of a gigabyte is a few thousand bytes long: nothing is unpacked, ever."""
    zeros = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(zeros.compress(bytes(1 << 20)) for _ in range(40)) + zeros.flush()
    coded = {
        "gzip, a bomb of 40 MiB": (b"gzip", bomb),
        "gzip, honest": (b"gzip", gzip.compress(_GOOD)),
        "gzip, and it is none": (b"gzip", _GOOD),
        "x-gzip": (b"x-gzip", gzip.compress(_GOOD)),
        "deflate": (b"deflate", zlib.compress(_GOOD)),
        "br": (b"br", _GOOD),
        "zstd": (b"zstd", _GOOD),
        "identity": (b"identity", _GOOD),
        "gzip twice": (b"gzip, gzip", gzip.compress(gzip.compress(_GOOD))),
        "empty": (b"", _GOOD),
    }
    rows = [
        http_probe(
            "Content-Encoding",
            name,
            _UNSUPPORTED,
            log_in(body, headers=b"Content-Encoding: %b\r\n" % coding),
        )
        for name, (coding, body) in coded.items()
    ]
    gzipped = b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
    head = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    rows.append(http_probe("Content-Encoding", "as a transfer coding", _INVALID, head + gzipped))
    return rows


def sizes() -> list[Probe]:
    """65,536 bytes are the most."""
    head = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    piece = b"2000\r\n" + b" " * 8_192 + b"\r\n"
    return [
        http_probe("size", "65,536 bytes", _INVALID, log_in(b" " * 65_536)),
        http_probe("size", "65,537 bytes", _TOO_LARGE, log_in(b" " * 65_537)),
        http_probe("size", "5 MB, all sent", _TOO_LARGE, log_in(b" " * 5_000_000)),
        http_probe(
            "size",
            "65,537 bytes to a press",
            _TOO_LARGE,
            press(b" " * 65_537),
        ),
        own_probe("size", "a terabyte is announced", "413 PAYLOAD_TOO_LARGE", _announced, head),
        http_probe(
            "size",
            "72 KiB in chunks",
            _TOO_LARGE,
            head + b"Transfer-Encoding: chunked\r\n\r\n" + piece * 9 + b"0\r\n\r\n",
        ),
        http_probe(
            "size",
            "30,000 chunks of one byte",
            _INVALID,
            head + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 30_000 + b"0\r\n\r\n",
        ),
        own_probe("size", "chunks without end", "413 PAYLOAD_TOO_LARGE", _endless, head, piece),
        own_probe("chunks", "a bad size after 100 Continue", _BROKEN_OFF, _later, head, b"zz\r\n"),
        own_probe("chunks", "a bad end after 100 Continue", _BROKEN_OFF, _later, head, b"2\r\n{}}"),
    ]


async def _announced(head: bytes, target: Target) -> str:
    line = await wire.connect(target.port)
    try:
        await line.send(head + b"Content-Length: 1000000000000\r\n\r\n" + b" " * 1_000)
        answer = await line.answer()
        return "nothing" if answer is None else answer.told()
    finally:
        await line.close()


async def _endless(head: bytes, piece: bytes, target: Target) -> str:
    """Sends for as long as it is let."""
    line = await wire.connect(target.port)
    try:
        await line.send(head + b"Transfer-Encoding: chunked\r\n\r\n", *[piece] * 12)
        answer = await line.answer()
        return "nothing" if answer is None else answer.told()
    finally:
        await line.close()


async def _later(head: bytes, rest: bytes, target: Target) -> str:
    """A body that turns bad once it is waited for."""
    line = await wire.connect(target.port)
    try:
        await line.send(
            filled(head, target) + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        found = await line.answer()
        assert found is not None
        assert found.status == 100, found.told()
        await line.send(rest + b"GET /api/v1/auctions HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await line.answer()
        rest = await line.end()
        told = "nothing" if answer is None else answer.told()
        return told + ("; closed" if not rest else f"; then {rest[:60]!r}")
    finally:
        await line.close()


PROBES = [*texts(), *encodings(), *sizes()]
