"""Probes that take their time: half a head, a body that drips, a socket that went away.

Each waits for one of the server's own deadlines, so all of them are meant to run at once. Too soon
is as wrong as never.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

from tests.hostile import wire
from tests.hostile.probe import Deadlines, Probe, Target
from tests.hostile.wire import PATIENCE_S, PONG, Line, Talk, frame

DRIP_EVERY_S = 0.1
EARLY_S = 0.5
"""Clocks and sweeps are not the same on both ends."""
TOO_LATE = "408 REQUEST_TIMEOUT; closed"

_HEAD = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
_LOGIN = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_HALF_A_BODY = _LOGIN + b'Content-Length: 5000\r\n\r\n{"email": '
_HALF_A_CHUNK = _LOGIN + b"Transfer-Encoding: chunked\r\n\r\n1000\r\n{"
_HALF_AN_EXTENSION = _LOGIN + b"Transfer-Encoding: chunked\r\n\r\n2;"

Deadline = Callable[[Deadlines], float]


def _header(deadlines: Deadlines) -> float:
    return deadlines.header_s


def _body(deadlines: Deadlines) -> float:
    return deadlines.body_s


def _hello(deadlines: Deadlines) -> float:
    return deadlines.hello_s


def _idle(deadlines: Deadlines) -> float:
    return deadlines.idle_s


async def _stopping(first: bytes, drip: bytes, due: Deadline, target: Target) -> str:
    """Say `first`, then `drip` again and again until shortly before the deadline, then nothing."""
    line = await wire.connect(target.port)
    wait_s = due(target.deadlines)
    began_s = asyncio.get_running_loop().time()
    try:
        await line.send(first)
        while drip and _since(began_s) < wait_s - 2 * EARLY_S:
            await line.send(drip)
            await asyncio.sleep(DRIP_EVERY_S)
        return _timed(await _farewell(line, wait_s), began_s, wait_s)
    finally:
        await line.close()


async def _farewell(line: Line, wait_s: float) -> str:
    answer = await line.answer(wait_s + PATIENCE_S)
    rest = await line.end(wait_s + PATIENCE_S)
    told = "nothing" if answer is None else answer.told()
    return told + ("; closed" if not rest else f"; then {rest[:60]!r}")


async def _second(target: Target) -> str:
    """A good request, then a head that drips."""
    line = await wire.connect(target.port)
    wait_s = target.deadlines.header_s
    try:
        await line.send(wire.FOLLOW_UP)
        first = await line.answer()
        began_s = asyncio.get_running_loop().time()
        # Half a head in the very piece or moment of the answer, and silence, is an idle connection.
        await line.send(_HEAD)
        while _since(began_s) < wait_s - 2 * EARLY_S:
            await line.send(b"X: y\r\n")
            await asyncio.sleep(DRIP_EVERY_S)
        told = await _farewell(line, wait_s)
        return f"{first and first.told()}, {_timed(told, began_s, wait_s)}"
    finally:
        await line.close()


async def _many(target: Target) -> str:
    """Three hundred who owe their headers, and one who does not."""
    lines = [await wire.connect(target.port) for _ in range(300)]
    try:
        for line in lines:
            await line.send(_HEAD)
        told = await wire.http(target.port, [wire.FOLLOW_UP], 1)
        wait_s = target.deadlines.header_s
        ends = {await _farewell(line, wait_s) for line in lines}
        return f"{told}; the others {', '.join(sorted(ends))}"
    finally:
        for line in lines:
            await line.close()


async def _deaf(said: bytes, due: Deadline, target: Target, *, drips: bool = False) -> str:
    """Upgrade, say something (or drip it, byte by byte), and never answer again."""
    line = await wire.connect(target.port)
    talk = Talk(line)
    wait_s = due(target.deadlines)
    dripping = None
    try:
        await line.send(wire.UPGRADE + b"\r\n")
        await line.answer()
        began_s = asyncio.get_running_loop().time()
        if drips:
            dripping = asyncio.create_task(_drip(line, said))
        else:
            await line.send(said)
        while (heard := await talk.hear(wait_s + PATIENCE_S)) is not None:
            # How many of these fit in depends on the deadlines.
            if heard != "heartbeat" and heard not in talk.told:
                talk.told.append(heard)
        return _timed(f"{', '.join(talk.told)}; closed", began_s, wait_s)
    finally:
        if dripping is not None:
            dripping.cancel()
        await line.close()


async def _drip(line: Line, said: bytes) -> None:
    for byte in said:
        await line.send(bytes((byte,)))
        await asyncio.sleep(DRIP_EVERY_S)


async def _attentive(target: Target) -> str:
    """Watches in silence, but answers pings: it may stay for as long as it likes."""
    line = await wire.connect(target.port)
    talk = Talk(line)
    loop = asyncio.get_running_loop()
    until_s = loop.time() + target.deadlines.idle_s * 1.5
    pings = 0
    try:
        await line.send(wire.UPGRADE + b"\r\n")
        await line.answer()
        await line.send(wire.ALIVE)
        while loop.time() < until_s:
            heard = await talk.hear(target.deadlines.idle_s + PATIENCE_S)
            if heard is None:
                return "closed"
            if heard == "ping frame":
                pings += 1
                await line.send(frame(b"", PONG))
        return "pinged, and goes on" if pings >= 2 else f"INCONCLUSIVE: {pings} pings"
    finally:
        await line.close()


def _since(began_s: float) -> float:
    return asyncio.get_running_loop().time() - began_s


def _timed(told: str, began_s: float, wait_s: float) -> str:
    """What was told, and whether it was time."""
    took_s = _since(began_s)
    if took_s < wait_s - EARLY_S:
        return f"{told}, after {took_s:.1f} s, which is TOO SOON"
    if took_s > wait_s + PATIENCE_S:
        return f"{told}, after {took_s:.1f} s, which is TOO LATE"
    return told


def _row(
    name: str, expected: str, act: Callable[..., Coroutine[None, None, str]], *arguments: object
) -> Probe:
    return Probe("slow", name, expected, partial(act, *arguments))


_ONE_WORD = frame(b'{"type":"ping","ref":1,"client_ms":1}')
_NEVER = b"\x81\xfe\x0f\xff" + wire.MASK
"""The header of a frame of 4,095 bytes."""
_NOTHING_SAID = "hello, close 4009; closed"

PROBES = [
    _row("nothing at all", "nothing; closed", _stopping, b"", b"", _header),
    _row("half a head", TOO_LATE, _stopping, _HEAD, b"", _header),
    _row("a head that drips", TOO_LATE, _stopping, _HEAD, b"X: y\r\n", _header),
    _row("a head whose header drips", TOO_LATE, _stopping, _HEAD + b"X: ", b"y", _header),
    _row("empty lines without end", TOO_LATE, _stopping, b"\r\n", b"\r\n", _header),
    _row("a head that drips behind a whole request", f"200, {TOO_LATE}", _second),
    _row("half a head, 300 times", f"200; goes on; the others {TOO_LATE}", _many),
    _row("half a body", TOO_LATE, _stopping, _HALF_A_BODY, b"", _body),
    _row("a body that drips", TOO_LATE, _stopping, _HALF_A_BODY, b" ", _body),
    _row("half a chunk", TOO_LATE, _stopping, _HALF_A_CHUNK, b"", _body),
    _row("a chunk that drips", TOO_LATE, _stopping, _HALF_A_CHUNK, b" ", _body),
    _row("a chunk's extension that drips", TOO_LATE, _stopping, _HALF_AN_EXTENSION, b"a", _body),
    _row("a socket that says nothing", _NOTHING_SAID, _deaf, b"", _hello),
    _row(
        "a socket that says nonsense",
        "hello, error VALIDATION, close 4009; closed",
        _deaf,
        frame(b"{"),
        _hello,
    ),
    _row("half a frame", _NOTHING_SAID, _deaf, _NEVER + b"{", _hello),
    _row("half a frame's header", _NOTHING_SAID, _deaf, _NEVER[:1], _hello),
    Probe(
        "slow",
        "a frame that drips",
        _NOTHING_SAID,
        partial(_deaf, _NEVER + b"{" * 4_000, _hello, drips=True),
    ),
    _row("fragments without end", _NOTHING_SAID, _deaf, frame(b"{", fin=False), _hello),
    _row(
        "a socket that went away",
        "hello, pong, ping frame, close 4103; closed",
        _deaf,
        _ONE_WORD,
        _idle,
    ),
    _row("a socket that only answers pings", "pinged, and goes on", _attentive),
]


async def _kept_alive(target: Target) -> str:
    line = await wire.connect(target.port)
    began_s = asyncio.get_running_loop().time()
    try:
        await line.send(wire.FOLLOW_UP)
        first = await line.answer()
        rest = await line.end(75.0 + PATIENCE_S)
        return (
            f"{first and first.told()}; {_timed('closed' if not rest else 'more', began_s, 75.0)}"
        )
    finally:
        await line.close()


SLOWEST = [_row("an idle connection", "200; closed", _kept_alive)]
"""Not bounded by a setting: 75 s."""
