"""Probes of HTTP itself: framing, smuggling, targets and headers that nobody should send.

What cannot be framed for sure is answered 400 and the connection ends: nothing behind it is read
as a request. What is a request and means nothing here is a typed refusal, and the connection goes
on.
"""

from tests.hostile.probe import Probe, http_probe

BAD = "400 VALIDATION; closed"
EMPTY_FORM = "422 VALIDATION; goes on"
"""The body was read: it is the form that is wrong."""
SMUGGLED = b"GET /api/v1/auctions HTTP/1.1\r\nHost: x\r\n\r\n"
"""Behind a body of doubtful length. An answer to it would be the fault."""

_LOGIN = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
_END = b"\r\n\r\n"


def _login(headers: bytes, rest: bytes = b"") -> bytes:
    return _LOGIN + headers + _END + rest


def _get(headers: bytes) -> bytes:
    return _GET + headers + _END


def _target(target: bytes, method: bytes = b"GET") -> bytes:
    return method + b" " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n"


_CHUNKED = b"Transfer-Encoding: chunked"
_LENGTHS = {
    "Content-Length twice, differing": b"Content-Length: 2\r\nContent-Length: 40",
    "Content-Length twice, equal": b"Content-Length: 2\r\nContent-Length: 2",
    "Content-Length as a list": b"Content-Length: 2, 2",
    "Content-Length and Transfer-Encoding": b"Content-Length: 5\r\n" + _CHUNKED,
    "Transfer-Encoding and Content-Length": _CHUNKED + b"\r\nContent-Length: 5",
    "Content-Length: -1": b"Content-Length: -1",
    "Content-Length: +2": b"Content-Length: +2",
    "Content-Length: 0x2": b"Content-Length: 0x2",
    "Content-Length: 2 2": b"Content-Length: 2 2",
    "Content-Length: 2.0": b"Content-Length: 2.0",
    "Content-Length: 2^64 + 2": b"Content-Length: 18446744073709551618",
    "Content-Length empty": b"Content-Length:",
    "Content-Length with Arabic digits": "Content-Length: ٢".encode(),
    "Content-Length with a control byte": b"Content-Length: 2\x0b",
}
_ENCODINGS = {
    "chunked twice in one header": b"Transfer-Encoding: chunked, chunked",
    "chunked, then identity": b"Transfer-Encoding: chunked, identity",
    "an unknown transfer coding": b"Transfer-Encoding: xchunked",
    "chunked behind a vertical tab": b"Transfer-Encoding: \x0bchunked",
    "chunked in quotes": b'Transfer-Encoding: "chunked"',
    "a folded Transfer-Encoding": b"Transfer-Encoding:\r\n chunked",
    "a space before the colon of Transfer-Encoding": b"Transfer-Encoding : chunked",
}
_CHUNKS = {
    "a chunk size that is no number": b"zz\r\n{}\r\n0\r\n\r\n",
    "a negative chunk size": b"-2\r\n{}\r\n0\r\n\r\n",
    "a chunk size with a plus sign": b"+2\r\n{}\r\n0\r\n\r\n",
    "a chunk size with 0x": b"0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk size with an underscore": b"0_2\r\n{}\r\n0\r\n\r\n",
    "a chunk size of 2^64": b"10000000000000000\r\n{}\r\n0\r\n\r\n",
    "a chunk size with a space before it": b" 2\r\n{}\r\n0\r\n\r\n",
    "a chunk shorter than it says": b"3\r\n{}\r\n0\r\n\r\n",
    "a chunk longer than it says": b"1\r\n{}\r\n0\r\n\r\n",
    "a chunk that ends with a bare LF": b"2\n{}\n0\n\n",
    "a chunk size that ends with a bare CR": b"2\r{}\r\n0\r\n\r\n",
    "a chunk extension with a bare LF": b"2;a\n{}\r\n0\r\n\r\n",
    "a trailer that is no header": b"2\r\n{}\r\n0\r\nno colon here\r\n\r\n",
    "a trailer of 20,000 bytes": b"2\r\n{}\r\n0\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "1,000 trailers": b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 1_000 + b"\r\n",
}


def framing() -> list[Probe]:
    """How long is the body? Whoever could answer differently from a proxy in front is fooled."""
    bodies = [
        http_probe("length", name, BAD, _login(header, b"{}" + SMUGGLED))
        for name, header in _LENGTHS.items()
    ]
    codings = [
        http_probe("coding", name, BAD, _login(header, b"2\r\n{}\r\n0\r\n\r\n" + SMUGGLED))
        for name, header in _ENCODINGS.items()
    ]
    codings += [
        http_probe(
            "coding",
            "chunked in two headers",
            BAD,
            _login(_CHUNKED + b"\r\n" + _CHUNKED, b"2\r\n{}\r\n0\r\n\r\n" + SMUGGLED),
        ),
        http_probe(
            "coding",
            "chunked in HTTP/1.0",
            "422 VALIDATION; closed",
            _login(_CHUNKED, b"2\r\n{}\r\n0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"),
        ),
    ]
    chunks = [
        http_probe("chunks", name, BAD, _login(_CHUNKED, body + SMUGGLED))
        for name, body in _CHUNKS.items()
    ]
    flood = b"2;" + b"a" * 100_000 + b"\r\n{}\r\n0\r\n\r\n"
    chunks.append(
        # Skipped without being kept, and the body's deadline bounds how long.
        http_probe("chunks", "an extension of 100,000 bytes", EMPTY_FORM, _login(_CHUNKED, flood))
    )
    return bodies + codings + chunks


_HEADS = {
    "a folded header": _get(b"X: a\r\n b"),
    "a space before the colon": _get(b"X : a"),
    "a header without a colon": _get(b"no colon here"),
    "a header without a name": _get(b": a"),
    "a header that begins with a space": _GET[:-2] + b"\r\n X: a" + _END,
    "lines that end with LF alone": _get(b"X: a").replace(b"\r\n", b"\n"),
    "lines that end with CR alone": _get(b"X: a").replace(b"\r\n", b"\r") + _END,
    "a CR inside a header": _get(b"X: a\rb"),
    "a LF inside a header": _get(b"X: a\nY: b"),
    "a NUL in a header": _get(b"X: a\0b"),
    "a NUL in a header's name": _get(b"X\0: a"),
    "a control byte in a header": _get(b"X: a\x01b"),
    "a control byte in a header's name": _get(b"X\x01Y: a"),
    "a name with a bracket": _get(b"X(Y: a"),
    "a header of 20,000 bytes": _get(b"X: " + b"a" * 20_000),
    "a header's name of 20,000 bytes": _get(b"a" * 20_000 + b": x"),
    "200 headers": _get(b"\r\n".join(b"X-%d: y" % n for n in range(200))),
    "two Host headers": _get(b"Host: y"),
    "no Host header": b"GET /health/live HTTP/1.1\r\n\r\n",
    "an unknown method": _target(b"/health/live", b"BREW"),
    "a method in small letters": _target(b"/health/live", b"get"),
    "a method of 20,000 bytes": _target(b"/health/live", b"G" * 20_000),
    "HTTP/9.9": b"GET /health/live HTTP/9.9\r\nHost: x\r\n\r\n",
    "HTTP/2 without asking": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "the first bytes of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40,
    "a target with a space": _target(b"/health/live x"),
    "a target with a NUL": _target(b"/health\0/live"),
    "a target with a control byte": _target(b"/health\x01/live"),
    "a target with a CR": _target(b"/health\r/live"),
    "a target of 20,000 bytes": _target(b"/" + b"a" * 20_000),
    "no target": b"GET HTTP/1.1\r\nHost: x\r\n\r\n",
    "a target that is an authority": _target(b"x:80"),
    "a port that is none": _target(b"http://x:99999999/health/live"),
    "an address that is none": _target(b"http://[::1/health/live"),
}
_NO_PATH = "404 NOT_FOUND; closed"
_REQUESTS = {
    "100 headers": (_get(b"\r\n".join(b"X-%d: y" % n for n in range(100))), "200; goes on"),
    "the absolute form": (_target(b"http://x/health/live"), "200; goes on"),
    "another host's absolute form": (_target(b"http://evil.example/health/live"), "200; goes on"),
    # No headers, so no token: nothing but what is public can be asked for this way.
    "HTTP/0.9": (b"GET /health/live\r\n\r\n", "200; closed"),
    "HTTP/1.0": (b"GET /health/live HTTP/1.0\r\n\r\n", "200; closed"),
    "an empty line before the request": (b"\r\n" + _get(b"X: a"), "200; goes on"),
    "TRACE": (_target(b"/health/live", b"TRACE"), "405 METHOD_NOT_ALLOWED; goes on"),
    "OPTIONS *": (_target(b"*", b"OPTIONS"), _NO_PATH),
    "an expectation nobody knows": (_get(b"Expect: everything"), "200; goes on"),
    "Upgrade: h2c": (
        _get(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk"),
        "200; goes on",
    ),
    "a method by another header": (
        _target(b"/api/v1/auctions/{auction}")[:-2] + b"X-HTTP-Method-Override: DELETE\r\n\r\n",
        "200; goes on",
    ),
    "Range: a million ranges": (
        _get(b"Range: bytes=" + b",".join(b"0-" for _ in range(2_000))),
        "200; goes on",
    ),
    "Cookie: a token": (
        _target(b"/api/v1/auth/me")[:-2] + b"Cookie: access_token={token}\r\n\r\n",
        "401 AUTH_REQUIRED; goes on",
    ),
    "two Authorization headers": (
        _target(b"/api/v1/auth/me")[:-2]
        + b"Authorization: Bearer {token}\r\nAuthorization: Bearer x\r\n\r\n",
        "200; goes on",  # the first one counts, always
    ),
    "a foreign X-Forwarded-For": (
        _get(b"X-Forwarded-For: 127.0.0.1, ::1\r\nForwarded: for=;"),
        "200; goes on",
    ),
}
_NOT_FOUND = "404 NOT_FOUND; goes on"
_INVALID = "422 VALIDATION; goes on"
_TARGETS = {
    "/api/v1/../../etc/passwd": _NOT_FOUND,
    "/docs/files/../../../etc/passwd": _NOT_FOUND,
    "/docs/files/%2e%2e/%2e%2e/etc/passwd": _NOT_FOUND,
    "/docs/files/..%2f..%2fetc%2fpasswd": _NOT_FOUND,
    "/docs/files/..%5c..%5cetc%5cpasswd": _NOT_FOUND,
    "/docs/files/%252e%252e/etc/passwd": _NOT_FOUND,
    "//etc/passwd": _NOT_FOUND,
    "/docs/files/redoc.js%00.txt": _NOT_FOUND,
    "/api/v1/auctions/%00": _NOT_FOUND,
    "/api/v1/auctions/1%00": _NOT_FOUND,
    "/api/v1/auctions/%ff": _NOT_FOUND,
    "/api/v1/auctions/%c0%ae": _NOT_FOUND,
    "/api/v1/auctions/%": _NOT_FOUND,
    "/api/v1/auctions/%zz": _NOT_FOUND,
    "/api/v1/auctions/%0d%0aX-Injected:%20yes": _NOT_FOUND,
    "/%ff%fe": _NOT_FOUND,
    "/;/health/live": _NOT_FOUND,
    "/api/v1/auctions?q=%00": _INVALID,
    "/api/v1/auctions?q=%ff": _INVALID,
    "/api/v1/auctions?q=%ed%a0%80": _INVALID,
    "/api/v1/auctions?%ff=1": _INVALID,
    "/api/v1/auctions?%00=1": _INVALID,
    "/api/v1/auctions?__proto__=1": _INVALID,
    "/api/v1/auctions?limit=1&limit=2": _INVALID,
    "/api/v1/auctions?limit=%D9%A3": _INVALID,
    "/api/v1/auctions?cursor=" + "A" * 4_000: _INVALID,
    "/api/v1/auctions?" + "&".join(f"a{n}=1" for n in range(1_000)): _INVALID,
    "/health/live?token=x": _INVALID,
}


def heads() -> list[Probe]:
    """Request lines and headers."""
    broken = [http_probe("head", name, BAD, sent) for name, sent in _HEADS.items()]
    whole = [http_probe("head", n, expected, sent) for n, (sent, expected) in _REQUESTS.items()]
    targets = [
        http_probe("target", _short(target), expected, _target(target.encode()))
        for target, expected in _TARGETS.items()
    ]
    connect = _target(b"x:443", b"CONNECT")
    body = b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED
    return [
        *broken,
        *whole,
        http_probe("head", "CONNECT", _NO_PATH, connect),
        http_probe("head", "CONNECT with a body that is a request", _NO_PATH, connect[:-2] + body),
        http_probe("head", "CONNECT, then a request", _NO_PATH, connect + SMUGGLED),
        *targets,
    ]


def pipelines() -> list[Probe]:
    """Many requests in one piece: each answered, in order, once."""
    unknown = _target(b"/api/v1/nowhere")
    return [
        http_probe(
            "pipeline",
            "50 requests in one piece",
            ", ".join(["200"] * 50) + "; goes on",
            _get(b"X: a") * 50,
            answers=50,
        ),
        http_probe(
            "pipeline",
            "a good one, a bad one, a good one",
            "200, 404 NOT_FOUND, 200; goes on",
            _get(b"X: a") + unknown + _get(b"X: a"),
            answers=3,
        ),
        http_probe(
            "pipeline",
            "a good one, then garbage, then a good one",
            BAD,  # what comes in one piece is taken or refused as a whole
            _get(b"X: a") + b"\0\1\2\r\n\r\n" + _get(b"X: a"),
            answers=3,
        ),
        http_probe(
            "pipeline",
            "a request inside the body of a refused one",
            "405 METHOD_NOT_ALLOWED; goes on",
            b"PATCH /api/v1/auctions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
            % len(SMUGGLED)
            + SMUGGLED,
        ),
        http_probe(
            "pipeline",
            "a request inside the body of a GET",
            "200; goes on",
            _get(b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED,
        ),
    ]


def _short(target: str) -> str:
    return target if len(target) <= 60 else f"{target[:40]}... ({len(target)} bytes)"


PROBES = [*framing(), *heads(), *pipelines()]
