"""A crowd of watchers, as cheap as they come: sockets, one selector, no event loop.

They only count what they hear, so that one core can listen to a server that does nothing but send.
Everything here blocks: it belongs on a thread of its own, under `machine.generating`.
"""

import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from loadtests.bench.figures import Broken
from loadtests.bench.live_load import client_frame
from loadtests.bench.product import Server

GREETING_AT_ONCE = 100
GREETED_WITHIN_S = 30.0
_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Step:
    """When this was heard, say that (nothing: None)."""

    heard: bytes
    say: bytes | None = None


@dataclass(frozen=True, slots=True)
class Tongue:
    """How a server is spoken to: the path of its socket, the words until one watches, and what its
    frames and its pings look like."""

    path: str
    steps: Sequence[Step]
    frame: bytes
    """What is in each frame that counts, once."""
    ping: bytes = b"\x89\x00"
    """How the server asks whether one is there."""
    pong: bytes = b"\x8a\x80" + bytes(4)


@dataclass(slots=True)
class Watcher:
    """One socket, and how far it has come."""

    connection: socket.socket
    step: int = 0
    unread: bytes = b""


@dataclass(slots=True)
class Heard:
    """All that the crowd has heard so far."""

    frames: int = 0
    bytes: int = 0
    last_s: float = 0.0
    """When the last frame came, in seconds since the epoch."""


@dataclass(slots=True)
class Crowd:
    """So many sockets that watch one server; `with` opens and closes them. Raises Broken."""

    server: Server
    tongue: Tongue
    count: int
    heard: Heard = field(default_factory=Heard)
    _watchers: list[Watcher] = field(default_factory=list)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def __enter__(self) -> Self:
        try:
            while len(self._watchers) < self.count:
                self._greet(min(GREETING_AT_ONCE, self.count - len(self._watchers)))
        except BaseException:
            self._hang_up()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._hang_up()

    def hear_frames(self, count: int, until_s: float) -> None:
        """Until so many more have come. Raises Broken at `until_s` (since the epoch)."""
        wanted = self.heard.frames + count
        self._hear(lambda: self.heard.frames >= wanted, until_s)
        if self.heard.frames < wanted:
            missing = wanted - self.heard.frames
            raise Broken(f"{missing:,} of {count:,} frames did not come in time")

    def hear_until(self, until_s: float) -> None:
        """Whatever comes until then (since the epoch)."""
        self._hear(lambda: False, until_s)

    # --- sockets ---------------------------------------------------------------------------------

    def _greet(self, several: int) -> None:
        newcomers = [self._connect() for _ in range(several)]
        self._watchers += newcomers
        watching = len(self.tongue.steps)

        def greeted() -> bool:
            return all(watcher.step == watching for watcher in newcomers)

        self._hear(greeted, time.time() + GREETED_WITHIN_S)
        if not greeted():
            raise Broken(f"the server did not let {several} sockets watch in time")

    def _connect(self) -> Watcher:
        server = self.server
        connection = socket.create_connection((server.host, server.port))
        connection.sendall(
            f"GET {self.tongue.path} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        connection.setblocking(False)
        watcher = Watcher(connection)
        self._selector.register(connection, selectors.EVENT_READ, watcher)
        return watcher

    def _hang_up(self) -> None:
        self._selector.close()
        for watcher in self._watchers:
            watcher.connection.close()

    # --- hearing ---------------------------------------------------------------------------------

    def _hear(self, enough: Callable[[], bool], until_s: float) -> None:
        watching, heard = len(self.tongue.steps), self.heard
        frame, ping = self.tongue.frame, self.tongue.ping
        while not enough() and (left_s := until_s - time.time()) > 0:
            for key, _ in self._selector.select(left_s):
                watcher: Watcher = key.data
                said = self._read(watcher)
                if watcher.step < watching:
                    self._go_on(watcher, said)
                    continue
                heard.bytes += len(said)
                if frame in said:
                    heard.frames += said.count(frame)
                    heard.last_s = time.time()
                if ping in said:
                    watcher.connection.send(self.tongue.pong)

    def _read(self, watcher: Watcher) -> bytes:
        try:
            said = watcher.connection.recv(_READ_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            said = b""
        if not said:
            raise Broken("the server closed a socket that only watched")
        return said

    def _go_on(self, watcher: Watcher, said: bytes) -> None:
        """Take the steps for which everything has been heard."""
        watcher.unread += said
        steps = self.tongue.steps
        while watcher.step < len(steps):
            step = steps[watcher.step]
            _, found, rest = watcher.unread.partition(step.heard)
            if not found:
                return
            watcher.unread = rest
            watcher.step += 1
            if step.say is not None:
                watcher.connection.send(client_frame(step.say))
        watcher.unread = b""
