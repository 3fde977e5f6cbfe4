"""The headers of a client's WebSocket frames, looked at before aiohttp's reader has them.

That reader is lenient where RFC 6455 is not: it takes frames without a mask (5.1), lengths in a
longer form than needed (5.2) and a new message inside one that began with an empty fragment (5.4).
Each of them fails the connection with 1002. Payloads are not looked at; everything else is the
reader's to judge.
"""

from typing import Protocol

_FIN, _OPCODE = 0x80, 0x0F
_MASK, _LENGTH = 0x80, 0x7F
_CONTROL = 0x8
_MASK_BYTES = 4
_BROKEN = b"\xf0\x00"
"""A frame with all reserved bits set: the reader itself fails the connection, once it has read
what came before."""


class Reader(Protocol):
    """aiohttp's WebSocketReader, as its connection uses it."""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take what came; (is this the end, what is left)."""

    def feed_eof(self) -> None:
        """Nothing more comes."""


class CheckedReader:
    """Stands where aiohttp's connection expects a reader, and hands on what may pass."""

    __slots__ = ("_held", "_in_message", "_left", "_reader")

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._left = 0
        """Bytes of the present frame that are still to come."""
        self._held = b""
        """A header that is not whole yet."""
        self._in_message = False

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take what came, see `Reader`."""
        if self._held:
            data, self._held = self._held + data, b""
        at, end = self._left, len(data)
        while at < end:
            size = self._frame_size(data, at, end)
            if size < 0:
                self._left = 0
                return self._reader.feed_data(data[:at] + _BROKEN)
            if size == 0:
                self._held, end = data[at:], at
                data = data[:at]
                break
            at += size
        self._left = at - end
        return self._reader.feed_data(data) if data else (False, b"")

    def feed_eof(self) -> None:
        """Nothing more comes."""
        self._reader.feed_eof()

    def _frame_size(self, data: bytes, at: int, end: int) -> int:
        """Of the frame whose header begins here, with it; 0: not whole yet; -1: not to be."""
        if end - at < 2:
            return 0
        first, second = data[at], data[at + 1]
        length, header = second & _LENGTH, 2
        if length > 125:
            header, least = (4, 126) if length == 126 else (10, 65_536)
            if end - at < header:
                return 0
            length = int.from_bytes(data[at + 2 : at + header], "big")
            if length < least:
                return -1
        if not second & _MASK or not self._is_in_turn(first):
            return -1
        return header + _MASK_BYTES + length

    def _is_in_turn(self, first: int) -> bool:
        """Does a frame with this first byte continue a message if, and only if, there is one?"""
        opcode = first & _OPCODE
        if opcode >= _CONTROL:
            return True
        if (opcode == 0) != self._in_message:
            return False
        self._in_message = not first & _FIN
        return True
