"""Whoever watches: what a member publishes, the way to the watchers, and what they make of it.

Publications are judged where they leave the engine, in order and committed. On the way they get
lost, doubled, late and out of order, and a watcher has to come out right by the rule of the live
channel alone: apply what follows, ask again where something is missing, never go back.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from engine import frames
from engine.domain.auction import Auction, Status
from engine.frames import Frame
from engine.ports.bus import FrameSink, Publication
from engine.simulation.faults import Armed, Fault
from engine.simulation.judge import Judge
from engine.simulation.loop import VirtualLoop, on
from engine.store.memory.database import MemoryDatabase

_MS = 1_000_000
_DEBOUNCE_NS = 250 * _MS


class Views(Protocol):
    """Where a watcher gets a fresh snapshot."""

    def snapshot(self, auction_id: int) -> Auction | None:
        """The public facts as some member has them now; None if nobody can say."""

    def now_ms(self) -> int:
        """The true time."""


@dataclass(slots=True)
class Seen:
    """What a watcher shows of one auction."""

    revision: int
    step: int
    status: str
    schedule: Any
    price: str


@dataclass(slots=True)
class Watcher:
    """A client of the live channel in schedule mode: the reducer of the contract's ordering."""

    judge: Judge
    loop: VirtualLoop
    views: Views
    shows: dict[int, Seen] = field(default_factory=dict)
    _asking: set[int] = field(default_factory=set)

    def hears(self, frame: Frame) -> None:
        """A significant frame has come, whichever way it took."""
        assert frame.auction_id is not None
        shown = self.shows.get(frame.auction_id)
        if shown is not None and (frame.revision, frame.step) < (shown.revision, shown.step):
            return
        if frame.full:
            self._apply(frame.auction_id, orjson.loads(frame.payload))
        elif shown is None or frame.revision > shown.revision + 1:
            self._ask_again(frame.auction_id)
        elif frame.revision == shown.revision + 1:
            fields = orjson.loads(frame.payload)
            news = {**fields, "schedule": shown.schedule, "current_price": fields["price"]}
            self._apply(frame.auction_id, news)

    def asks(self, auction_id: int) -> None:
        """Take a fresh snapshot."""
        self._asking.discard(auction_id)
        auction = self.views.snapshot(auction_id)
        if auction is None:
            self._ask_again(auction_id)
            return
        fields = frames.snapshot(auction, self.views.now_ms(), 0)
        shown = self.shows.get(auction_id)
        key = (fields["revision"], fields["step"])
        if shown is None or key >= (shown.revision, shown.step):
            self._apply(auction_id, fields)

    def _ask_again(self, auction_id: int) -> None:
        if auction_id not in self._asking:
            self._asking.add(auction_id)
            at_ns = self.loop.now_ns + _DEBOUNCE_NS
            self.loop.at_ns(at_ns, self.asks, auction_id, context=on(None))

    def _apply(self, auction_id: int, fields: dict[str, Any]) -> None:
        shown = self.shows.get(auction_id)
        news = Seen(
            fields["revision"],
            fields["step"],
            fields["status"],
            fields["schedule"],
            fields["current_price"],
        )
        if shown is not None:
            if news.revision < shown.revision:
                self.judge.broken("P6", f"auction {auction_id}: a watcher went back")
            if shown.status == Status.CANCELLED and news.status != Status.CANCELLED:
                self.judge.broken("P6", f"auction {auction_id}: something followed the end")
        self.judge.seen["shown"] += 1
        self.shows[auction_id] = news


@dataclass(slots=True)
class Channel:
    """The way from all members to all watchers."""

    loop: VirtualLoop
    armed: Armed
    watchers: list[Watcher]
    cut_until_ns: int = 0
    _kept: list[Frame] = field(default_factory=list)

    def cut(self, for_ms: int) -> None:
        """Nothing gets through for a while."""
        self.armed.happened(Fault.BUS_PARTITION)
        self.cut_until_ns = self.loop.now_ns + for_ms * _MS

    def carry(self, frame: Frame) -> None:
        """A frame sets out; what becomes of it is the faults' to say."""
        if self.loop.now_ns < self.cut_until_ns:
            return
        match self.armed.take("bus"):
            case Fault.BUS_LOST:
                return
            case Fault.BUS_DOUBLED:
                self._later(frame, 0)
                self._later(frame, 40)
            case Fault.BUS_DELAYED:
                self._later(frame, 1_500)
            case Fault.BUS_REORDERED:
                self._kept.append(frame)
            case _:
                self._later(frame, 0)
                while self._kept:
                    self._later(self._kept.pop(), 0)

    def _later(self, frame: Frame, in_ms: int) -> None:
        at_ns = self.loop.now_ns + in_ms * _MS + 200_000
        self.loop.at_ns(at_ns, self._arrive, frame, context=on(None))

    def _arrive(self, frame: Frame) -> None:
        for watcher in self.watchers:
            watcher.hears(frame)


class SimulatedBus:
    """The Bus of one process: judged, then sent on its way."""

    def __init__(self, judge: Judge, database: MemoryDatabase, channel: Channel) -> None:
        self._judge = judge
        self._database = database
        self._channel = channel
        self._last: dict[int, int] = {}

    def attach(self, sink: FrameSink) -> None:
        """Nobody sits in the process itself."""

    def publish(self, publication: Publication) -> None:
        auction_id = publication.auction.id
        stored = self._database.auctions[auction_id].auction.revision
        for frame in publication.frames:
            self._judge.seen["frames"] += 1
            about = f"auction {auction_id}: frame {frame.kind} of revision {frame.revision}"
            if frame.revision > stored:
                self._judge.broken("P6", f"{about} tells what is not committed ({stored} is)")
            last = self._last.get(auction_id)
            resync = frame.full and last is not None and frame.revision >= last
            if last is not None and frame.revision != last + 1 and not resync:
                self._judge.broken("P6", f"{about} follows revision {last}")
            self._last[auction_id] = frame.revision
            self._channel.carry(frame)

    def tell(self, user_id: int, frame: Frame) -> None:
        self._judge.seen["personal"] += 1
        fields = orjson.loads(frame.payload)
        if fields["user_id"] != user_id:
            self._judge.broken("P3", f"guest {user_id} was told what is {fields['user_id']}'s")
        row = self._database.outbox.get(fields["event_id"])
        if row is None or row.row.user_id != user_id:
            self._judge.broken("P2", f"guest {user_id} was told what is not committed")

    def announce(self, auction_id: int) -> None:
        """Nobody asks for it here."""

    def watchers(self, auction_id: int) -> int:
        return len(self._channel.watchers)
