"""Do watchers notice when others stop reading, read slowly, vanish, or never stop talking?

200 watchers of one sale whose price falls 50 times a second, and a hundred others: in one half of a
round those read as everybody does; in the other 60 of them never read, 20 read a little at a time,
10 break off their connections and come back twice a second, and 10 say at once all that they may
say in a second. Lateness is counted at the 200 alone, once the stuck are congested. Beside it the
server's memory, and what it says of itself: with nobody congested nothing was tried.
"""

import asyncio
import os
import socket as sockets
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass
from datetime import datetime

import orjson

from loadtests.bench.figures import Beside, Effort, Figure, doubts, quantile
from loadtests.bench.live_load import LiveSocket, client_frame, hang_up, watchers
from loadtests.bench.machine import Spell, Stopwatch, bottleneck, crowded, generating
from loadtests.bench.product import Server, place
from loadtests.bench.sales import Sales, add, now_ms

NEIGHBOURS, STUCK, SLOW, VANISHING, TALKING = 200, 60, 20, 10, 10
OTHERS = STUCK + SLOW + VANISHING + TALKING
DROP_EVERY_MS = 20
STUCK_WITHIN_S = 5.0
"""About 25 KB of frames: the client's small window, the kernel's share, and the first quarter of
what the server keeps for one socket. They are cut 10 s after that."""
ROUND_S = 5.0
_WINDOW_BYTES = 4_096
_SIP_BYTES, _SIP_EVERY_S = 256, 0.05
_STAY_S = 0.5
_SHARES = {"p50": 0.5, "p99": 0.99}
_PINGS = client_frame(b'{"type":"ping","ref":1,"client_ms":1}') * 20
_PINGS_EVERY_S = 1.0
"""At once what one socket may say in a second: more is refused where clients are counted."""
_RESET = struct.pack("ii", 1, 0)


Behaviour = Callable[[Server, int], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Half:
    """One half of a round."""

    late_ms: Sequence[float]
    rss_bytes: int
    congested: int
    server: Spell
    generator: Spell


async def ask(effort: Effort) -> AsyncIterator[Figure]:
    """Lateness at the neighbours, and memory."""
    rounds = effort.of(3, 1)
    well, ill = list[Half](), list[Half]()
    async with place() as at:
        await at.run("migrate")
        async with at.serving() as server, at.database() as database:
            falling = Sales(starts_at_ms=now_ms() - 60_000, drop_every_ms=DROP_EVERY_MS)
            (watched,) = await add(database, 1, falling)
            with generating():
                for _ in range(rounds):
                    well.append(await _half(server, watched, _well_behaved))
                    ill.append(await _half(server, watched, _badly_behaved))
    for figure in _figures(well, ill):
        yield figure


async def _half(server: Server, watched: int, others: Behaviour) -> Half:
    listening = await watchers(server, NEIGHBOURS)
    await _subscribe(listening, watched)
    async with others(server, watched):
        await asyncio.sleep(STUCK_WITHIN_S)
        congested = _congested(await server.metrics())
        theirs, own = server.stopwatch(), Stopwatch("generator", os.getpid())
        for socket in listening:
            socket.tape()
        await asyncio.sleep(ROUND_S)
        spells = theirs.spell(), own.spell()
        rss_bytes = server.rss_bytes()
        late_ms = [late for socket in listening for late in _lateness(socket)]
    hang_up(listening)
    return Half(late_ms, rss_bytes, congested, *spells)


async def _subscribe(opened: Sequence[LiveSocket], watched: int) -> None:
    await asyncio.gather(*(s.ask(type="subscribe_auction", auction_id=watched) for s in opened))


def _lateness(socket: LiveSocket) -> Iterator[float]:
    for came_ns, payload in socket.played():
        frame = orjson.loads(payload)
        if frame["type"] == "price_update":
            yield came_ns / 1e6 - datetime.fromisoformat(frame["at"]).timestamp() * 1_000


def _congested(exposition: str) -> int:
    line = next(x for x in exposition.splitlines() if x.startswith("hothour_sockets_congested "))
    return int(float(line.split()[1]))


# --- the others ----------------------------------------------------------------------------------


@asynccontextmanager
async def _well_behaved(server: Server, watched: int) -> AsyncIterator[None]:
    opened = await watchers(server, OTHERS)
    await _subscribe(opened, watched)
    yield
    hang_up(opened)


@asynccontextmanager
async def _badly_behaved(server: Server, watched: int) -> AsyncIterator[None]:
    wish = client_frame(b'{"type":"subscribe_auction","auction_id":%d}' % watched)
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for _ in range(STUCK):
            stack.enter_context(_small_window(server, wish))
        sipping = [stack.enter_context(_small_window(server, wish)) for _ in range(SLOW)]
        tasks = [group.create_task(_sip(sipping))]
        tasks += [group.create_task(_vanish(server, wish)) for _ in range(VANISHING)]
        tasks += [group.create_task(_talk(server, wish)) for _ in range(TALKING)]
        yield
        for task in tasks:
            task.cancel()


@contextmanager
def _small_window(server: Server, wish: bytes) -> Iterator[sockets.socket]:
    """Upgraded and subscribed; what it does not read stays with the server."""
    with sockets.socket() as end:
        end.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, _WINDOW_BYTES)
        end.connect((server.host, server.port))
        end.sendall(_upgrade(server))
        while b"\r\n\r\n" not in end.recv(_WINDOW_BYTES):
            pass
        end.sendall(wish)
        end.setblocking(False)
        yield end


def _upgrade(server: Server) -> bytes:
    return (
        f"GET /ws HTTP/1.1\r\nHost: {server.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()


async def _sip(ends: Sequence[sockets.socket]) -> None:
    while True:
        for end in ends:
            with suppress(BlockingIOError, ConnectionError):
                end.recv(_SIP_BYTES)
        await asyncio.sleep(_SIP_EVERY_S)


async def _vanish(server: Server, wish: bytes) -> None:
    while True:
        _, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(_upgrade(server) + wish)
        await asyncio.sleep(_STAY_S)
        end = writer.get_extra_info("socket")
        end.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, _RESET)
        writer.transport.abort()


async def _talk(server: Server, wish: bytes) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    try:
        writer.write(_upgrade(server) + wish)
        while True:
            writer.write(_PINGS)
            await asyncio.sleep(_PINGS_EVERY_S)
            await reader.read(65_536)
    finally:
        writer.close()


# --- figures -------------------------------------------------------------------------------------


def _figures(well: Sequence[Half], ill: Sequence[Half]) -> Iterator[Figure]:
    seen = min(half.congested for half in ill)
    unsure = doubts(
        (
            None if seen >= STUCK // 2 else f"only {seen} sockets were congested",
            crowded([half.server for half in (*well, *ill)]),
            *(bottleneck(half.server, half.generator) for half in (*well, *ill)),
        )
    )
    for name, share in _SHARES.items():
        yield Figure(
            name=f"{NEIGHBOURS} neighbours of {OTHERS} bad readers: lateness {name}",
            unit="ms",
            samples=tuple(quantile(half.late_ms, share) for half in ill),
            beside=Beside("good readers", tuple(quantile(half.late_ms, share) for half in well)),
            note=f"{STUCK} stuck, {SLOW} slow, {VANISHING} vanishing, {TALKING} talking",
            doubts=unsure,
        )
    yield Figure(
        name="the server's memory meanwhile",
        unit="B",
        samples=tuple(float(half.rss_bytes) for half in ill),
        beside=Beside("good readers", tuple(float(half.rss_bytes) for half in well)),
        note=f"congested: {' '.join(str(half.congested) for half in ill)}",
        doubts=unsure,
    )
