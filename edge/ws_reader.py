"""Bytes of a client in, whole WebSocket messages out, one at a time.

Payloads are unmasked and put together by aiohttp's reader, which is lenient where RFC 6455 is not:
it takes frames without a mask (5.1), lengths in a longer form than needed (5.2) and a new message
inside one that began with an empty fragment (5.4). So each header is looked at here first. Never
gives that reader more than one frame: what nobody has asked for yet stays bytes.
"""

from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.http_websocket import (
    WebSocketError,
    WebSocketReader,
    WSMessageNoDecodeText,
    WSMsgType,
)

from edge.ws_frames import CloseCode

__all__ = ["FrameReader", "WSMsgType", "WebSocketError"]

_FIN, _OPCODE = 0x80, 0x0F
_MASK, _LENGTH = 0x80, 0x7F
_CONTROL = 0x8
_MASK_BYTES = 4

Message = WSMessageNoDecodeText


class FrameReader:
    """Reads one connection. `feed` it, then `read` until there is nothing more."""

    __slots__ = ("_at", "_held", "_in_message", "_inbox", "_left", "_reader")

    def __init__(self, message_bytes_max: int) -> None:
        self._inbox = _Inbox()
        # aiohttp refuses what is as large as its limit, we only what is larger.
        self._reader = WebSocketReader(
            self._inbox, message_bytes_max + 1, compress=False, decode_text=False
        )
        self._held = b""
        self._at = 0
        """What of it has been read."""
        self._left = 0
        """Bytes of the present frame that have not been read."""
        self._in_message = False

    @property
    def waiting(self) -> int:
        """Bytes that nobody has asked for."""
        return len(self._held) - self._at

    def feed(self, came: bytes) -> None:
        """Keep what came behind what is waiting."""
        self._held = self._held[self._at :] + came if self._held else came
        self._at = 0

    def read(self) -> Message | None:
        """The next message, control frames included; None: it is not all here yet.

        Raises WebSocketError with a close code; nothing can be read after that.
        """
        inbox = self._inbox
        while piece := self._piece():
            self._reader.feed_data(piece)
            if inbox.error is not None:
                raise inbox.error
            message = inbox.message
            if message is not None:
                inbox.message = None
                return message
        return None

    def _piece(self) -> bytes:
        """What is here of the next frame; nothing before its header is whole."""
        held, at = self._held, self._at
        left = self._left or self._frame_size(held, at)
        if not left:
            return b""
        end = at + left
        if end < len(held):
            self._at, self._left = end, 0
            return held[at:end]
        self._held, self._at, self._left = b"", 0, end - len(held)
        return held[at:] if at else held

    def _frame_size(self, held: bytes, at: int) -> int:
        """Of the frame whose header begins there, with it; 0: it is not whole yet."""
        here = len(held) - at
        if here < 2:
            return 0
        first, second = held[at], held[at + 1]
        length, header = second & _LENGTH, 2
        if length > 125:
            header, least = (4, 126) if length == 126 else (10, 65_536)
            if here < header:
                return 0
            length = int.from_bytes(held[at + 2 : at + header], "big")
            if length < least:
                raise WebSocketError(CloseCode.BROKEN, "a length longer than needed")
        if not second & _MASK:
            raise WebSocketError(CloseCode.BROKEN, "a frame without a mask")
        if first & _OPCODE < _CONTROL:
            self._take_turn(first)
        return header + _MASK_BYTES + length

    def _take_turn(self, first: int) -> None:
        """A frame of a message: it continues one if, and only if, there is one."""
        if (first & _OPCODE == 0) != self._in_message:
            raise WebSocketError(CloseCode.BROKEN, "a fragment out of turn")
        self._in_message = not first & _FIN


class _Inbox(WebSocketDataQueue):
    """Where aiohttp's reader puts what it has read, or why it cannot go on. Room for one, since it
    never has more than one frame."""

    __slots__ = ("error", "message")

    def __init__(self) -> None:
        # Not super's: that makes a queue, which weighs more than all of a connection's reader.
        self.message: Message | None = None
        self.error: BaseException | None = None

    def feed_data(self, data: Message, size: int) -> None:
        """A message is whole."""
        self.message = data

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """It is broken."""
        self.error = exc
