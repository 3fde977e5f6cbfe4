"""A response that is one piece of bytes: head and body put together here, written at once.

aiohttp builds each response from a dictionary of headers, which costs about as much as all the rest
of a refused booking. Ours share their heads, so the bytes are kept instead. Bound to the two calls
aiohttp makes to send a response: `prepare` and `write_eof`.
"""

from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus

from aiohttp import HttpVersion, HttpVersion10, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time

_BODYLESS = frozenset({204, 304})


class Whole(web.StreamResponse):
    """A status, the lines of its head, and its body."""

    def __init__(self, status: int, lines: bytes, body: bytes, *, close: bool = False) -> None:
        """`lines`: headers as `header_lines` makes them; Date, Content-Length and Connection are
        added here. `close`: the connection ends with this answer."""
        # Not super's: its state is for putting headers together one by one.
        self._status = status
        self._lines = lines
        self._whole_body = body
        self._close = close

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send everything."""
        if self._eof_sent:
            return None
        self._eof_sent = True
        self._keep_alive = request.keep_alive and not self._close
        body = self._whole_body
        length = b"" if self._status in _BODYLESS else b"Content-Length: %d\r\n" % len(body)
        if request.method == "HEAD" or not length:
            body = b""
        whole = b"%b%b%bDate: %b\r\n%b\r\n%b" % (
            _status_line(self._status),
            self._lines,
            length,
            _date(rfc822_formatted_time()),
            _connection(request.version, self._keep_alive),
            body,
        )
        writer = request.writer
        await writer.write(whole)
        await writer.drain()
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to send."""


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Headers as they travel. Raises ValueError for a value that would start a line of its own."""
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    for line in lines:
        if any(control in line[:-2] for control in "\r\n\0"):
            raise ValueError("a header holds a control character")
    return "".join(lines).encode()


def _connection(version: HttpVersion, stays: bool) -> bytes:
    if not stays:
        return b"Connection: close\r\n"
    return b"" if version > HttpVersion10 else b"Connection: keep-alive\r\n"


@lru_cache
def _status_line(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()


@lru_cache(maxsize=4)
def _date(text: str) -> bytes:
    return text.encode()
