"""Does what one booking or one frame costs grow with what else the server holds?

Two servers side by side, each with a database of its own: one has one live auction, the other
10,000. In turns, callers lose at a sold seat. Then the first has 100 sockets open and the other
thousands, which all watch a sale that does not move, and 500 more watch one that falls: a frame is
told to those alone. At last guests win the seats of a few large sales. What counts is the server's
processor time for one; flat means a ratio about 1.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace
from itertools import count

import asyncpg

from loadtests.bench import beside, http_load
from loadtests.bench.beside import Contestant
from loadtests.bench.crowd import Crowd
from loadtests.bench.deliveries import Told, deliveries, rest
from loadtests.bench.figures import Beside, Broken, Effort, Figure, doubts
from loadtests.bench.machine import allow_files, crowded, generating
from loadtests.bench.pressing import Pressed, over_http, template
from loadtests.bench.product import Guest, Server, place
from loadtests.bench.questions.fanout import native
from loadtests.bench.sales import Sales, add, lately, now_ms, taken_over

FEW, MANY = 1, 10_000
"""Live auctions."""
WATCHING = 500
"""Sockets that a frame goes to."""
FEW_OTHERS = 100
"""Sockets that it does not go to, at the server with few."""
DROP_MS = 250
SEATS = 500
"""As many as a sale may have."""
SALES = 4
"""Sold out in one round."""
CALLERS = 64
AT_MOST_S = 30.0
ANSWERED_S = 0.1
"""Time for the other sockets to answer pings, before each round."""
FILES_KEPT = 300
_KEY = "growth-000000000"
_HELD = "select count(*) from reservation where auction_id = any($1)"


@dataclass(frozen=True, slots=True)
class Shop:
    """A server and who presses there."""

    contestant: Contestant
    database: asyncpg.Connection
    guests: Sequence[Guest]
    quiet: int
    """A live auction without a drop for the next hour."""
    sold: int

    @property
    def server(self) -> Server:
        return self.contestant.server

    async def lose(self, numbers: Iterator[int], round_s: float) -> Pressed:
        """At the sold seat, for so long."""
        forms = [
            template(http_load.press(self.server, guest, self.sold, _KEY), _KEY)
            for guest in self.guests[:CALLERS]
        ]
        return await over_http(
            self.contestant, CALLERS, lambda nth: forms[nth](next(numbers)), 409, round_s
        )

    async def win(self) -> Pressed:
        """All seats of some sales. Raises Broken unless the database has each of them."""
        auctions = await add(self.database, SALES, replace(lately(), seats=SEATS))
        requests = [
            http_load.press(self.server, guest, auction, f"growth-{auction:08d}-{guest.id:08d}")
            for auction in auctions
            for guest in self.guests
        ]
        waiting = iter(requests)
        pressed = await over_http(
            self.contestant, CALLERS, lambda _: next(waiting, None), 201, AT_MOST_S
        )
        held = await self.database.fetchval(_HELD, auctions)
        if not pressed.answers == held == len(requests):
            raise Broken(f"{len(requests):,} seats, {pressed.answers:,} times 201, {held:,} held")
        await asyncio.to_thread(rest, self.server.pid)  # what follows a booking, off the other's
        return pressed

    async def falling(self) -> int:
        """A new live auction whose price falls at each multiple of DROP_MS."""
        start_ms = (now_ms() // DROP_MS - 4) * DROP_MS
        (auction,) = await add(
            self.database, 1, Sales(starts_at_ms=start_ms, drop_every_ms=DROP_MS)
        )
        return auction


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears a frame at a shop, and how many others are there."""

    shop: Shop
    falling: int
    others: int


async def ask(effort: Effort) -> AsyncIterator[Figure]:
    """A loser, a winner, a frame: with much beside it, and with little."""
    rounds, round_s, wanted, drops = effort.of((5, 2.0, 15_000, 12), (3, 1.0, 4_000, 8))
    kept = FEW_OTHERS + FILES_KEPT
    sockets = min(wanted, allow_files(wanted + kept) - kept)
    async with AsyncExitStack() as stack:
        few, many = await _shop(stack, FEW), await _shop(stack, MANY)
        numbers = count()
        await _lost(few, many, numbers, round_s)  # tokens are seen for the first time
        lost = [await _lost(few, many, numbers, round_s) for _ in range(rounds)]
        servers = [pressed.server for pair in lost for pressed in pair]
        yield _cost("a loser", lost, lambda pressed: pressed.cpu_us, doubts([crowded(servers)]))
        audiences = (
            Audience(few, await few.falling(), FEW_OTHERS),
            Audience(many, await many.falling(), sockets - WATCHING),
        )
        yield _told(await asyncio.to_thread(_tell, audiences, rounds, drops), sockets)
        # At last, for mails are written long after. Who wins stands behind its own database for its
        # core, always: no doubt.
        await _won(few, many)
        won = [await _won(few, many) for _ in range(rounds)]
        yield _cost("a winner", won, lambda pressed: pressed.cpu_us)
        yield _cost("a winner, with PostgreSQL", won, lambda pressed: pressed.whole_cpu_us)


async def _shop(stack: AsyncExitStack, auctions: int) -> Shop:
    at = await stack.enter_async_context(place())
    winner, *guests = await at.guests(1 + SEATS)
    async with at.database() as database:
        live = await add(database, auctions, lately())
    server = await stack.enter_async_context(at.serving())
    database = await stack.enter_async_context(at.database())
    await taken_over(database, live)
    (sold,) = await add(database, 1, lately())
    (buyer,) = await http_load.connections(server, 1)
    bought = await buyer.ask(http_load.press(server, winner, sold, _KEY))
    buyer.close()
    if bought.status != 201:
        raise Broken(f"the first press was answered {bought.status}")
    await asyncio.to_thread(rest, server.pid)
    return Shop(beside.alone("HotHour", server), database, guests, live[0], sold)


async def _lost(
    few: Shop, many: Shop, numbers: Iterator[int], round_s: float
) -> tuple[Pressed, Pressed]:
    return await few.lose(numbers, round_s), await many.lose(numbers, round_s)


async def _won(few: Shop, many: Shop) -> tuple[Pressed, Pressed]:
    return await few.win(), await many.win()


def _tell(audiences: Sequence[Audience], rounds: int, drops: int) -> list[tuple[Told, ...]]:
    """So many drops a round at each. Blocks."""
    with generating(), ExitStack() as stack:
        others = [
            stack.enter_context(Crowd(each.shop.server, native(each.shop.quiet), each.others))
            for each in audiences
        ]
        turns = []
        for _ in range(rounds):
            turn = []
            for each in audiences:
                for crowd in others:
                    crowd.hear_until(time.time() + ANSWERED_S)
                rest(each.shop.server.pid)
                with Crowd(each.shop.server, native(each.falling), WATCHING) as watching:
                    turn.append(deliveries(watching, drops, DROP_MS))
            turns.append(tuple(turn))
    return turns


# --- figures -------------------------------------------------------------------------------------


def _cost(
    name: str,
    pairs: Sequence[tuple[Pressed, Pressed]],
    cost_us: Callable[[Pressed], float | None],
    found: tuple[str, ...] = (),
) -> Figure:
    return Figure(
        name=f"{name}, {MANY:,} live auctions",
        unit="us",
        samples=tuple(cost_us(many) or 0.0 for _, many in pairs),
        beside=Beside(f"{FEW} live auction", tuple(cost_us(few) or 0.0 for few, _ in pairs)),
        note="processor time; not counting the sales that are pressed for",
        doubts=found,
    )


def _told(turns: Sequence[tuple[Told, ...]], sockets: int) -> Figure:
    few, many = zip(*turns, strict=True)
    return Figure(
        name=f"a frame to {WATCHING} of {sockets:,} sockets",
        unit="us",
        samples=tuple(told.cpu_us or 0.0 for told in many),
        beside=Beside(
            f"to {WATCHING} of {WATCHING + FEW_OTHERS}", tuple(told.cpu_us or 0.0 for told in few)
        ),
        note=f"{MANY:,} live auctions there, {FEW} beside it",
        doubts=doubts([crowded([told.server for told in (*few, *many)])]),
    )
