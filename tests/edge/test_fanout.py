"""Order, replacement and fairness of what goes to many."""

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from edge import ws_frames
from edge.connection import Socket
from edge.fanout import WRITES_A_STEP, Fanout
from edge.meters import Silent
from edge.slices import Slices
from edge.topics import AuctionTopic, Weight
from edge.writer import Writer
from engine.settings import Settings
from tests.edge.live_clients import Wire, wired
from tests.edge.live_shop import ManualClock, ManualTimers
from tests.edge.live_world import Meters


class Stepped(Slices):
    """Slices that go one step when they are told to."""

    def add(self, work: object) -> None:
        self._works.append(work)  # type: ignore[arg-type]  # what it is does not matter here

    def step(self) -> bool:
        """One step of the work whose turn it is; is there more to do?"""
        if self._works:
            work = self._works.popleft()
            if self._step(work):
                self._works.append(work)
        return bool(self._works)

    def finish(self) -> None:
        """All steps there are."""
        while self.step():
            pass


class Bench:
    """A fan-out whose steps are counted by hand."""

    def __init__(self) -> None:
        clock = ManualClock()
        self.slices = Stepped(clock, yield_after_ms=1)
        self.meters = Meters()
        self.writer = Writer(
            mend=lambda socket, key, number: None,
            settings=Settings(),
            clock=clock,
            timers=ManualTimers(clock, yield_after_ms=1),
            slices=self.slices,
            meters=self.meters,
        )
        self.fanout = Fanout(slices=self.slices, writer=self.writer, meters=self.meters)
        self.topic = AuctionTopic(7)
        self.wires: dict[Socket, Wire] = {}

    def join(self, count: int = 1, *, ticks: bool = True) -> list[Socket]:
        made = [wired() for _ in range(count)]
        for socket, wire in made:
            self.wires[socket] = wire
            self.topic.join(socket, self.fanout.number, ticks=ticks)
        return [socket for socket, _ in made]

    def price(self, text: bytes) -> int:
        return self.fanout.deliver(self.topic, text, Weight.PRICE)

    def significant(self, text: bytes) -> int:
        return self.fanout.deliver(self.topic, text, Weight.SIGNIFICANT)

    def full(self, text: bytes) -> int:
        return self.fanout.deliver(self.topic, text, Weight.FULL)

    def told(self) -> Counter[tuple[bytes, ...]]:
        """What sockets were told, and how many of them."""
        return Counter(tuple(wire.written) for wire in self.wires.values())


def test_everybody_hears_everything_in_order_and_the_bytes_are_shared() -> None:
    bench = Bench()
    bench.join(30)
    frames = [b"a", b"b", b"c"]
    for frame in frames:
        bench.significant(frame)
    bench.slices.finish()
    assert bench.told() == {(b"a", b"b", b"c"): 30}
    for wire in bench.wires.values():
        assert all(written is frame for written, frame in zip(wire.written, frames, strict=True))


def test_nothing_is_written_before_the_loop_has_had_its_turn() -> None:
    bench = Bench()
    bench.join(3)
    bench.significant(b"a")
    assert bench.told() == {(): 3}


def test_a_newer_price_replaces_an_older_one_for_those_who_have_not_got_it() -> None:
    bench = Bench()
    bench.join(3 * WRITES_A_STEP)
    bench.price(b"p1")
    bench.slices.step()
    bench.price(b"p2")
    bench.slices.finish()
    assert bench.told() == {(b"p1", b"p2"): WRITES_A_STEP, (b"p2",): 2 * WRITES_A_STEP}


def test_a_price_replaces_no_significant_frame() -> None:
    bench = Bench()
    bench.join(2 * WRITES_A_STEP)
    bench.price(b"p1")
    bench.significant(b"s")
    bench.price(b"p2")
    bench.slices.finish()
    assert bench.told() == {(b"s", b"p2"): 2 * WRITES_A_STEP}


def test_a_significant_frame_replaces_nothing() -> None:
    bench = Bench()
    bench.join(WRITES_A_STEP)
    for frame in (b"p", b"s1", b"s2"):
        (bench.price if frame == b"p" else bench.significant)(frame)
    bench.slices.finish()
    assert bench.told() == {(b"p", b"s1", b"s2"): WRITES_A_STEP}


def test_a_whole_snapshot_replaces_everything_before_it() -> None:
    bench = Bench()
    bench.join(2 * WRITES_A_STEP)
    bench.significant(b"s1")
    bench.slices.step()
    bench.price(b"p")
    bench.significant(b"s2")
    bench.full(b"f")
    bench.significant(b"s3")
    bench.slices.finish()
    half = WRITES_A_STEP
    assert bench.told() == {(b"s1", b"f", b"s3"): half, (b"f", b"s3"): half}


def test_who_joins_half_way_gets_nothing_older_and_everything_newer() -> None:
    bench = Bench()
    bench.join(2 * WRITES_A_STEP)
    bench.significant(b"old")
    bench.slices.step()
    (late,) = bench.join()
    bench.significant(b"new")
    bench.slices.finish()
    assert bench.wires[late].written == [b"new"]


def test_who_asks_for_a_snapshot_half_way_gets_nothing_older_either() -> None:
    bench = Bench()
    everybody = bench.join(2 * WRITES_A_STEP)
    bench.significant(b"old")
    bench.slices.step()
    waiting = next(s for s in everybody if not bench.wires[s].written)
    bench.topic.join(waiting, bench.fanout.number, ticks=True)
    bench.significant(b"new")
    bench.slices.finish()
    assert bench.wires[waiting].written == [b"new"]


def test_who_leaves_half_way_gets_no_more() -> None:
    bench = Bench()
    everybody = bench.join(2 * WRITES_A_STEP)
    bench.significant(b"s")
    bench.slices.step()
    waiting = next(s for s in everybody if not bench.wires[s].written)
    bench.topic.leave(waiting)
    bench.slices.finish()
    assert bench.wires[waiting].written == []
    assert bench.told()[(b"s",)] == 2 * WRITES_A_STEP - 1


class Noting(list[bytes]):
    """What one socket was told, and in which order all were."""

    def __init__(self, socket: Socket, order: list[Socket]) -> None:
        self._socket = socket
        self._order = order

    def append(self, raw: bytes) -> None:
        self._order.append(self._socket)


def test_no_socket_is_always_the_last() -> None:
    bench, order = Bench(), list[Socket]()
    bench.join(40)
    for socket, wire in bench.wires.items():
        wire.written = Noting(socket, order)
    last: Counter[Socket] = Counter()
    for _ in range(400):
        bench.significant(b"s")
        bench.slices.finish()
        last[order[-1]] += 1
    assert len(order) == 400 * 40
    assert len(last) == 40
    assert max(last.values()) <= 20


def test_a_small_topic_does_not_wait_behind_a_large_one() -> None:
    bench = Bench()
    bench.join(100 * WRITES_A_STEP)
    small, wire = wired()
    other = AuctionTopic(8)
    other.join(small, 0, ticks=True)
    bench.significant(b"large")
    bench.fanout.deliver(other, b"small", Weight.SIGNIFICANT)
    bench.slices.step()
    bench.slices.step()
    assert wire.written == [b"small"]
    assert bench.told()[()] == 99 * WRITES_A_STEP


def test_a_socket_that_was_told_to_close_is_passed_over() -> None:
    bench = Bench()
    first, second = bench.join(2)
    bench.writer.close(first, 4200)
    bench.significant(b"s")
    bench.slices.finish()
    assert bench.wires[first].written == [ws_frames.close(4200)]
    assert bench.wires[second].written == [b"s"]


def test_what_was_written_is_counted_and_what_was_passed_over_is_not() -> None:
    bench = Bench()
    first, *_ = bench.join(2 * WRITES_A_STEP)
    bench.join(5, ticks=False)
    bench.writer.filled(first)
    bench.price(b"p")
    bench.significant(b"s")
    bench.slices.finish()
    everybody = 2 * WRITES_A_STEP + 5
    assert bench.meters.written == {"price": 2 * WRITES_A_STEP - 1, "significant": everybody - 1}


def test_a_topic_carries_on_after_its_queue_was_empty() -> None:
    bench = Bench()
    bench.join(1)
    for frame in (b"a", b"b"):
        bench.significant(frame)
        bench.slices.finish()
    assert bench.told() == {(b"a", b"b"): 1}


WHAT = st.sampled_from(["price", "significant", "full", "step", "join", "rejoin", "leave"])


@settings(max_examples=150, deadline=None)
@given(st.lists(WHAT, max_size=60))
def test_whatever_happens_order_holds_and_the_newest_arrives(what: list[str]) -> None:
    bench = Bench()
    joined_at: dict[Socket, int] = {}
    watching: list[Socket] = bench.join(2 * WRITES_A_STEP)
    joined_at.update(dict.fromkeys(watching, 0))
    weights: dict[int, str] = {}
    for act in what:
        if act in ("price", "significant", "full"):
            number = getattr(bench, act)(str(bench.fanout.number + 1).encode())
            weights[number] = act
        elif act == "step":
            bench.slices.step()
        elif act == "join":
            (new,) = bench.join()
            watching.append(new)
            joined_at[new] = bench.fanout.number
        elif watching:
            socket = watching[len(weights) % len(watching)]
            bench.wires[socket].written.append(b"mark")
            if act == "leave":
                bench.topic.leave(socket)
                watching.remove(socket)
            else:
                bench.topic.join(socket, bench.fanout.number, ticks=True)
                joined_at[socket] = bench.fanout.number
    bench.slices.finish()
    for socket, wire in bench.wires.items():
        since_mark = list(wire.written)
        if b"mark" in since_mark:
            since_mark = since_mark[len(since_mark) - since_mark[::-1].index(b"mark") :]
        numbers = [int(raw) for raw in since_mark]
        assert numbers == sorted(set(numbers))
        if socket not in watching:
            assert numbers == []
            continue
        assert all(number > joined_at[socket] for number in numbers)
        must_have = needed([n for n in weights if n > joined_at[socket]], weights)
        assert set(must_have) <= set(numbers)


def needed(numbers: list[int], weights: dict[int, str]) -> list[int]:
    """What nothing newer may have replaced."""
    fulls = [n for n in numbers if weights[n] == "full"]
    prices = [n for n in numbers if weights[n] == "price"]
    after_full = [n for n in numbers if n >= max(fulls, default=0)]
    return [n for n in after_full if weights[n] != "price" or n == max(prices)]


async def test_on_the_real_loop_a_fan_out_to_thousands_lets_others_in_between() -> None:
    clock = ManualClock()
    slices = Slices(clock, yield_after_ms=0.2)
    writer = Writer(
        mend=lambda socket, key, number: None,
        settings=Settings(),
        clock=clock,
        timers=ManualTimers(clock, yield_after_ms=1),
        slices=slices,
        meters=Silent(),
    )
    fanout, topic = Fanout(slices=slices, writer=writer, meters=Silent()), AuctionTopic(7)
    wires = []
    for _ in range(5_000):
        socket, wire = wired()
        topic.join(socket, 0, ticks=True)
        wires.append(wire)
    fanout.deliver(topic, b"frame", Weight.SIGNIFICANT)
    turns = 0
    async with asyncio.timeout(10):
        while not all(wire.written for wire in wires):
            await asyncio.sleep(0)
            turns += 1
    assert turns >= 5
    assert all(wire.written == [b"frame"] for wire in wires)
