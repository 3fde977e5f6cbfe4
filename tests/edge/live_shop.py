"""The engine as the live channel sees it, without a database: auctions decided by the real domain.

Time is the test's own: it stands still until it is moved.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from edge.hub import Hub
from edge.routing import Principal
from engine import frames
from engine.domain.auction import AllowedGender, Auction, Status
from engine.domain.decide import decide
from engine.domain.decision import Decision, State
from engine.domain.ledger import EMPTY
from engine.domain.messages import Arrival, Message, Reply
from engine.domain.terms import Terms, TurboTerms
from engine.domain.transitions import advance
from engine.errors import NotFound, Refused
from engine.ports.bus import Publication
from engine.ports.outbox import OutboxRow
from engine.timers import Timers

START_MS = 1_772_000_000_000
"""The test's present when it begins; the sales of `auction_of` start then."""
PATIENCE_S = 5.0

Fields = dict[str, Any]


async def until(holds: Callable[[], bool], pause_s: float = 0.0) -> None:
    """Wait until something holds; the test's time stands still."""
    async with asyncio.timeout(PATIENCE_S):
        for _ in itertools.count():
            if holds():
                return
            await asyncio.sleep(pause_s)


class ManualClock:
    """Time stands still until it is moved; durations are real."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now = now_ms

    def now_ms(self) -> int:
        return self.now

    def mono_ns(self) -> int:
        return time.perf_counter_ns()

    def at_least(self, high_water_ms: int) -> None:
        self.now = max(self.now, high_water_ms)


class ManualTimers(Timers):
    """The node's timers, woken by hand."""

    def _arm(self) -> None: ...

    def run_due(self) -> None:
        """Whatever is due by the clock happens."""
        while self._heap and self._heap[0][0] <= self._clock.now_ms():
            self._drain()


class Draws:
    """Numbers and codes, one after the other."""

    def __init__(self) -> None:
        self._ids = itertools.count(1)

    def reservation_id(self) -> int:
        return next(self._ids)

    def notice_id(self) -> int:
        return next(self._ids)

    def code(self) -> str:
        return f"HOT-{next(self._ids):04X}"


@dataclass
class Notices:
    """The outbox's memory of personal frames."""

    rows: list[OutboxRow] = field(default_factory=list)
    failure: Exception | None = None
    reads: int = 0
    on_read: Callable[[], None] = lambda: None

    async def claim(self, limit: int, lease_ms: int) -> Sequence[OutboxRow]:
        raise AssertionError("the live channel carries nothing")

    async def done(self, ids: Sequence[int]) -> None:
        raise AssertionError("the live channel carries nothing")

    async def again(self, row_id: int, in_ms: int) -> None:
        raise AssertionError("the live channel carries nothing")

    async def missed(self, user_id: int, since: int, limit: int) -> Sequence[OutboxRow]:
        self.reads += 1
        self.on_read()
        if self.failure is not None:
            raise self.failure
        mine = [row for row in self.rows if row.user_id == user_id and row.id >= since - 1]
        return mine[:limit]

    async def latest(self, user_id: int) -> int:
        if self.failure is not None:
            raise self.failure
        return max((row.id for row in self.rows if row.user_id == user_id), default=0)


class Shop:
    """The engine as the edge sees it, without a database: decides, publishes, answers."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.sinks: list[Hub] = []
        self.states: dict[int, State] = {}
        self.looks = 0
        self.view_gate: asyncio.Event | None = None
        self.ask_gate: asyncio.Event | None = None
        self.failure: Exception | None = None
        self.seen: list[tuple[int, Message]] = []
        self._draw = Draws()
        self._seq = itertools.count(1)

    def open(self, auction: Auction) -> Auction:
        """Have this auction on sale."""
        self.states[auction.id] = State(auction, EMPTY)
        return auction

    def __getitem__(self, auction_id: int) -> Auction:
        return self.states[auction_id].auction

    async def view(self, auction_id: int) -> Auction:
        """See Directory."""
        self.looks += 1
        found = self.states.get(auction_id)
        if self.view_gate is not None:
            await self.view_gate.wait()
        if self.failure is not None:
            raise self.failure
        if found is None:
            raise NotFound()
        return found.auction

    def put(self, auction_id: int, message: Message) -> asyncio.Future[Reply]:
        """See Directory."""
        self.seen.append((auction_id, message))
        if self.ask_gate is not None:
            return asyncio.ensure_future(self._gated(self.ask_gate, auction_id, message))
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        reply.set_result(self._decided(auction_id, message))
        return reply

    async def _gated(self, gate: asyncio.Event, auction_id: int, message: Message) -> Reply:
        await gate.wait()
        return self._decided(auction_id, message)

    def _decided(self, auction_id: int, message: Message) -> Reply:
        if self.failure is not None:
            raise self.failure
        if auction_id not in self.states:
            raise NotFound()
        return self.tell(auction_id, message)

    def tell(self, auction_id: int, message: Message) -> Reply:
        """Decide, commit, publish, at once."""
        arrival = Arrival(self.clock.now_ms(), next(self._seq))
        decision = decide(self.states[auction_id], message, arrival, self._draw)
        self._commit(auction_id, decision)
        reply = decision.reply
        if isinstance(reply, Refused):
            raise reply
        assert reply is not None
        return reply

    def advance(self, auction_id: int) -> None:
        """Let the clock have its say."""
        self._commit(auction_id, advance(self.states[auction_id], self.clock.now_ms()))

    def change(self, auction_id: int, *, publish: bool = True, **facts: Any) -> Auction:
        """A new revision with other facts, published as an edit or lost on the way."""
        state = self.states[auction_id]
        changed = replace(state.auction, revision=state.auction.revision + 1, **facts)
        self.states[auction_id] = replace(state, auction=changed)
        if publish:
            self.publish(changed, booked_frame(changed))
        return changed

    def publish(self, auction: Auction, *told: frames.Frame) -> None:
        """Hand frames to whoever watches."""
        for sink in self.sinks:
            sink.on_publication(Publication(auction, told))

    def _commit(self, auction_id: int, decision: Decision) -> None:
        self.states[auction_id] = decision.state
        now_ms = self.clock.now_ms()
        watchers = sum(sink.watchers(auction_id) for sink in self.sinks)
        told = [frames.significant(event, now_ms, watchers) for event in decision.events]
        if decision.changes:
            self.publish(decision.state.auction, *told)
        for notice in decision.notices:
            facts = frames.notice_fields(notice, decision.state.auction)
            frame = frames.personal(notice.kind.value, notice.id, facts)
            for sink in self.sinks:
                sink.on_personal(notice.reservation.user_id, frame)


def auction_of(auction_id: int = 7, **facts: Any) -> Auction:
    """A sale that began at START_MS and lasts an hour: 500.00 to 100.00, 10.00 every second."""
    terms: Fields = {
        "start_price": 50_000,
        "floor_price": 10_000,
        "drop_amount": 1_000,
        "drop_every_ms": 1_000,
        "starts_at_ms": START_MS,
        "ends_at_ms": START_MS + 3_600_000,
        "class_at_ms": START_MS + 7_200_000,
        "seats": 1,
        "turbo": None,
    }
    terms.update({name: facts.pop(name) for name in tuple(facts) if name in terms})
    public: Fields = {
        "studio_id": 3,
        "title": "Pilates",
        "description": "Reformer",
        "currency": "TRY",
        "allowed_gender": AllowedGender.ANY,
        "cancel_cutoff_ms": 0,
        "no_show_grace_ms": 900_000,
        "status": Status.ACTIVE,
        "revision": 1,
        "seats_left": terms["seats"],
    }
    public.update(facts)
    return Auction(id=auction_id, terms=Terms(**terms), **public)


TURBO = TurboTerms(amount=500, trigger_ms=600_000, every_ms=500)


def booked_frame(auction: Auction) -> frames.Frame:
    """A significant frame that is no snapshot, of the auction's own revision."""
    fields = {
        "type": "auction_booked",
        "auction_id": auction.id,
        "revision": auction.revision,
        "step": 0,
        "seats_left": auction.seats_left,
    }
    return frames.Frame("auction_booked", frames.encode(fields), auction.id, auction.revision)


def guest(user_id: int = 501, **facts: Any) -> Principal:
    """A customer who may book."""
    known: Fields = {
        "role": "customer",
        "studio_id": None,
        "gender": "FEMALE",
        "verified": True,
        "session_id": f"session-of-{user_id}",
        "expires_at_ms": START_MS + 900_000,
    }
    return Principal(user_id=user_id, **{**known, **facts})
