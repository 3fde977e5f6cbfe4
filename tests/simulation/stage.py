"""A database, its server and a judge under virtual time, and the rows to try them with."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, TypeVar

from engine.domain import ledger
from engine.domain.auction import AllowedGender, Auction, Status
from engine.domain.decide import decide
from engine.domain.decision import State
from engine.domain.messages import Arrival, Book, Message
from engine.domain.terms import Terms, TurboTerms
from engine.ports.commit import Entry, Outcome
from engine.settings import Settings
from engine.simulation.audience import Channel, SimulatedBus
from engine.simulation.faults import Armed
from engine.simulation.judge import Judge
from engine.simulation.loop import BEGIN_MS, VirtualLoop, on
from engine.simulation.member import Member, Telephones
from engine.simulation.network import Network
from engine.simulation.wire import Line, Server
from engine.simulation.world import DatabaseClock
from engine.store.memory.database import MemoryDatabase

T = TypeVar("T")

OPEN: list[VirtualLoop] = []
"""Loops that the end of a test closes."""

GUEST = 7
MINUTE_MS = 60_000
SETTINGS = Settings(shards=4, lease_ttl_ms=3_000)


class Numbers:
    """Ids and codes, one after the other."""

    def __init__(self) -> None:
        self._last = 0

    def _next(self) -> int:
        self._last += 1
        return self._last

    def reservation_id(self) -> int:
        return self._next()

    def notice_id(self) -> int:
        return self._next()

    def code(self) -> str:
        return f"HOT-{10 * self._next() + 2222}".translate({ord("0"): "A", ord("1"): "B"})


def sale(auction_id: int = 1, **changes: Any) -> Auction:
    """On sale since 5 seconds before the beginning, for an hour, one seat; falls 1.00 a second."""
    terms = Terms(
        start_price=20_000,
        floor_price=1_000,
        drop_amount=100,
        drop_every_ms=1_000,
        starts_at_ms=BEGIN_MS - 5_000,
        ends_at_ms=BEGIN_MS + 60 * MINUTE_MS,
        class_at_ms=BEGIN_MS + 300 * MINUTE_MS,
        seats=1,
        turbo=None,
    )
    terms = replace(terms, **changes)
    return Auction(
        id=auction_id,
        studio_id=1,
        title="Yoga",
        description="",
        currency="TRY",
        allowed_gender=AllowedGender.ANY,
        cancel_cutoff_ms=7_200_000,
        no_show_grace_ms=900_000,
        terms=terms,
        status=Status.ACTIVE,
        revision=1,
        seats_left=terms.seats,
    )


TURBO = TurboTerms(amount=250, trigger_ms=10 * MINUTE_MS, every_ms=100)


class Silent:
    """A witness that only counts."""

    def __init__(self) -> None:
        self.before = 0
        self.after: list[Mapping[int, Outcome]] = []
        self.then: Callable[[], None] = lambda: None
        """Called when a commit has been done."""

    def before_commit(self, entries: Sequence[Entry]) -> object:
        self.before += 1
        return self.before

    def after_commit(
        self, seen: object, entries: Sequence[Entry], outcomes: Mapping[int, Outcome]
    ) -> None:
        assert seen == self.before
        self.after.append(outcomes)
        self.then()


@dataclass(slots=True)
class Stage:
    """Everything but the crowd. `judged`: the judge looks at every commit."""

    loop: VirtualLoop
    database: MemoryDatabase
    armed: Armed
    judge: Judge
    witness: Silent
    server: Server
    line: Line
    numbers: Numbers

    def run(self, work: Coroutine[Any, Any, T], for_ms: int = 60_000) -> T:
        """What it returns, or raises, within that time."""
        task = self.loop.create_task(work, context=on(None))
        self.wait(for_ms)
        assert task.done(), "it waits still"
        result: T = task.result()
        return result

    def wait(self, for_ms: float) -> None:
        self.loop.run_until(self.loop.now_ns + round(for_ms * 1e6))

    def entry(
        self, message: Message | None = None, *, at_ms: int | None = None, auction_id: int = 1
    ) -> Entry:
        """What an owner of the stored auction would commit for this message."""
        return self.entry_on(self.database.auctions[auction_id].auction, message, at_ms=at_ms)

    def entry_on(
        self, before: Auction, message: Message | None = None, *, at_ms: int | None = None
    ) -> Entry:
        """The same, from an owner that knows this state of the auction."""
        rows = ledger.of(self.database.held(before.id))
        at_ms = self.loop.true_ns() // 1_000_000 if at_ms is None else at_ms
        wanted = message or Book(GUEST, key="k")
        decision = decide(State(before, rows), wanted, Arrival(at_ms, 1), self.numbers)
        assert decision.changes, decision.reply
        return Entry(
            expected=before.revision,
            fence=self.database.auctions[before.id].fence,
            after=decision.state.auction,
            high_water_ms=at_ms,
            events=decision.events,
            booked=decision.booked,
            moved=decision.moved,
            notices=decision.notices,
        )

    def statuses(self, auction_id: int = 1) -> list[str]:
        """Of all reservations of an auction."""
        return [row.status.value for row in self.database.held(auction_id)]


def staged(*sales: Auction, judged: bool = False, seed: int = 1) -> Stage:
    loop, rng = VirtualLoop(Random(seed)), Random(seed)
    OPEN.append(loop)
    database = MemoryDatabase(DatabaseClock(loop), shards_number=4, guests=set(range(1, 9_000)))
    for auction in sales or (sale(),):
        database.add_auction(auction)
    armed, judge, witness = Armed(), Judge(loop, database), Silent()
    server = Server(
        loop=loop,
        rng=rng,
        database=database,
        armed=armed,
        witness=judge if judged else witness,
        sweep_batch_max=SETTINGS.sweep_batch_max,
        commit_timeout_ms=SETTINGS.commit_timeout_ms,
    )
    return Stage(loop, database, armed, judge, witness, server, Line(server), Numbers())


@dataclass(slots=True)
class Cluster:
    """Members on a stage, and the way to them."""

    stage: Stage
    members: list[Member]
    network: Network
    channel: Channel

    @property
    def owner(self) -> Member:
        return max(self.members, key=lambda member: member.shards)

    def traces(self) -> list[tuple[object, ...]]:
        """What the judge has noted, without the time."""
        return [line[1:] for line in self.stage.judge.trace]


def clustered(
    stage: Stage,
    number: int = 1,
    settings: Settings = SETTINGS,
    skews_ms: Sequence[int] = (0, 0, 0),
    *,
    booted: bool = True,
) -> Cluster:
    """`number` members, booted and ready unless told otherwise."""
    channel = Channel(stage.loop, stage.armed, [])
    telephones = Telephones(
        loop=stage.loop,
        rng=Random(3),
        server=stage.server,
        armed=stage.armed,
        judge=stage.judge,
        settings=settings,
        bus=lambda: SimulatedBus(stage.judge, stage.database, channel),
        wakes_early=False,
    )
    members = [Member(no, telephones, skews_ms[no]) for no in range(number)]
    network = Network(stage.loop, Random(4), stage.armed, members, stage.database)
    if booted:
        for member in members:
            stage.loop.call_soon(member.boot, context=on(None))
        stage.wait(1_000)
    return Cluster(stage, members, network, channel)
