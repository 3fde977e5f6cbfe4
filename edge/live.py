"""The live channel: `GET /ws`, subprotocol hothour.v1. One socket's life from upgrade to end.

Judged before the upgrade, over HTTP: protocol, origin, token, counts. Then `hello`, then the
conversation, until one side says goodbye. Draining tells every socket its own moment, so that ten
thousand clients do not come back at once.
"""

import asyncio
import logging
import secrets
import socket as sockets
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from aiohttp import web

from edge.admission import Admission, bad_request
from edge.connection import Socket
from edge.conversation import Conversation
from edge.hub import Hub
from edge.incoming import language_of
from edge.live_acts import Acts, Asks
from edge.live_connection import Later, LiveConnection
from edge.meters import Meters
from edge.problems import code_of
from edge.routing import Principal
from edge.sessions import Sessions, TooManySockets
from edge.sweeper import Sweeper
from edge.takeover import Taken, accept_of, switching, take_over
from edge.upkeep import Upkeep
from edge.ws_frames import PROTOCOL, CloseCode
from edge.ws_reader import Message
from engine.errors import HotHourError
from engine.frames import instant
from engine.ports.clock import Clock
from engine.ports.outbox import OutboxStore
from engine.settings import Settings
from engine.timers import Timers

_NOTSENT_LOWAT = getattr(sockets, "TCP_NOTSENT_LOWAT", None)
_log = logging.getLogger(__name__)

Refuse = Callable[[HotHourError, web.Request], web.StreamResponse]
"""The problem an error is over HTTP."""


class LiveChannel:
    """All live sockets of a process. `handle` serves /ws; `drain` before the end, then `stop`."""

    def __init__(
        self,
        *,
        hub: Hub,
        asks: Asks,
        outbox: OutboxStore,
        bearer: Callable[[str], Principal],
        refuse: Refuse,
        address_of: Callable[[web.Request], str],
        origins: Collection[str],
        epoch: str,
        sockets_max: int,
        counts_clients: bool,
        settings: Settings,
        clock: Clock,
        timers: Timers,
        meters: Meters,
    ) -> None:
        """`bearer`: whose access token this is (raises AuthInvalid, AuthExpired); `origins`: pages
        that may connect beside our own host's; `epoch` changes when the database was restored;
        `counts_clients` False: nothing is counted by address, user or socket."""
        self._settings = settings
        self._clock = clock
        self._timers = timers
        self._meters = meters
        self._refuse = refuse
        self._address_of = address_of
        self._hub = hub
        self._admission = Admission(
            origins=origins,
            most=sockets_max,
            most_an_address=settings.live_sockets_per_address_max if counts_clients else None,
        )
        self._sessions = Sessions(
            bearer=bearer,
            hub=hub,
            clock=clock,
            most_a_user=settings.live_sockets_per_user_max if counts_clients else None,
            renewed=self._look_now,
        )
        upkeep = Upkeep(writer=hub.writer, sessions=self._sessions, settings=settings)
        self._sweeper = Sweeper(look=upkeep.look, clock=clock, timers=timers, slices=hub.slices)
        self._conversation = self._conversation_with(asks, outbox, paced=counts_clients)
        self._hello = _hello(settings, epoch)
        self._sockets: set[Socket] = set()
        self._draining = False
        self._emptied = asyncio.Event()

    @property
    def open_sockets(self) -> int:
        """Sockets that have said or will say something."""
        return len(self._sockets)

    def revoked(self, session_ids: Collection[str]) -> None:
        """These sessions have ended: their personal channels end with them."""
        self._sessions.revoked(session_ids)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The aiohttp handler of GET /ws. It returns at once; the socket stays."""
        address = self._address_of(request)
        try:
            self._admission.check(request)
            principal = self._sender(request)
            accept = accept_of(request)
            if accept is None:
                raise bad_request("Upgrade", "The handshake is not that of RFC 6455.")
            self._admission.enter(address)
        except HotHourError as error:
            return self._turn_away(error, request)
        self._upgrade(request, accept, address, principal)
        return Taken()

    async def drain(self) -> None:
        """Take no new sockets, tell each open one its own moment, and return when all are gone:
        at most `drain_s_max` and twice `drain_abort_s` later."""
        self._admission.shut()
        self._draining = True
        now_ms, leaving = self._clock.now_ms(), tuple(self._sockets)
        settings = self._settings
        window_s = min(settings.drain_s_max, len(leaving) / settings.drain_sockets_per_s)
        for nth, socket in enumerate(leaving, 1):
            self._tell_to_go(socket, now_ms + int(window_s * 1000 * nth / len(leaving)))
            if nth % 8 == 0:
                await asyncio.sleep(0)
        if self._sockets:
            await self._emptied.wait()

    async def stop(self) -> None:
        """Let go of everything that still waits, and of every socket."""
        await self._conversation.stop()
        self._hub.slices.stop()
        for socket in tuple(self._sockets):
            self.lost(socket)
            socket.transport.abort()

    def _conversation_with(self, asks: Asks, outbox: OutboxStore, *, paced: bool) -> Conversation:
        acts = Acts(
            asks=asks,
            hub=self._hub,
            sessions=self._sessions,
            outbox=outbox,
            clock=self._clock,
            settings=self._settings,
            meters=self._meters,
        )
        return Conversation(
            acts=acts,
            writer=self._hub.writer,
            clock=self._clock,
            settings=self._settings,
            meters=self._meters,
            paced=paced,
            left=self.lost,
        )

    # --- one socket ------------------------------------------------------------------------------

    def _sender(self, request: web.Request) -> Principal | None:
        authorization = request.headers.get("Authorization")
        return None if authorization is None else self._sessions.of_header(authorization)

    def _turn_away(self, error: HotHourError, request: web.Request) -> web.StreamResponse:
        self._meters.turned_away(code_of(error))
        return self._refuse(error, request)

    def _upgrade(
        self, request: web.Request, accept: bytes, address: str, principal: Principal | None
    ) -> None:
        settings, transport = self._settings, request.transport
        if transport is None or transport.is_closing():
            self._admission.leave(address)
            return
        protocol = PROTOCOL if "Sec-WebSocket-Protocol" in request.headers else None
        transport.write(switching(accept, protocol))
        _see_the_backlog(transport, settings.live_notsent_lowat_bytes)
        socket = Socket(
            transport,
            address=address,
            language=language_of(request.headers.get("Accept-Language")),
            now_ms=self._clock.now_ms(),
        )
        self._sockets.add(socket)
        self._meters.sockets(len(self._sockets))
        connection = LiveConnection(self, socket, settings.live_frame_bytes_max)
        early = take_over(request, transport, connection)
        try:
            self._greet(socket, principal)
        except Exception as error:
            self.failed(socket, error)
        if early:
            connection.data_received(early)

    def _greet(self, socket: Socket, principal: Principal | None) -> None:
        now_ms = socket.born_ms
        self._hub.writer.prepare(socket)
        moment = {"connection_id": secrets.token_hex(8), "server_time": instant(now_ms)}
        self._conversation.say(socket, {**self._hello, **moment})
        if principal is not None:
            try:
                self._sessions.sign_in(socket, principal)
            except TooManySockets:
                self._hub.writer.close(socket, CloseCode.TOO_MANY)
        self._look_now(socket)
        if self._draining:
            self._tell_to_go(socket, now_ms)

    # --- live_connection.Host --------------------------------------------------------------------

    def hear(self, socket: Socket, message: Message) -> Later | None:
        """See Host."""
        return self._conversation.hear(socket, message)

    def broken(self, socket: Socket, code: int) -> None:
        """See Host."""
        self._hub.writer.close(socket, code)
        self.lost(socket)

    def failed(self, socket: Socket, error: Exception) -> None:
        """See Host."""
        _log.error("a live connection broke", exc_info=error)
        self._hub.writer.close(socket, CloseCode.INTERNAL)
        self.lost(socket)

    def filled(self, socket: Socket) -> None:
        """See Host."""
        self._hub.writer.filled(socket)

    def lost(self, socket: Socket) -> None:
        """See Host; also when both sides have said goodbye. Nothing is left of it here."""
        if socket not in self._sockets:
            return
        self._sockets.remove(socket)
        self._admission.leave(socket.address)
        self._sweeper.forget(socket)
        self._sessions.leave(socket)
        self._hub.forget(socket)
        self._meters.sockets(len(self._sockets))
        transport = socket.transport
        transport.close()
        if transport.get_write_buffer_size():
            # Its last words may be read, but not waited for.
            self._timers.after(int(self._settings.drain_abort_s * 1000), transport.abort)
        if self._draining and not self._sockets:
            self._emptied.set()

    # --- moments ---------------------------------------------------------------------------------

    def _look_now(self, socket: Socket) -> None:
        self._sweeper.watch(socket, self._clock.now_ms())

    def _tell_to_go(self, socket: Socket, at_ms: int) -> None:
        socket.drain_at_ms = at_ms
        wait_ms = max(0, at_ms - self._clock.now_ms())
        self._conversation.say(socket, {"type": "draining", "reconnect_in_ms": wait_ms})
        self._sweeper.watch(socket, at_ms)


def _hello(settings: Settings, epoch: str) -> dict[str, Any]:
    """What is the same for every socket."""
    return {
        "type": "hello",
        "protocol": PROTOCOL,
        "epoch": epoch,
        "idle_ms": settings.live_idle_timeout_ms,
        "limits": {
            "frame_bytes": settings.live_frame_bytes_max,
            "messages_per_s": settings.live_messages_per_s,
            "messages_burst": settings.live_messages_burst,
            "bookings_per_s": settings.live_bookings_per_s,
            "authentications_per_min": settings.live_authentications_per_min,
            "subscriptions": settings.live_subscriptions_max,
        },
        "reconnect_ms": [settings.live_reconnect_ms_min, settings.live_reconnect_ms_max],
    }


def _see_the_backlog(transport: asyncio.Transport, lowat_bytes: int) -> None:
    """Keep a stuck client's backlog out of the kernel, where nobody could count it."""
    connection = transport.get_extra_info("socket")
    if _NOTSENT_LOWAT is not None and connection.family in (sockets.AF_INET, sockets.AF_INET6):
        with suppress(OSError):  # it may be gone already
            connection.setsockopt(sockets.IPPROTO_TCP, _NOTSENT_LOWAT, lowat_bytes)
