"""One live connection's protocol: what its transport calls.

Reads messages and hands them on, one after the other. There is no task while nobody waits: most
messages are answered at once, and while one is not (a view that has to be loaded) those behind it
stay bytes; beyond some of them the peer is not read from. Says nothing itself.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from edge.connection import Socket
from edge.ws_reader import FrameReader, Message, WebSocketError

MESSAGES_A_TURN = 16
"""Then the loop gets its turn, however many one client has sent at once."""

Later = Coroutine[Any, Any, None]
"""An answer that has to wait for something. It raises nothing."""


class Host(Protocol):
    """Whose connection it is."""

    def hear(self, socket: Socket, message: Message) -> Later | None:
        """Do what the message asks; what is left of that if it cannot be done at once."""

    def broken(self, socket: Socket, code: int) -> None:
        """What came is no WebSocket: fail the connection with this close code."""

    def failed(self, socket: Socket, error: Exception) -> None:
        """We broke."""

    def filled(self, socket: Socket) -> None:
        """It does not take what is written to it."""

    def lost(self, socket: Socket) -> None:
        """The peer is gone, or says nothing more."""


class LiveConnection(asyncio.Protocol):
    """Reads for one socket, and knows whether it takes what is written."""

    __slots__ = ("_ahead_bytes_max", "_host", "_pending", "_reader", "_socket")

    def __init__(self, host: Host, socket: Socket, message_bytes_max: int) -> None:
        self._host = host
        self._socket = socket
        self._reader = FrameReader(message_bytes_max)
        self._ahead_bytes_max = message_bytes_max
        self._pending: asyncio.Task[None] | asyncio.Handle | None = None
        """What goes on with reading."""

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        reader.feed(data)
        if self._pending is None:
            self._go_on()
        if reader.waiting > self._ahead_bytes_max:
            self._socket.transport.pause_reading()

    def eof_received(self) -> None:
        self._host.lost(self._socket)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._pending is not None:
            self._pending.cancel()
            self._pending = None
        self._host.lost(self._socket)

    def pause_writing(self) -> None:
        self._socket.full = True
        self._host.filled(self._socket)

    def resume_writing(self) -> None:
        self._socket.full = False

    def _go_on(self) -> None:
        """Hear messages until one has to wait, the turn is over, or there is none."""
        reader, socket, host = self._reader, self._socket, self._host
        transport = socket.transport
        try:
            for _ in range(MESSAGES_A_TURN):
                if transport.is_closing():
                    return
                message = reader.read()
                if message is None:
                    return
                later = host.hear(socket, message)
                if later is None:
                    if not reader.waiting:
                        return
                else:
                    self._pending = task = asyncio.get_running_loop().create_task(later)
                    task.add_done_callback(self._resume)
                    return
        except WebSocketError as error:
            host.broken(socket, error.code)
        except Exception as error:
            host.failed(socket, error)
        else:
            if reader.waiting:
                self._pending = asyncio.get_running_loop().call_soon(self._resume)

    def _resume(self, answered: asyncio.Task[None] | None = None) -> None:
        if answered is not None and answered.cancelled():
            return
        self._pending = None
        self._go_on()
        if self._pending is None:
            self._socket.transport.resume_reading()
