"""Raw sockets for hostile clients: bytes as they are, answers and frames read without mercy.

Nothing here forgives: what does not parse is named so, and what the server does at the end (closes,
or goes on and answers the next request on the same connection) is part of what was seen.
"""

import asyncio
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import orjson

HOST = "127.0.0.1"
PATIENCE_S = 15.0
"""How long anything may take that is not a deadline of the server's."""
FOLLOW_UP = b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Request-ID: the-follow-up\r\n\r\n"
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
TEXT, BINARY, CONTINUED, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA
MASK = b"\x37\xfa\x21\x3d"


@dataclass(slots=True)
class Answer:
    """One answer over HTTP, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    def told(self) -> str:
        """Status, and the code of a problem."""
        with suppress(orjson.JSONDecodeError):
            body = orjson.loads(self.body)
            if isinstance(body, dict) and "code" in body:
                return f"{self.status} {body['code']}"
        return str(self.status)


@dataclass(slots=True)
class Line:
    """One connection: what was sent is the caller's, what came back is kept."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    raw: bytes = b""
    """All that came."""
    _rest: bytes = b""
    ended: bool = False

    async def send(self, *pieces: bytes) -> None:
        """Write as far as the server lets us: it may have closed already."""
        for piece in pieces:
            with suppress(ConnectionError, OSError):
                self.writer.write(piece)
                async with asyncio.timeout(PATIENCE_S):
                    await self.writer.drain()

    async def answer(self, patience_s: float = PATIENCE_S) -> Answer | None:
        """The next answer; None at the end of the connection. Raises TimeoutError."""
        head = await self._until(b"\r\n\r\n", patience_s)
        if head is None:
            return None
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        headers = {n.lower(): v.strip() for n, _, v in (each.partition(":") for each in lines)}
        status = int(first.split()[1])
        length = int(headers.get("content-length", "0"))
        body = await self._exactly(length, patience_s) if status != 101 else b""
        return Answer(status, headers, body or b"")

    async def frame(self, patience_s: float = PATIENCE_S) -> tuple[int, bytes] | None:
        """The next frame of a live channel: opcode and payload; None at the end."""
        head = await self._exactly(2, patience_s)
        if head is None:
            return None
        assert not head[1] & 0x80, "a server's frames are not masked"
        length = head[1]
        if length == 126:
            length = struct.unpack("!H", await self._exactly(2, patience_s) or b"\0\0")[0]
        elif length == 127:
            length = struct.unpack("!Q", await self._exactly(8, patience_s) or b"\0" * 8)[0]
        payload = await self._exactly(length, patience_s)
        return None if payload is None else (head[0] & 0x0F, payload)

    async def end(self, patience_s: float = PATIENCE_S) -> bytes:
        """Wait until the server has closed; what came meanwhile. Raises TimeoutError."""
        while not self.ended:
            await self._more(patience_s)
        rest, self._rest = self._rest, b""
        return rest

    async def close(self) -> None:
        """Leave, whatever the server thinks."""
        self.writer.close()
        with suppress(ConnectionError, OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self.writer.wait_closed()

    async def _more(self, patience_s: float) -> None:
        piece = b""
        async with asyncio.timeout(patience_s):
            with suppress(ConnectionError, OSError):
                piece = await self.reader.read(65_536)
        self.ended = not piece
        self.raw += piece
        self._rest += piece

    async def _until(self, marker: bytes, patience_s: float) -> bytes | None:
        while marker not in self._rest:
            if self.ended:
                return None
            await self._more(patience_s)
        head, _, self._rest = self._rest.partition(marker)
        return head + marker

    async def _exactly(self, length: int, patience_s: float) -> bytes | None:
        while len(self._rest) < length:
            if self.ended:
                return None
            await self._more(patience_s)
        piece, self._rest = self._rest[:length], self._rest[length:]
        return piece


async def connect(port: int) -> Line:
    """A connection that has said nothing."""
    return Line(*await asyncio.open_connection(HOST, port))


async def http(port: int, pieces: Sequence[bytes], answers: int) -> str:
    """Send bytes; what was answered, up to so many times, and whether the connection goes on.

    It goes on if the next request on it is answered as itself: an answer to something else there
    would be a smuggled request.
    """
    line = await connect(port)
    try:
        await line.send(*pieces)
        told = []
        for _ in range(answers):
            found = await line.answer()
            if found is None:
                break
            told.append(found.told())
            if found.headers.get("connection") == "close":
                break
        else:
            await line.send(FOLLOW_UP)
            following = await line.answer()
            if following is not None:
                mine = following.headers.get("x-request-id") == "the-follow-up"
                return ", ".join(told) + ("; goes on" if mine else f"; then {following.told()}")
        rest = await line.end()
        return (", ".join(told) or "nothing") + (
            "; closed" if not rest else f"; then {rest[:60]!r}"
        )
    except TimeoutError:
        return f"silence after {line.raw[:60]!r}"
    finally:
        await line.close()


# --- frames --------------------------------------------------------------------------------------


def frame(
    payload: bytes = b"",
    opcode: int = TEXT,
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    length_form: int | None = None,
    says: int | None = None,
) -> bytes:
    """A client's frame. `length_form`: 7, 16 or 64 bits, else the shortest; `says`: a length that
    is not the payload's."""
    length = len(payload) if says is None else says
    form = length_form or (7 if length < 126 else 16 if length < 65_536 else 64)
    mask_bit = 0x80 if masked else 0
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    if form == 7:
        head = bytes((first, mask_bit | length))
    elif form == 16:
        head = struct.pack("!BBH", first, mask_bit | 126, length)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, length)
    return head + (MASK + masked_bytes(payload) if masked else payload)


def masked_bytes(payload: bytes) -> bytes:
    """A payload under MASK."""
    return bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))


def close_frame(code: int, reason: bytes = b"", **options: bool) -> bytes:
    """A client's goodbye."""
    return frame(struct.pack("!H", code) + reason, CLOSE, **options)


@dataclass(slots=True)
class Talk:
    """A live channel's raw connection after its upgrade."""

    line: Line
    told: list[str] = field(default_factory=list)

    async def hear(self, patience_s: float = PATIENCE_S) -> str | None:
        """One frame in words; None when the server has closed."""
        found = await self.line.frame(patience_s)
        if found is None:
            return None
        opcode, payload = found
        if opcode == TEXT:
            message = orjson.loads(payload)
            kind = str(message["type"])
            return f"error {message['code']}" if kind == "error" else kind
        if opcode == CLOSE:
            code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 0
            await self.line.send(close_frame(code) if code else frame(b"", CLOSE))
            return f"close {code}"
        return {PING: "ping frame", PONG: "pong frame"}.get(opcode, f"opcode {opcode}")


ALIVE = frame(b'{"type":"ping","ref":"alive","client_ms":1}')


async def live(port: int, pieces: Sequence[bytes], headers: bytes = b"") -> str:
    """Upgrade, send bytes behind it, then one healthy ping: all frames until the ping's answer or
    the end, in words. Runs of the same word are counted."""
    line = await connect(port)
    talk = Talk(line)
    try:
        await line.send(UPGRADE + headers + b"\r\n")
        answer = await line.answer()
        if answer is None or answer.status != 101:
            return "nothing" if answer is None else answer.told()
        assert await talk.hear() == "hello"
        # In one piece: what a server closes on while more is on its way is lost with the goodbye.
        await line.send(b"".join((*pieces, ALIVE)))
        while (heard := await talk.hear()) is not None:
            if heard == "pong":
                talk.told.append("goes on")
                break
            talk.told.append(heard)
        else:
            talk.told.append("closed")
        return _runs(talk.told)
    except TimeoutError:
        return f"silence after {_runs(talk.told) or 'hello'}"
    finally:
        await line.close()


def _runs(words: Sequence[str]) -> str:
    """The words in order; one that is repeated stands once, with a plus."""
    found: list[str] = []
    for word in words:
        if found and found[-1].removesuffix(" +") == word:
            found[-1] = f"{word} +"
        else:
            found.append(word)
    return ", ".join(found)
