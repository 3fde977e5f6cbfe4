"""What a socket's messages come to: each is read, counted, done and answered.

A broken message is answered and the connection goes on; ten in a row, a binary frame or what is no
UTF-8 end it. A press of "Hemen Kap" waits beside the others, so that a socket is never deaf
meanwhile. Every byte written goes through the writer. Tokens are never logged.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from edge import ws_frames
from edge.connection import Socket
from edge.live_acts import Acts, Waits
from edge.live_connection import Later
from edge.meters import Meters
from edge.pace import Pace
from edge.refusals import Refusals
from edge.sessions import TooManySockets
from edge.wire.live import (
    Authenticate,
    BadText,
    BookSeat,
    ClientMessage,
    Malformed,
    Ref,
    read,
    ref_of,
)
from edge.writer import Writer
from edge.ws_frames import CloseCode
from edge.ws_reader import Message, WSMsgType
from engine import frames
from engine.domain.messages import Reply
from engine.errors import Busy, HotHourError, Internal, RateLimited
from engine.ports.clock import Clock
from engine.settings import Settings

_log = logging.getLogger(__name__)


class Conversation:
    """Talks with all sockets."""

    def __init__(
        self,
        *,
        acts: Acts,
        writer: Writer,
        clock: Clock,
        settings: Settings,
        meters: Meters,
        paced: bool,
        left: Callable[[Socket], None],
    ) -> None:
        """`paced` False: messages are not counted against their rates; `left`: the client has said
        goodbye."""
        self._left = left
        self._acts = acts
        self._writer = writer
        self._clock = clock
        self._settings = settings
        self._meters = meters
        self._paced = paced
        self._messages = Pace(settings.live_messages_per_s, 1_000, settings.live_messages_burst)
        self._bookings = Pace(settings.live_bookings_per_s, 1_000, settings.live_bookings_per_s)
        per_min = settings.live_authentications_per_min
        self._authentications = Pace(per_min, 60_000, per_min)
        self._presses: set[asyncio.Future[Reply]] = set()
        self._refusals = Refusals()

    def hear(self, socket: Socket, message: Message) -> Later | None:
        """One message; what is left of answering it if that has to wait for something."""
        socket.heard_ms = now_ms = self._clock.now_ms()
        match message.type:
            case WSMsgType.TEXT:
                return self._hear(socket, message.data, now_ms)
            case WSMsgType.PING:
                if not self._too_fast(socket, now_ms):
                    self._writer.write(socket, ws_frames.pong(bytes(message.data)))
            case WSMsgType.PONG:
                self._too_fast(socket, now_ms)
            case WSMsgType.CLOSE:
                self._writer.write(socket, ws_frames.goodbye(message.data))
                self._left(socket)
            case _:
                self._writer.close(socket, CloseCode.BAD_PROTOCOL)
        return None

    def say(self, socket: Socket, fields: Mapping[str, Any]) -> None:
        """Write one message to one socket."""
        self._writer.write(socket, ws_frames.text(frames.encode(fields)))

    async def stop(self) -> None:
        """Wait for no press any more; what they asked for goes on without them."""
        presses = tuple(self._presses)
        for press in presses:
            press.cancel()
        await asyncio.gather(*presses, return_exceptions=True)

    # --- one message -----------------------------------------------------------------------------

    def _hear(self, socket: Socket, payload: bytes, now_ms: int) -> Later | None:
        if not socket.writable:
            return None
        wait_ms = self._too_fast(socket, now_ms)
        if wait_ms:
            self._refuse(socket, ref_of(payload), RateLimited(retry_after_ms=wait_ms))
            return None
        try:
            ref, kind, message = read(payload)
        except BadText:
            self._writer.close(socket, CloseCode.BAD_TEXT)
        except Malformed as malformed:
            self._on_malformed(socket, malformed)
        else:
            socket.spoken = True
            socket.bad_messages = 0
            self._meters.heard(kind)
            try:
                return self._start(socket, ref, message, now_ms)
            except Exception as error:
                self._fail(socket, ref, error)
        return None

    def _start(self, socket: Socket, ref: Ref, message: ClientMessage, now_ms: int) -> Later | None:
        """Raises what the message is answered with if that is not its own answer."""
        if isinstance(message, BookSeat):
            self._press(socket, ref, message, now_ms)
            return None
        if isinstance(message, Authenticate) and self._paced:
            self._check_tokens(socket, now_ms)
        answer = self._acts.act(socket, message, now_ms)
        if isinstance(answer, dict):
            self.say(socket, {"ref": ref, **answer})
            return None
        return self._answer_later(socket, ref, answer)

    async def _answer_later(self, socket: Socket, ref: Ref, answer: Waits) -> None:
        try:
            self.say(socket, {"ref": ref, **await answer()})
        except Exception as error:
            self._fail(socket, ref, error)

    def _press(self, socket: Socket, ref: Ref, message: BookSeat, now_ms: int) -> None:
        if socket.bookings >= self._settings.live_messages_burst:
            raise Busy("Too many presses of this connection wait for their answers.")
        if self._paced:
            self._check_presses(socket, now_ms)
        try:
            reply = self._acts.press(socket, message, now_ms)
        except HotHourError as error:
            self._refuse(socket, ref, error)
            return
        socket.bookings += 1
        self._presses.add(reply)
        reply.add_done_callback(partial(self._pressed, socket, ref))

    def _pressed(self, socket: Socket, ref: Ref, reply: asyncio.Future[Reply]) -> None:
        self._presses.discard(reply)
        socket.bookings -= 1
        if reply.cancelled():
            return
        try:
            self.say(socket, {"ref": ref, **self._acts.pressed(reply)})
        except Exception as error:
            self._fail(socket, ref, error)

    def _fail(self, socket: Socket, ref: Ref, error: Exception) -> None:
        match error:
            case HotHourError():
                self._refuse(socket, ref, error)
            case TooManySockets():
                self._writer.close(socket, CloseCode.TOO_MANY)
            case _:
                _log.error("a live message could not be answered", exc_info=error)
                self._refuse(socket, ref, Internal())

    def _refuse(self, socket: Socket, ref: Ref, error: HotHourError) -> None:
        self._writer.write(socket, self._refusals.frame(ref, error, socket.language))

    def _on_malformed(self, socket: Socket, malformed: Malformed) -> None:
        self._refuse(socket, malformed.ref, malformed.why)
        socket.bad_messages += 1
        if socket.bad_messages >= self._settings.live_bad_messages_max:
            self._writer.close(socket, CloseCode.BAD_PROTOCOL)

    # --- limits ----------------------------------------------------------------------------------

    def _too_fast(self, socket: Socket, now_ms: int) -> int:
        """Count one message: milliseconds until the next is welcome, 0 if this one is. Who goes on
        regardless is closed."""
        if not self._paced:
            return 0
        socket.message_pace, wait_ms = self._messages.take(socket.message_pace, now_ms)
        if not wait_ms:
            socket.refused_messages = 0
            return 0
        socket.refused_messages += 1
        if socket.refused_messages > self._settings.live_messages_burst:
            self._writer.close(socket, CloseCode.RATE)
        return wait_ms

    def _check_presses(self, socket: Socket, now_ms: int) -> None:
        socket.booking_pace, wait_ms = self._bookings.take(socket.booking_pace, now_ms)
        if wait_ms:
            raise RateLimited(retry_after_ms=wait_ms)

    def _check_tokens(self, socket: Socket, now_ms: int) -> None:
        pace = socket.authentication_pace
        socket.authentication_pace, wait_ms = self._authentications.take(pace, now_ms)
        if wait_ms:
            raise RateLimited(retry_after_ms=wait_ms)
