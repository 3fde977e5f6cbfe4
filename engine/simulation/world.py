"""One run: a plan carried out, everything healed, and what there is to say in the end.

First the acts of the plan happen, at their instants. Then all faults end, whoever is away comes
back, and the engine gets the time it needs to find out what became of every commit. At last
somebody wants a seat of every sale that still has one: it must be sold.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from engine.committer import CommitBroken
from engine.domain.auction import Status
from engine.simulation.audience import Channel, SimulatedBus, Watcher
from engine.simulation.crowd import Crowd
from engine.simulation.faults import Armed, Fault
from engine.simulation.haunting import Haunted, consumer, is_consumer
from engine.simulation.judge import Breach, Judge
from engine.simulation.loop import VirtualLoop, on
from engine.simulation.member import Member, Telephones
from engine.simulation.network import Network
from engine.simulation.plan import Habit, Plan, Press, Staff, Trouble
from engine.simulation.wire import Server
from engine.store.memory.database import MemoryDatabase

_MS = 1_000_000
_HEALING_MS = 15_000
"""After the faults: what was in doubt is known, leases have passed on, mail is carried."""
_ASKING_MS = 15_000
_PROBE_GUEST = 8_000
_SPARED_MAX = 12
"""So many places where an actor might be struck are passed by at most."""
_GUESTS = set(range(1, 9_000))
"""Whoever may book: shared, since nobody changes it and a world is small."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to. `digest` is the same whenever the same plan is run."""

    plan: Plan
    breach: Breach | None
    digest: str
    struck: Counter[str]
    seen: Counter[str]
    trace: tuple[tuple[object, ...], ...]
    virtual_ms: int


def run(plan: Plan) -> Outcome:
    """Carry it out. Deterministic: nothing but the plan matters."""
    with _listening() as heard:
        world = World(plan, heard)
        try:
            return world.run()
        finally:
            world.loop.close()


class DatabaseClock:
    """The database's own clock, by which leases and outbox rows expire."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now_ms(self) -> int:
        return self._loop.true_ns() // _MS

    def mono_ns(self) -> int:
        return self._loop.now_ns

    def at_least(self, high_water_ms: int) -> None:
        """It is nobody's to move."""


class World:
    """Everything of one run."""

    def __init__(self, plan: Plan, heard: list[logging.LogRecord]) -> None:
        self.plan = plan
        self._heard = heard
        self.rng = Random(f"run {plan.kind} {plan.seed}")
        self.loop = VirtualLoop(self.rng)
        settings = plan.settings
        self.database = MemoryDatabase(
            DatabaseClock(self.loop), shards_number=settings.shards, guests=_GUESTS
        )
        for auction in plan.auctions:
            self.database.add_auction(auction)
        self.armed = Armed()
        self.judge = Judge(self.loop, self.database)
        self.server = Server(
            loop=self.loop,
            rng=self.rng,
            database=self.database,
            armed=self.armed,
            witness=self.judge,
            sweep_batch_max=settings.sweep_batch_max,
            commit_timeout_ms=settings.commit_timeout_ms,
        )
        self.members: list[Member] = []
        network = Network(self.loop, self.rng, self.armed, self.members, self.database)
        self.watcher = Watcher(self.judge, self.loop, network)
        self.channel = Channel(self.loop, self.armed, [self.watcher])
        telephones = Telephones(
            loop=self.loop,
            rng=self.rng,
            server=self.server,
            armed=self.armed,
            judge=self.judge,
            settings=settings,
            bus=lambda: SimulatedBus(self.judge, self.database, self.channel),
            wakes_early=plan.wakes_early,
        )
        for no, skew_ms in enumerate(plan.skew_ms):
            self.members.append(Member(no, telephones, skew_ms))
        self.crowd = Crowd(self.loop, self.rng, network, self.judge, self.database)
        self._began_ns = self.loop.now_ns
        self._open = 0
        self._spared = self.rng.randrange(_SPARED_MAX)
        self.loop.work_of = self._work_of

    # --- the run ---------------------------------------------------------------------------------

    def run(self) -> Outcome:
        loop, plan = self.loop, self.plan
        for member in self.members:
            loop.call_soon(member.boot, context=on(None))
        for act in plan.acts:
            loop.at_ns(loop.ns_of(act.at_ms), self._happens, act, context=on(None))
        loop.run_until(loop.ns_of(plan.until_ms))
        self._heal()
        self._until(lambda: not self._open, _HEALING_MS + 30_000)
        if self._open and self.judge.breach is None:
            self.judge.broken("liveness", f"{self._open} wait for an answer for ever")
        self._ask_for_what_is_left()
        self._until(lambda: self._at_rest(), _ASKING_MS + 35_000)
        if self.judge.breach is None:
            self._last_look()
        self._strange()
        return self._outcome()

    def _until(self, holds: Any, most_ms: int) -> None:
        """Go on until it holds, a step at a time."""
        end_ns = self.loop.now_ns + most_ms * _MS
        while not holds() and self.loop.now_ns < end_ns and self.judge.breach is None:
            self.loop.run_until(self.loop.now_ns + 250 * _MS)

    def _outcome(self) -> Outcome:
        if self.loop.early_wakes:
            self.armed.struck[Fault.TIMER_EARLY] += self.loop.early_wakes
        digest = hashlib.blake2b(digest_size=12)
        for line in self.judge.trace:
            digest.update(repr(line).encode())
        return Outcome(
            plan=self.plan,
            breach=self.judge.breach,
            digest=digest.hexdigest(),
            struck=self.armed.struck,
            seen=self.judge.seen,
            trace=tuple(self.judge.trace),
            virtual_ms=(self.loop.now_ns - self._began_ns) // _MS,
        )

    # --- acts ------------------------------------------------------------------------------------

    def _happens(self, act: Press | Staff | Trouble) -> None:
        match act:
            case Press():
                self._attend(self.crowd.press(act))
            case Staff():
                self._attend(self.crowd.staff(act))
            case Trouble():
                self._trouble(act)

    def _attend(self, work: Any) -> None:
        self._open += 1
        task = self.loop.spawn(None, work)
        task.add_done_callback(self._attended)

    def _attended(self, _: object) -> None:
        self._open -= 1

    def _trouble(self, act: Trouble) -> None:
        self.judge.note("trouble", act.fault, act.where, act.size)
        member, fault = self._ranked()[act.where], act.fault
        match fault:
            case Fault.STORE_AWAY:
                self.server.leave(act.size)
            case Fault.NODE_CRASH:
                self._crash(member, act.size)
            case Fault.NODE_RESTART:
                self._count(fault, member.node is not None)
                member.replace(act.size)
            case Fault.NODE_PAUSE | Fault.LOOP_STALL:
                self._count(fault, member.node is not None)
                member.pause(act.size)
            case Fault.CLOCK_STEP:
                self._count(fault, True)
                member.step_clock(act.size)
            case Fault.BUS_PARTITION:
                self.channel.cut(act.size)
            case Fault.LINE_CUT:
                member.line.cut(act.size)
            case _:
                for _ in range(act.size):
                    self.armed.arm(_WHERE[fault], fault)

    def _ranked(self) -> list[Member]:
        """The members, those who own most first."""
        return sorted(self.members, key=lambda member: -member.shards)

    def _crash(self, member: Member, away_ms: int) -> None:
        self._count(Fault.NODE_CRASH, member.node is not None)
        member.crash()
        at_ns = self.loop.now_ns + away_ms * _MS
        self.loop.at_ns(at_ns, member.boot, context=on(None))

    def _count(self, fault: Fault, happened: bool) -> None:
        if happened:
            self.armed.happened(fault)

    def _work_of(self, work: Any) -> Any:
        return consumer(work, self._strikes, self._struck) if is_consumer(work) else work

    def _strikes(self) -> bool:
        # Not always at the first chance, or it would strike before the commit for ever.
        if self._spared:
            self._spared -= 1
            return False
        if self.armed.take("actor") is None:
            return False
        self._spared = self.rng.randrange(_SPARED_MAX)
        return True

    def _struck(self, place: str) -> None:
        self.judge.seen[f"raised at {place}"] += 1

    # --- the end ---------------------------------------------------------------------------------

    def _heal(self) -> None:
        self.judge.note("all faults end")
        self.armed.disarm()
        self.server.away_until_ns = 0
        self.channel.cut_until_ns = 0
        for member in self.members:
            member.right_clock()
            member.line.cut_until_ns = 0

    def _ask_for_what_is_left(self) -> None:
        """A guest nobody knows wants a seat of every sale that has one."""
        now_ms = self._now_ms()
        for no, (auction_id, row) in enumerate(sorted(self.database.auctions.items())):
            auction = row.auction
            if auction.status_at(now_ms) is Status.ACTIVE:
                number = 1_000_000 + no
                guest = _PROBE_GUEST + no
                self._attend(
                    self.crowd.press(Press(number, now_ms, guest, auction_id, Habit.PATIENT))
                )

    def _now_ms(self) -> int:
        return self.loop.true_ns() // _MS

    def _at_rest(self) -> bool:
        """Nobody waits, every notice has been carried, and the clock has had its way."""
        carried = all(row.done_at_ms is not None for row in self.database.outbox.values())
        return not self._open and carried and not self.judge.overdue()

    def _last_look(self) -> None:
        judge = self.judge
        judge.at_the_end()
        if self._open:
            judge.broken("liveness", f"{self._open} ask for a seat and hear nothing")
        for member in self.members:
            member.late_answers()
        left = [no for no, row in self.database.outbox.items() if row.done_at_ms is None]
        if left:
            judge.broken("liveness", f"notices {left[:3]} were never carried")
        self._sold_out()
        self._same_everywhere()

    def _sold_out(self) -> None:
        """P1, the other half: with demand and time left, every seat that was asked for is sold."""
        held = {r.reservation.user_id for r in self.database.reservations.values()}
        for no, (auction_id, row) in enumerate(sorted(self.database.auctions.items())):
            auction = row.auction
            asked = self.judge.has_asked(_PROBE_GUEST + no)
            in_time = self._now_ms() < auction.terms.ends_at_ms
            if asked and in_time and auction.seats_left and _PROBE_GUEST + no not in held:
                self.judge.broken("P1", f"auction {auction_id} has seats and sold none of them")

    def _same_everywhere(self) -> None:
        """P6: whoever watches ends with what is stored; so does whoever owns."""
        for auction_id, row in self.database.auctions.items():
            self.watcher.asks(auction_id)
            shown = self.watcher.shows[auction_id]
            if shown.revision != row.auction.revision:
                what = f"a watcher shows {shown.revision}, {row.auction.revision} is stored"
                self.judge.broken("P6", f"auction {auction_id}: {what}")

    def _strange(self) -> None:
        """What the engine logged as a mistake, or nobody caught, and what nobody caused."""
        for error in self.loop.errors:
            if not isinstance(error, Haunted):
                self.judge.broken("no surprise", f"uncaught: {error!r}")
        for record in self._heard:
            cause = record.exc_info[1] if record.exc_info else None
            if not _is_caused(cause):
                self.judge.broken("no surprise", f"logged: {record.getMessage()} {cause!r}")


_WHERE = {
    Fault.COMMIT_ANSWER_LOST: "commit",
    Fault.COMMIT_LOST: "commit",
    Fault.COMMIT_LATE: "commit",
    Fault.COMMIT_UNSENT: "commit",
    Fault.COMMIT_REFUSED: "commit",
    Fault.COMMIT_DELAYED: "commit",
    Fault.STATEMENT_LOST: "read",
    Fault.BEAT_SLOW: "beat",
    Fault.ACTOR_RAISES: "actor",
    Fault.BUS_LOST: "bus",
    Fault.BUS_DOUBLED: "bus",
    Fault.BUS_REORDERED: "bus",
    Fault.BUS_DELAYED: "bus",
    Fault.ASK_LOST: "ask",
    Fault.ANSWER_LOST: "answer",
    Fault.MAIL_DELAYED: "mail",
}
"""What an armed fault strikes."""


def _is_caused(error: BaseException | None) -> bool:
    """Did the faults of the plan bring it about? Five deadlocks or five lost commits in a row are
    what the committer gives up at."""
    if isinstance(error, CommitBroken):
        return "planned" in str(error) or "got lost" in str(error)
    return isinstance(error, Haunted)


@contextmanager
def _listening() -> Iterator[list[logging.LogRecord]]:
    """What the engine logs as errors during a run; nothing of it is printed."""
    heard: list[logging.LogRecord] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record)

    ear, logger = Ear(logging.ERROR), logging.getLogger("engine")
    before = logger.propagate, logger.level
    logger.addHandler(ear)
    logger.propagate = False
    logger.setLevel(logging.ERROR)
    try:
        yield heard
    finally:
        logger.removeHandler(ear)
        logger.propagate, level = before
        logger.setLevel(level)
