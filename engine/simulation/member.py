"""One member of the cluster: a machine on which the production node is started again and again.

Each process has a machine of its own, its own clock and its own bus; what outlives it is the
database. A process that is killed takes no further step, and whoever waits for its answer sees the
connection go.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from engine.clock import AnchoredClock, ClockWrong
from engine.domain.auction import Auction
from engine.domain.messages import Book, Message, Reply
from engine.errors import HotHourError
from engine.node import Node, Ports
from engine.ports.bus import Bus
from engine.ports.commit import StoreError
from engine.ports.leases import LeaseLost
from engine.ports.mail import MailDelayed
from engine.ports.outbox import OutboxRow
from engine.ports.telemetry import Silent
from engine.settings import Settings
from engine.simulation.faults import Armed, Fault
from engine.simulation.judge import Judge
from engine.simulation.loop import Machine, VirtualLoop, on
from engine.simulation.wire import (
    Line,
    Server,
    WiredCommits,
    WiredLeases,
    WiredOutbox,
    WiredSchedule,
)

_MS = 1_000_000
_BORN_AGAIN_NS = 300 * _MS
"""From an end to the next start, as a supervisor of processes would."""
ANSWER_MS_MAX = 11_000
"""500 ms unsent, 10 s sent, and what it takes to look at the clock now and then."""


class Gone:
    """The connection ended without an answer."""


Answer = Reply | HotHourError | Gone


@dataclass(frozen=True, slots=True)
class Telephones:
    """What a member has from the world."""

    loop: VirtualLoop
    rng: Random
    server: Server
    armed: Armed
    judge: Judge
    settings: Settings
    bus: Callable[[], Bus]
    wakes_early: bool


class SimulatedMailer:
    """A mail server that now and then has no time. Carried rows are counted once each."""

    def __init__(self, armed: Armed, judge: Judge) -> None:
        self._armed = armed
        self._judge = judge

    async def carry(self, row: OutboxRow) -> None:
        if self._armed.take("mail") is not None:
            raise MailDelayed("later")
        self._judge.carried(row.id)


@dataclass(slots=True)
class _Call:
    """Somebody waits for an answer of one process."""

    answer: Callable[[Answer], None]
    since_ns: int
    stood_ns: int


class Member:
    """`boot` it; then it lives, dies and comes back."""

    def __init__(self, no: int, world: Telephones, skew_ms: int) -> None:
        self.name = f"n{no}"
        self.machine = Machine(self.name)
        self.node: Node | None = None
        self.line = Line(world.server)
        self._world = world
        self._skew_ns = skew_ms * _MS
        self._stepped_ns = 0
        self._no = no
        self._starts = 0
        self._calls: dict[int, _Call] = {}
        self._next_call = 0
        self._stood_ns = 0
        self._stands_since_ns = 0
        self._starting: Node | None = None

    # --- life ------------------------------------------------------------------------------------

    def boot(self) -> None:
        """Start a process, unless one runs."""
        if self._starting is not None:
            return
        world = self._world
        self._starts += 1
        self.machine = Machine(self.name, wakes_early=world.wakes_early)
        rng = Random(f"{world.rng.random()} {self.name} {self._starts}")
        self._starting = self._made(rng)
        world.loop.spawn(self.machine, self._run(self._starting))

    async def _run(self, node: Node) -> None:
        try:
            await node.start()
        except (StoreError, ClockWrong, LeaseLost):
            self._ended()
            return
        self.node = node
        self._world.judge.note(self.name, "ready")

    def _made(self, rng: Random) -> Node:
        world, settings = self._world, self._world.settings
        clock = AnchoredClock(
            step_ms_max=settings.clock_step_ms_max,
            slew_ppm=settings.clock_slew_ppm,
            ahead_ms_max=settings.high_water_ahead_ms_max,
            wall_ns=self._wall_ns,
            mono_ns=world.loop.look,
        )
        ports = Ports(
            commits=WiredCommits(self.line),
            schedule=WiredSchedule(self.line),
            leases=WiredLeases(self.line),
            outbox=WiredOutbox(self.line),
            bus=world.bus(),
            mailer=SimulatedMailer(world.armed, world.judge),
            clock=clock,
            rng=rng,
            telemetry=Silent(),
        )
        machine = self.machine
        return Node(self.name, ports, settings, superseded=lambda: self._superseded(machine))

    def _wall_ns(self) -> int:
        return self._world.loop.true_ns() + self._skew_ns + self._stepped_ns

    def _superseded(self, machine: Machine) -> None:
        """A process of this name has come after it, or a part of it broke: it ends itself."""
        self._world.judge.note(self.name, "superseded")
        if machine is self.machine:
            self._ended()
        else:
            self._world.loop.kill(machine)

    def _ended(self) -> None:
        """The process is gone; another one is started soon."""
        loop = self._world.loop
        self.crash()
        loop.at_ns(loop.now_ns + _BORN_AGAIN_NS, self.boot, context=on(None))

    def crash(self) -> None:
        """kill -9: what is on its way to the database arrives all the same."""
        self._world.loop.kill(self.machine)
        self.node = self._starting = None
        calls, self._calls = self._calls, {}
        for call in calls.values():
            call.answer(Gone())

    def pause(self, for_ms: int) -> None:
        """SIGSTOP, or a loop that stands still for whatever reason."""
        loop, machine = self._world.loop, self.machine
        if machine.standing:
            return
        loop.stand_still(machine)
        self._stands_since_ns = loop.now_ns
        loop.at_ns(loop.now_ns + for_ms * _MS, self._go_on, machine, context=on(None))

    def _go_on(self, machine: Machine) -> None:
        self._stood_ns += self._world.loop.now_ns - self._stands_since_ns
        self._world.loop.go_on(machine)

    def step_clock(self, by_ms: int) -> None:
        """The system's clock is set wrong."""
        self._stepped_ns += by_ms * _MS

    def right_clock(self) -> None:
        """Somebody sets it right. Until then a new process may refuse to start."""
        self._stepped_ns = 0

    def replace(self, after_ms: int) -> None:
        """In good order: drain, stop, and a new process after a while."""
        node = self.node
        if node is None:
            return
        self.node = None
        self._world.loop.spawn(self.machine, self._leave(node, self.machine, after_ms))

    async def _leave(self, node: Node, machine: Machine, after_ms: int) -> None:
        await node.drain()
        await node.stop()
        if machine is not self.machine:
            return
        loop = self._world.loop
        self.crash()
        loop.at_ns(loop.now_ns + after_ms * _MS, self.boot, context=on(None))

    # --- questions -------------------------------------------------------------------------------

    def ask(self, auction_id: int, message: Message, answer: Callable[[Answer], None]) -> None:
        """A request has arrived at this machine; `answer` hears exactly once."""
        node = self.node
        if node is None:
            answer(Gone())
            return
        self._next_call += 1
        call_no = self._next_call
        self._calls[call_no] = _Call(answer, self._world.loop.now_ns, self._stood_ns)
        self._world.loop.spawn(self.machine, self._serve(node, call_no, auction_id, message))

    async def _serve(self, node: Node, call_no: int, auction_id: int, message: Message) -> None:
        judge = self._world.judge
        answer: Answer
        if isinstance(message, Book) and message.key is not None:
            judge.arrives(message.user_id, message.key, node.clock.now_ms())
        self._bounds(node, auction_id)
        try:
            answer = await node.directory.ask(auction_id, message)
        except HotHourError as error:
            answer = error
        call = self._calls.pop(call_no, None)
        if call is not None:
            self._in_time(call)
            call.answer(answer)

    def _in_time(self, call: _Call) -> None:
        waited_ns = self._world.loop.now_ns - call.since_ns - (self._stood_ns - call.stood_ns)
        if waited_ns > ANSWER_MS_MAX * _MS:
            what = f"{self.name} took {waited_ns // _MS} ms to answer"
            self._world.judge.broken("liveness", what)

    def _bounds(self, node: Node, auction_id: int) -> None:
        settings = self._world.settings
        actor = node.directory.get(auction_id)
        waiting = 0 if actor is None else actor.waiting
        if waiting >= settings.mailbox_depth_max:
            self._world.armed.happened(Fault.MAILBOX_FULL)
        if waiting > settings.mailbox_depth_max + settings.mailbox_control_reserve:
            self._world.judge.broken("P7", f"{waiting} wait in one mailbox")

    @property
    def shards(self) -> int:
        """How many it believes to own."""
        return 0 if self.node is None else len(self.node.membership.shards)

    def late_answers(self) -> None:
        """Whoever still waits must not have waited for too long."""
        for call in self._calls.values():
            self._in_time(call)

    async def view(self, auction_id: int) -> Auction | None:
        """The public facts as this member has them; None when it cannot say."""
        if self.node is None:
            return None
        with suppress(StoreError, HotHourError):
            return await self.node.directory.view(auction_id)
        return None

    def peek(self, auction_id: int) -> Auction | None:
        """What is in its memory."""
        actor = None if self.node is None else self.node.directory.get(auction_id)
        return None if actor is None else actor.auction
