"""What is done to the server and to PostgreSQL while the crowd presses, one function a kind.

A strike waits for its instant, does its harm, mends it, and returns when the world is whole again.
It answers what it did; None: the instant never came, so nothing was tried.
"""

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from time import monotonic

import aiohttp

from tests.e2e.kills.commits import Sighting, Trap
from tests.e2e.kills.crowd import SPAN_S, Crowd
from tests.e2e.kills.world import BACK_S, Node, World
from tests.e2e.program import Api, live
from tests.engine.world import eventually
from tests.store.proxy import Wire

SPRUNG_S = 20.0
"""A commit with a booking in it comes by within this time, or the cycle is no proof."""
SKIPPED_MAX = 5


@dataclass(slots=True)
class Struck:
    """What happened, for the log and for the counts."""

    point: str
    kills: int = 0
    stale: int = 0
    """Commits of a stale owner that reached PostgreSQL and changed nothing."""
    back_s: float = 0.0
    """From the mend until the server says that it is ready."""


Strike = Callable[[World, Crowd, Random, int], Awaitable[Struck | None]]


async def _sprung(world: World, rng: Random, on: str, spring: Trap, node: Node) -> bool:
    """Wait until `spring` has been called for one commit; `on`: "sent" or "answer"."""
    sprung = asyncio.Event()
    left = rng.randint(0, SKIPPED_MAX)

    def trap(sighting: Sighting) -> bool:
        nonlocal left
        if sprung.is_set():
            return True
        if left:
            left -= 1
            return True
        sprung.set()
        return spring(sighting)

    setattr(node.commits, f"on_{on}", trap)
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(SPRUNG_S):
                await sprung.wait()
    finally:
        setattr(node.commits, f"on_{on}", None)
    return sprung.is_set()


# --- the server is killed -----------------------------------------------------------------------

APPLICATION_POINTS = (
    "sent and lost",
    "committed, unanswered",
    "answered, guest untold",
    "sent",
    "at random",
)


async def application(world: World, crowd: Crowd, rng: Random, number: int) -> Struck | None:
    """kill -9 of the server at a named point or at random, and a new one in its place."""
    node, point = await world.owner(), APPLICATION_POINTS[number % len(APPLICATION_POINTS)]
    if not await _kill_server(world, node, rng, point):
        return None
    await node.again()
    return Struck(point, kills=1, back_s=await world.ready(node))


async def _kill_server(world: World, node: Node, rng: Random, point: str) -> bool:
    def kill(goes_on: bool) -> Callable[..., bool]:
        def now(*_: object) -> bool:
            node.strike()
            return goes_on

        return now

    match point:
        case "sent and lost":
            return await _sprung(world, rng, "sent", kill(False), node)
        case "sent":
            return await _sprung(world, rng, "sent", kill(True), node)
        case "committed, unanswered":
            return await _sprung(world, rng, "answer", kill(False), node)
        case "answered, guest untold":
            return await _guest_untold(node, rng)
        case _:
            await asyncio.sleep(rng.uniform(0, SPAN_S))
            node.strike()
            return True


async def _guest_untold(node: Node, rng: Random) -> bool:
    """The server has written a 201; it does not reach the guest, and the server is no more."""
    sprung = asyncio.Event()
    left = rng.randint(0, SKIPPED_MAX)

    def booked() -> bool:
        nonlocal left
        if sprung.is_set():
            return False  # it was written before the kill: as dead as the server
        left -= 1
        if left >= 0:
            return True
        node.strike()
        sprung.set()
        return False

    node.front.on_booked = booked
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(SPRUNG_S):
                await sprung.wait()
        return sprung.is_set()
    finally:
        if node.program is not None and sprung.is_set():
            await node.program.process.wait()
        node.front.on_booked = None


# --- PostgreSQL is killed, or away --------------------------------------------------------------

POSTGRES_POINTS = ("sent and lost", "committed, unanswered", "sent", "its backend alone", "random")


async def postgres(world: World, crowd: Crowd, rng: Random, number: int) -> Struck | None:
    """kill -9 of PostgreSQL, backends and all, and a start; the server stays."""
    node, point = await world.owner(), POSTGRES_POINTS[number % len(POSTGRES_POINTS)]
    pid = node.program.pid if node.program else 0
    caught: list[Sighting] = []

    def catch(goes_on: bool) -> Trap:
        def now(sighting: Sighting) -> bool:
            caught.append(sighting)
            return goes_on

        return now

    on = "answer" if point == "committed, unanswered" else "sent"
    if point == "random":
        await asyncio.sleep(rng.uniform(0, SPAN_S))
    elif not await _sprung(world, rng, on, catch(point in ("sent", "its backend alone")), node):
        return None
    if point == "sent":
        await asyncio.sleep(rng.choice((0.0, 0.0005, 0.002)))  # what is first: the commit, or we
    await _down(world, caught, point)
    await world.database.back()
    back_s = await world.ready(node)
    assert node.program is not None
    assert node.program.pid == pid
    assert node.program.process.returncode is None, "the server went with it"
    return Struck(point, kills=1, back_s=back_s)


async def _down(world: World, caught: list[Sighting], point: str) -> None:
    first = caught[0].backend_pid if caught else None
    if point == "its backend alone":
        # The postmaster sees it die, ends all others and recovers; then we end it, too.
        assert first is not None
        world.database.kill_backend(first)
        await asyncio.sleep(0.3)
        first = None
    await world.database.kill(first)


async def away(world: World, crowd: Crowd, rng: Random, number: int, for_s: float = 30.0) -> Struck:
    """PostgreSQL is not there for a while: prices go on, presses hear so at once, and it heals."""
    node = await world.owner()
    await asyncio.sleep(rng.uniform(0.2, 0.8))
    sale = crowd.auctions[-1]
    async with live(node.front.url) as ws:
        await ws.send_json({"type": "subscribe_auction", "ref": 1, "auction_id": sale})
        await world.database.kill()
        until = monotonic() + for_s
        prices = asyncio.ensure_future(_prices_until(ws, until))
        slowest_ms = await _asked_meanwhile(world, node, crowd, until)
        told = await prices
        await world.database.back()
        back_s = await world.ready(node)
    if for_s >= 5:
        assert told, "no price frame while the database was away"
    return Struck(f"{for_s:.0f} s, BUSY within {slowest_ms:.0f} ms", kills=1, back_s=back_s)


async def _prices_until(ws: aiohttp.ClientWebSocketResponse, until: float) -> int:
    told = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(until - monotonic()):
            while True:
                frame = await ws.receive_json()
                told += frame["type"] == "price_update"
    return told


async def _asked_meanwhile(world: World, node: Node, crowd: Crowd, until: float) -> float:
    """Readiness says no, and a new press never hangs; the slowest answer in milliseconds."""
    api, slowest_s, unready, told = Api(world.session, node.front.url), 0.0, 0, Counter[str]()
    while monotonic() < until:
        status, body = await api.call("GET", f"{node.front.url}/health/ready")
        unready += status == 503 and body["errors"][0]["field"] == "database"
        for auction_id in crowd.auctions:
            began = monotonic()
            answer = await crowd.press_once(world.cast.guests[0], auction_id, node)
            slowest_s = max(slowest_s, monotonic() - began)
            told[answer.code if answer is not None else "nothing"] += 1
        await asyncio.sleep(0.2)
    assert unready, "ready never said that the database is away"
    assert told["BUSY"] + told["UNKNOWN_OUTCOME"], told
    assert not told["nothing"], told
    return slowest_s * 1_000


# --- the wire -----------------------------------------------------------------------------------

WIRE_POINTS = ("cut up", "cut down", "half sent", "held", "slow", "black hole")


async def proxy(world: World, crowd: Crowd, rng: Random, number: int) -> Struck | None:
    """A wire that carries a commit is cut after any byte, slow, or swallows what it is given."""
    point = WIRE_POINTS[number % len(WIRE_POINTS)]
    node, caught = await world.owner(), list[Sighting]()

    def spring(sighting: Sighting) -> bool:
        caught.append(sighting)
        _harm(sighting.wire, point, rng)
        return True

    if not await _sprung(world, rng, "sent", spring, node):
        return None
    wire = caught[0].wire
    if point == "held":
        await asyncio.sleep(rng.uniform(0.5, 4.0))  # longer than the server waits, or not
        if wire.up.held:
            with suppress(OSError, RuntimeError):
                wire.release()
    elif point == "slow":
        await asyncio.sleep(3.0)
        wire.up.delay_s = wire.down.delay_s = 0.0
    back_s = await world.ready(node)
    wire.abort()
    return Struck(point, kills=1, back_s=back_s)


def _harm(wire: Wire, point: str, rng: Random) -> None:
    match point:
        case "cut up":
            wire.up.cut_after = rng.randint(1, 900)
        case "cut down":
            wire.down.cut_after = rng.randint(1, 60)
        case "half sent":
            wire.up.hold(sync_only=True)
        case "held":
            wire.up.hold()
        case "slow":
            wire.up.delay_s, wire.down.delay_s = rng.uniform(0, 0.8), rng.uniform(0, 0.8)
        case _:
            wire.up.hold()
            wire.down.hold()


# --- two owners ---------------------------------------------------------------------------------

STALE_POINTS = ("its commit arrives as it wakes", "its commit arrives long after")


async def stale(world: World, crowd: Crowd, rng: Random, number: int) -> Struck | None:
    """The owner is stopped for longer than its lease; another one takes over; then it goes on."""
    point = STALE_POINTS[number % len(STALE_POINTS)]
    old = await world.owner()
    others = [node for node in world.nodes if node is not old]
    caught: list[Sighting] = []

    def spring(sighting: Sighting) -> bool:
        caught.append(sighting)
        sighting.wire.up.hold()
        old.strike(signal.SIGSTOP)
        return True

    if not await _sprung(world, rng, "sent", spring, old):
        return None
    fences = dict(zip(caught[0].auctions, caught[0].fences, strict=True))
    late = asyncio.gather(
        *(
            # They do not go elsewhere: what they ask is the first that the old owner reads.
            crowd.press_once(guest, auction_id, old, patience_s=BACK_S)
            for guest in world.cast.guests[:5]
            for auction_id in crowd.auctions
        )
    )
    await world.owned_by_one_of(others)
    await _taken(world, fences)
    before = len(old.commits.seen)
    if point == "its commit arrives long after":
        old.strike(signal.SIGCONT)
        await late
    caught[0].wire.release()
    old.strike(signal.SIGCONT)
    await late
    with suppress(TimeoutError):
        await eventually(lambda: caught[0].rows is not None, within_s=10.0)
    back_s = await world.ready(old)
    if caught[0].rows is None:
        # A starved machine: the process gave the connection up before its commit could arrive.
        return None
    attempts = caught + old.commits.seen[before:]
    return Struck(point, kills=1, stale=await _refused(world, attempts), back_s=back_s)


async def _fences(world: World, auction_ids: list[int]) -> dict[int, int]:
    async with world.database.connected() as db:
        rows = await db.fetch("select id, fence from auction where id = any($1)", auction_ids)
    return {row["id"]: row["fence"] for row in rows}


async def _taken(world: World, fences: dict[int, int]) -> None:
    """Wait until these auctions are somebody else's: guests who went there see to it."""
    async with world.database.connected() as db:

        async def moved() -> bool:
            rows = await db.fetch("select id, fence from auction where id = any($1)", list(fences))
            return all(row["fence"] > fences[row["id"]] for row in rows)

        await eventually(moved, within_s=BACK_S)


async def _refused(world: World, attempts: list[Sighting]) -> int:
    """How many of these commits reached PostgreSQL under a fence that was no longer theirs."""
    async with world.database.connected() as db:
        stored = {
            row["commit_id"]
            for row in await db.fetch(
                "select distinct commit_id from event where commit_id = any($1)",
                [sighting.commit_id for sighting in attempts],
            )
        }
    fences = await _fences(world, [each for sighting in attempts for each in sighting.auctions])
    return sum(
        sighting.went_on
        and sighting.commit_id not in stored
        and any(
            fences[auction_id] > fence
            for auction_id, fence in zip(sighting.auctions, sighting.fences, strict=True)
        )
        for sighting in attempts
    )
