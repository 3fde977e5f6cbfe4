"""One socket's messages, read one after the other and answered.

A broken message is answered and the connection goes on; ten in a row, a binary frame or what is no
UTF-8 end it. A press of "Hemen Kap" runs beside the others, so that a socket is never deaf while it
waits. Reading is aiohttp's; every byte written goes through the writer. Tokens are never logged.
"""

import asyncio
import logging
from collections.abc import Mapping
from itertools import count
from typing import Any, Literal

from aiohttp import WSMsgType, web

from edge import ws_frames
from edge.connection import Socket
from edge.live_acts import Acts
from edge.meters import Meters
from edge.pace import Pace
from edge.problems import live_error
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
from engine import frames
from engine.errors import Busy, HotHourError, Internal, RateLimited
from engine.ports.clock import Clock
from engine.settings import Settings

MESSAGES_A_TURN = 16
"""Then the loop gets its turn, however many one client has sent at once."""

WebSocket = web.WebSocketResponse[Literal[False]]
_log = logging.getLogger(__name__)


class Conversation:
    """Talks with all sockets; one `listen` a socket."""

    def __init__(
        self,
        *,
        acts: Acts,
        writer: Writer,
        clock: Clock,
        settings: Settings,
        meters: Meters,
        paced: bool,
    ) -> None:
        """`paced` False: messages are not counted against their rates."""
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
        self._presses: set[asyncio.Task[None]] = set()

    async def listen(self, ws: WebSocket, socket: Socket) -> None:
        """Until either side has said goodbye or the connection is gone."""
        for nth in count(1):
            message = await ws.receive()
            socket.heard_ms = now_ms = self._clock.now_ms()
            match message.type:
                case WSMsgType.TEXT:
                    await self._hear(socket, message.data, now_ms)
                case WSMsgType.PING:
                    if not self._too_fast(socket, now_ms):
                        self._writer.write(socket, ws_frames.pong(bytes(message.data)))
                case WSMsgType.PONG:
                    self._too_fast(socket, now_ms)
                case WSMsgType.BINARY:
                    self._writer.close(socket, CloseCode.BAD_PROTOCOL)
                case WSMsgType.CLOSE:
                    self._writer.write(socket, ws_frames.goodbye(message.data))
                    return
                case _:
                    return
            if nth % MESSAGES_A_TURN == 0:
                await asyncio.sleep(0)

    def say(self, socket: Socket, fields: Mapping[str, Any]) -> None:
        """Write one message to one socket."""
        self._writer.write(socket, ws_frames.text(frames.encode(fields)))

    async def stop(self) -> None:
        """Wait for no press any more; what they asked for goes on without them."""
        for press in self._presses:
            press.cancel()
        await asyncio.gather(*self._presses, return_exceptions=True)

    # --- one message -----------------------------------------------------------------------------

    async def _hear(self, socket: Socket, payload: bytes, now_ms: int) -> None:
        if not socket.writable:
            return
        wait_ms = self._too_fast(socket, now_ms)
        if wait_ms:
            self._refuse(socket, ref_of(payload), RateLimited(retry_after_ms=wait_ms))
            return
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
            await self._start(socket, ref, message, now_ms)

    async def _start(self, socket: Socket, ref: Ref, message: ClientMessage, now_ms: int) -> None:
        refusal = self._refusal(socket, message, now_ms)
        if refusal is not None:
            self._refuse(socket, ref, refusal)
        elif isinstance(message, BookSeat):
            socket.bookings += 1
            press = asyncio.get_running_loop().create_task(
                self._press(socket, ref, message, now_ms)
            )
            self._presses.add(press)
            press.add_done_callback(self._presses.discard)
        else:
            await self._answer(socket, ref, message, now_ms)

    async def _press(self, socket: Socket, ref: Ref, message: BookSeat, now_ms: int) -> None:
        try:
            await self._answer(socket, ref, message, now_ms)
        finally:
            socket.bookings -= 1

    async def _answer(self, socket: Socket, ref: Ref, message: ClientMessage, now_ms: int) -> None:
        try:
            answer = await self._acts.act(socket, message, now_ms)
        except TooManySockets:
            self._writer.close(socket, CloseCode.TOO_MANY)
        except HotHourError as error:
            self._refuse(socket, ref, error)
        except Exception:
            _log.exception("a live message could not be answered")
            self._refuse(socket, ref, Internal())
        else:
            self.say(socket, {"ref": ref, **answer})

    def _refuse(self, socket: Socket, ref: Ref, error: HotHourError) -> None:
        self.say(socket, {"type": "error", "ref": ref, **live_error(error, socket.language)})

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

    def _refusal(self, socket: Socket, message: ClientMessage, now_ms: int) -> HotHourError | None:
        """Why this message is not even tried."""
        wait_ms = 0
        match message:
            case BookSeat() if socket.bookings >= self._settings.live_messages_burst:
                return Busy("Too many presses of this connection wait for their answers.")
            case BookSeat() if self._paced:
                socket.booking_pace, wait_ms = self._bookings.take(socket.booking_pace, now_ms)
            case Authenticate() if self._paced:
                socket.authentication_pace, wait_ms = self._authentications.take(
                    socket.authentication_pace, now_ms
                )
            case _:
                pass
        return RateLimited(retry_after_ms=wait_ms) if wait_ms else None
