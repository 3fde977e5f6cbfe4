"""From an HTTP request to a WebSocket's own protocol: the handshake of RFC 6455, and the transport.

aiohttp keeps a task, a request, a parser and a queue for each WebSocket: 12 of the 15 KB that an
idle one weighs with it. Here the transport gets another protocol right behind the handshake, and
all of that is garbage. aiohttp has no public hook for it, so this knows what its connection keeps:
the parser's flag, the bytes that came early, and that a connection without a transport lets go.
"""

import asyncio
import base64
import binascii
import hashlib

from aiohttp import web
from aiohttp.http import WS_KEY

_KEY_BYTES = 16


def accept_of(request: web.Request) -> bytes | None:
    """What proves to the client that its handshake was understood; None for one that is broken."""
    key = request.headers.get("Sec-WebSocket-Key", "")
    try:
        whole = len(base64.b64decode(key, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return None
    # What follows the head must be frames to aiohttp's parser, too.
    if not whole or not request.protocol._upgraded:
        return None
    return base64.b64encode(hashlib.sha1(key.encode() + WS_KEY).digest())


def switching(accept: bytes, protocol: str | None) -> bytes:
    """The answer to a handshake; `protocol`: the subprotocol, if one was offered."""
    chosen = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n%bServer: hothour\r\n\r\n" % (accept, chosen.encode())
    )


def take_over(
    request: web.Request, transport: asyncio.Transport, protocol: asyncio.Protocol
) -> bytes:
    """From now on the request's transport is `protocol`'s; the bytes that came early. The request's
    own connection ends without touching it; answer with `Taken`."""
    connection = request.protocol
    early, connection._message_tail = connection._message_tail, b""
    connection.transport = None  # else its end would be the transport's
    connection.connection_lost(None)
    transport.set_protocol(protocol)
    transport.resume_reading()  # it stops where early bytes are many
    return early


class Taken(web.StreamResponse):
    """What a handler returns when the answer is given and the transport is somebody else's."""

    def __init__(self) -> None:
        # Not super's: nothing is put together.
        self._status = 101
        self._eof_sent = True
        self._keep_alive = False

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing is left to send."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to send."""
