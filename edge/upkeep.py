"""What a socket owes and is owed while nobody acts: pings, heartbeats, time-outs, goodbyes.

Rules only; the sweeper brings each socket here when one of its deadlines may have come.
"""

from edge import ws_frames
from edge.connection import Socket
from edge.sessions import Sessions
from edge.writer import Writer
from edge.ws_frames import CloseCode
from engine import frames
from engine.frames import instant
from engine.settings import Settings


class Upkeep:
    """Looks at one socket at a time."""

    def __init__(self, *, writer: Writer, sessions: Sessions, settings: Settings) -> None:
        self._writer = writer
        self._sessions = sessions
        self._settings = settings

    def look(self, socket: Socket, now_ms: int) -> int:
        """Do what is due; the instant of the next look."""
        if socket.leave_by_ms:
            return self._see_off(socket, now_ms)
        code = self._why_close(socket, now_ms)
        if code is not None:
            self._writer.close(socket, code)
            return max(socket.leave_by_ms, now_ms)
        self._keep_alive(socket, now_ms)
        session_ms = self._sessions.keep(socket, now_ms)
        return max(now_ms + 1, self._next_ms(socket, session_ms))

    def _see_off(self, socket: Socket, now_ms: int) -> int:
        if now_ms >= socket.leave_by_ms:
            socket.transport.abort()
        return socket.leave_by_ms

    def _why_close(self, socket: Socket, now_ms: int) -> CloseCode | None:
        settings = self._settings
        if socket.drain_at_ms and now_ms >= socket.drain_at_ms:
            # A press under way may still be answered, for as long as a goodbye may take.
            patience_ms = int(settings.drain_abort_s * 1000)
            if not socket.bookings or now_ms >= socket.drain_at_ms + patience_ms:
                return CloseCode.DRAINING
        if not socket.spoken and now_ms - socket.born_ms >= settings.live_hello_timeout_ms:
            return CloseCode.NOTHING_SAID
        if now_ms - socket.heard_ms >= settings.live_idle_timeout_ms:
            return CloseCode.IDLE
        return None

    def _keep_alive(self, socket: Socket, now_ms: int) -> None:
        settings = self._settings
        if socket.backlog is not None:
            return
        if now_ms - max(socket.heard_ms, socket.pinged_ms) >= settings.live_ping_after_ms:
            socket.pinged_ms = now_ms
            sent_ms = socket.sent_ms
            self._writer.write(socket, ws_frames.PING)
            # A page cannot see pings: they do not stand in for heartbeats.
            socket.sent_ms = sent_ms
        if now_ms - socket.sent_ms >= settings.live_heartbeat_ms:
            payload = frames.encode({"type": "heartbeat", "server_time": instant(now_ms)})
            self._writer.write(socket, ws_frames.text(payload))

    def _next_ms(self, socket: Socket, session_ms: int | None) -> int:
        settings = self._settings
        soonest = min(
            socket.heard_ms + settings.live_idle_timeout_ms,
            max(socket.heard_ms, socket.pinged_ms) + settings.live_ping_after_ms,
            socket.sent_ms + settings.live_heartbeat_ms,
        )
        if not socket.spoken:
            soonest = min(soonest, socket.born_ms + settings.live_hello_timeout_ms)
        if socket.drain_at_ms:
            soonest = min(soonest, socket.drain_at_ms)
        return soonest if session_ms is None else min(soonest, session_ms)
