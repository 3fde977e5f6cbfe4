"""Puts whole frames on sockets, and keeps those apart that do not take them.

Nothing here ever waits for a socket. One whose buffer fills is *congested*: droppable frames are
left out and the topic is noted; when the buffer has drained, each noted topic is mended by one
frame built from its present state. One that makes no progress, or stays congested too long, or lets
too much pile up, is cut. Only the congested are looked after, by one timer that exists while there
are any, so nobody else notices.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from edge import ws_frames
from edge.connection import Backlog, Socket
from edge.meters import Meters
from edge.slices import Slices
from engine.ports.clock import Clock
from engine.settings import Settings
from engine.timers import Timer, Timers

WATCH_EVERY_MS = 50
"""How often congested sockets are looked at."""

Marks = Mapping[Socket, int]
"""Who watches a topic, and the number of the last delivery each need not get."""
Mend = Callable[[Socket, int, int], bytes | None]
"""(socket, topic key, number of the first delivery missed) -> one frame that makes up for all of
them, or None if the socket watches that no more."""


class Writer:
    """All writes of live sockets go through here."""

    def __init__(
        self,
        *,
        mend: Mend,
        settings: Settings,
        clock: Clock,
        timers: Timers,
        slices: Slices,
        meters: Meters,
    ) -> None:
        self._mend = mend
        self._settings = settings
        self._clock = clock
        self._timers = timers
        self._slices = slices
        self._meters = meters
        self._congested: set[Socket] = set()
        self._alarm: Timer | None = None

    def prepare(self, socket: Socket) -> None:
        """Set up a new socket's buffer: congested from a quarter of what cuts it off."""
        high = self._settings.live_buffer_bytes_max // 4
        socket.transport.set_write_buffer_limits(high=high, low=high // 4)

    def write(self, socket: Socket, frame: bytes) -> None:
        """Write what must not be left out: answers, personal frames, control frames."""
        if socket.apart:
            if not socket.writable:
                return
            if socket.backlog is not None and self._too_much(socket):
                self.cut(socket)
                return
        if not socket.transport.is_closing():
            socket.transport.write(frame)
            socket.sent_ms = self._clock.now_ms()

    def spread(
        self, frame: bytes, key: int, number: int, sockets: Iterable[Socket], marks: Marks
    ) -> int:
        """Write delivery `number` of topic `key` to those of `sockets` that have no such mark yet
        and are not congested; how many got it."""
        now_ms, mark_of, told = self._clock.now_ms(), marks.get, 0
        # Once for each socket of each frame: 0.1 microseconds beside the write, which takes 6.
        for socket in sockets:
            if mark_of(socket, number) >= number:
                continue
            if socket.apart:
                self._pass_over(socket, key, number)
                continue
            socket.transport.write(frame)
            socket.sent_ms = now_ms
            told += 1
        return told

    def close(self, socket: Socket, code: int) -> None:
        """Say goodbye; nothing more is written. It is cut if it is not gone in time."""
        if not socket.writable:
            return
        self.write(socket, ws_frames.close(code))
        if socket.transport.is_closing():
            return
        socket.leave_by_ms = self._clock.now_ms() + int(self._settings.drain_abort_s * 1000)
        socket.apart = True
        self._meters.closed(code)

    def cut(self, socket: Socket) -> None:
        """Drop the connection without a word; nobody would read it."""
        self.forget(socket)
        self._meters.closed(ws_frames.CloseCode.SLOW)
        socket.transport.abort()

    def forget(self, socket: Socket) -> None:
        """It is gone."""
        socket.apart = True
        self._rejoin(socket)

    # --- the congested ---------------------------------------------------------------------------

    def filled(self, socket: Socket) -> None:
        """Its buffer has more than it should: it is congested."""
        if socket.backlog is not None:
            return
        waiting = socket.transport.get_write_buffer_size()
        socket.backlog = Backlog(self._clock.now_ms(), waiting)
        socket.apart = True
        self._congested.add(socket)
        self._meters.congested(len(self._congested))
        self._arm()

    def _pass_over(self, socket: Socket, key: int, number: int) -> None:
        if socket.backlog is not None:
            socket.backlog.missed.setdefault(key, number)

    def _rejoin(self, socket: Socket) -> None:
        """It is congested no more."""
        if socket.backlog is not None:
            socket.backlog = None
            self._congested.discard(socket)
            self._meters.congested(len(self._congested))

    def _arm(self) -> None:
        if self._alarm is None and self._congested:
            self._alarm = self._timers.after(WATCH_EVERY_MS, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        self._slices.add(self._look_after())

    def _look_after(self) -> Iterator[None]:
        for socket in tuple(self._congested):
            backlog = socket.backlog
            if backlog is not None:
                self._look_at(socket, backlog)
                yield
        self._arm()

    def _look_at(self, socket: Socket, backlog: Backlog) -> None:
        now_ms, settings = self._clock.now_ms(), self._settings
        if socket.transport.is_closing():
            return
        if not socket.full:
            self._drained(socket, backlog)
            return
        waiting = socket.transport.get_write_buffer_size()
        if waiting < backlog.waiting_bytes:
            backlog.moved_ms = now_ms
        backlog.waiting_bytes = waiting
        stalled = now_ms - backlog.moved_ms >= settings.live_stall_ms_max
        endless = now_ms - backlog.since_ms >= settings.live_congested_ms_max
        if stalled or endless or self._too_much(socket):
            self.cut(socket)

    def _drained(self, socket: Socket, backlog: Backlog) -> None:
        """Make up for what was left out, as far as the socket takes it now."""
        self._rejoin(socket)
        socket.apart = not socket.writable
        missed = backlog.missed
        while missed and socket.backlog is None and socket.writable:
            key = next(iter(missed))
            frame = self._mend(socket, key, missed.pop(key))
            if frame is not None:
                self.write(socket, frame)
        if missed and socket.backlog is not None:
            socket.backlog.missed.update(missed)

    def _too_much(self, socket: Socket) -> bool:
        waiting = socket.transport.get_write_buffer_size()
        return waiting > self._settings.live_buffer_bytes_max
