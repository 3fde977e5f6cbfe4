"""How much heavier is the server's process with 10,000 idle live auctions, or 5,000 idle sockets?

An auction: a process started with one, and another with 10,000 more loaded, nobody watching. A
socket: one process before and after 5,000 of them subscribed to one sale, once a hundred had come
and gone (so that what is made once is there). Weight is the resident set, as `ps` tells it; the
database's processes are not in it.
"""

import asyncio
from collections.abc import AsyncIterator

from loadtests.bench.figures import Effort, Figure
from loadtests.bench.live_load import LiveSocket, hang_up, watchers
from loadtests.bench.machine import allow_files
from loadtests.bench.product import Server, place
from loadtests.bench.sales import add, lately, taken_over

AUCTIONS = 10_000
SOCKETS = 5_000
FIRST_SOCKETS = 100
FILES_KEPT = 300
STILL_FOR_S = 2.0
"""Long enough for what is done once after start and after a connection."""
SUBSCRIBING_AT_ONCE = 100


async def ask(effort: Effort) -> AsyncIterator[Figure]:
    """Bytes an auction, bytes a socket."""
    rounds = effort.of(3, 1)
    sockets = min(SOCKETS, allow_files(2 * SOCKETS) - FILES_KEPT)
    auction_bytes, socket_bytes = [], []
    for _ in range(rounds):
        async with place() as at:
            await at.run("migrate")
            async with at.database() as database:
                (watched,) = await add(database, 1, lately())
            async with at.serving() as server:
                without = await _still(server)
                socket_bytes.append(await _of_a_socket(server, watched, sockets))
            async with at.database() as database:
                live = await add(database, AUCTIONS, lately())
            async with at.serving() as server:
                async with at.database() as database:
                    await taken_over(database, live)
                auction_bytes.append((await _still(server) - without) / AUCTIONS)
    yield Figure(
        name="an idle live auction",
        unit="B",
        samples=tuple(auction_bytes),
        note=f"{AUCTIONS:,} loaded, against a process with one",
    )
    yield Figure(
        name="an idle socket",
        unit="B",
        samples=tuple(socket_bytes),
        note=f"{sockets:,} subscribed to one sale",
    )


async def _still(server: Server) -> int:
    await asyncio.sleep(STILL_FOR_S)
    return server.rss_bytes()


async def _of_a_socket(server: Server, watched: int, count: int) -> float:
    first = await watchers(server, FIRST_SOCKETS)
    await _subscribe(first, watched)
    hang_up(first)
    without = await _still(server)
    opened = await watchers(server, count)
    await _subscribe(opened, watched)
    weight = await _still(server) - without
    hang_up(opened)
    return weight / count


async def _subscribe(sockets: list[LiveSocket], watched: int) -> None:
    for first in range(0, len(sockets), SUBSCRIBING_AT_ONCE):
        some = sockets[first : first + SUBSCRIBING_AT_ONCE]
        await asyncio.gather(
            *(socket.ask(type="subscribe_auction", auction_id=watched) for socket in some)
        )
