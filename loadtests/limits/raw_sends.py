"""The least a server can do to tell many sockets the same: `sock.send` of the same bytes, in turn.

`python -m loadtests.limits.raw_sends EVERY_MS PAYLOAD`. Upgrades whoever asks, reads nothing of
what they say later, and at each multiple of EVERY_MS writes one text frame to all of them. No event
loop beyond the selector, no buffers, no checks: a socket that does not take a frame loses it.
"""

import base64
import hashlib
import re
import selectors
import signal
import socket
import sys
import time
from types import FrameType

_ACCEPT_AT_ONCE = 128
_KEY = re.compile(rb"^sec-websocket-key: *(\S+)", re.IGNORECASE | re.MULTILINE)
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT_FRAME = 0x81


def text_frame(payload: bytes) -> bytes:
    """One frame of a server; up to 64 KiB."""
    size = len(payload)
    head = bytes((_TEXT_FRAME, size)) if size < 126 else b"\x81\x7e" + size.to_bytes(2, "big")
    return head + payload


def upgrade(request: bytes) -> bytes:
    """The answer to a WebSocket handshake. Raises ValueError if it is none."""
    key = _KEY.search(request)
    if key is None:
        raise ValueError("no Sec-WebSocket-Key")
    accept = base64.b64encode(hashlib.sha1(key[1] + _MAGIC).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


class RawSends:
    """Accepts, upgrades and sends, in one thread."""

    def __init__(self, every_ms: int, frame: bytes) -> None:
        self._every_ms = every_ms
        self._frame = frame
        self._told: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4_096)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def run(self) -> None:
        """For ever."""
        due_ms = self._next_due_ms()
        while True:
            wait_ms = due_ms - time.time() * 1_000
            if wait_ms <= 0:
                self._send()
                due_ms = self._next_due_ms()
                continue
            for key, _ in self._selector.select(wait_ms / 1_000):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    assert isinstance(key.fileobj, socket.socket), "only sockets are registered"
                    self._hear(key.fileobj)

    def _next_due_ms(self) -> int:
        return (time.time_ns() // 1_000_000 // self._every_ms + 1) * self._every_ms

    def _send(self) -> None:
        frame = self._frame
        for told in self._told:
            try:
                told.send(frame)
            except OSError:  # full, or gone
                continue

    def _accept(self) -> None:
        for _ in range(_ACCEPT_AT_ONCE):
            try:
                accepted, _ = self._listener.accept()
            except BlockingIOError:
                return
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(accepted, selectors.EVENT_READ)

    def _hear(self, heard: socket.socket) -> None:
        """An upgrade, the end, or something nobody listens to."""
        try:
            said = heard.recv(65_536)
            if said and heard not in self._told:
                heard.send(upgrade(said))
                self._told.add(heard)
        except (OSError, ValueError):
            said = b""
        if not said:
            self._told.discard(heard)
            self._selector.unregister(heard)
            heard.close()


def main() -> None:
    """The program's entry."""
    every_ms, payload = sys.argv[1:]
    signal.signal(signal.SIGTERM, _end)
    sends = RawSends(int(every_ms), text_frame(payload.encode()))
    print(f"ready http://127.0.0.1:{sends.port}", flush=True)
    sends.run()


def _end(_: int, __: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough
    sys.exit()


if __name__ == "__main__":
    main()
