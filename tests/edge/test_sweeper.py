"""One timer for everybody's deadlines."""

import asyncio

import pytest

from edge.connection import Socket
from edge.slices import Slices
from edge.sweeper import BUCKET_MS, Sweeper
from tests.edge.live_clients import wired
from tests.edge.live_shop import START_MS, ManualClock, ManualTimers, until

HOUR_MS = 3_600_000


class Bench:
    """A sweeper that writes down when it looked at whom."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.timers = ManualTimers(self.clock, yield_after_ms=1)
        self.looks: list[tuple[Socket, int]] = []
        self.every_ms = HOUR_MS
        self.sweeper = Sweeper(
            look=self._look,
            clock=self.clock,
            timers=self.timers,
            slices=Slices(self.clock, yield_after_ms=1),
        )

    def _look(self, socket: Socket, now_ms: int) -> int:
        self.looks.append((socket, now_ms - START_MS))
        return now_ms + self.every_ms

    async def pass_time(self, ms: int, step_ms: int = 50) -> None:
        for _ in range(ms // step_ms):
            self.clock.now += step_ms
            self.timers.run_due()
            for _ in range(3):
                await asyncio.sleep(0)

    def when(self, socket: Socket) -> list[int]:
        return [ms for looked, ms in self.looks if looked is socket]


@pytest.fixture
async def bench() -> Bench:
    return Bench()


async def test_a_socket_is_looked_at_when_it_is_due_and_then_at_its_next_instant(
    bench: Bench,
) -> None:
    socket, _ = wired()
    bench.every_ms = 1_000
    bench.sweeper.watch(socket, START_MS + 500)
    await bench.pass_time(3_000)
    assert bench.when(socket) == [500, 1_500, 2_500]


async def test_never_too_early_and_at_most_one_bucket_late(bench: Bench) -> None:
    sockets = [wired()[0] for _ in range(50)]
    for nth, socket in enumerate(sockets):
        bench.sweeper.watch(socket, START_MS + 37 * nth)
    await bench.pass_time(2_500, 10)
    for nth, socket in enumerate(sockets):
        (looked_ms,) = bench.when(socket)
        assert 37 * nth <= looked_ms <= 37 * nth + BUCKET_MS


async def test_thousands_share_one_timer(bench: Bench) -> None:
    for nth in range(5_000):
        bench.sweeper.watch(wired()[0], START_MS + 1_000 + nth % 7 * 1_000)
    assert len(bench.timers) == 1
    await bench.pass_time(10_000, 500)
    await until(lambda: len(bench.looks) == 5_000)


async def test_an_earlier_instant_replaces_a_later_one(bench: Bench) -> None:
    socket, _ = wired()
    bench.sweeper.watch(socket, START_MS + 9_000)
    bench.sweeper.watch(socket, START_MS + 1_000)
    await bench.pass_time(12_000)
    assert bench.when(socket) == [1_000]


async def test_a_socket_named_anew_while_its_turn_comes_is_watched_once(bench: Bench) -> None:
    first, second = wired()[0], wired()[0]
    for socket in (first, second):
        bench.sweeper.watch(socket, START_MS + 100)
    bench.clock.now += 100
    bench.timers.run_due()  # both are about to be swept
    bench.sweeper.watch(second, START_MS + 300)
    bench.every_ms = 1_000
    await bench.pass_time(10_000)
    assert len(bench.when(second)) <= 11
    assert len(bench.when(second)) == len(set(bench.when(second)))


async def test_the_forgotten_and_the_gone_are_not_looked_at(bench: Bench) -> None:
    forgotten, (gone, wire) = wired()[0], wired()
    for socket in (forgotten, gone):
        bench.sweeper.watch(socket, START_MS + 100)
    bench.sweeper.forget(forgotten)
    bench.sweeper.forget(forgotten)
    wire.abort()
    await bench.pass_time(1_000)
    assert bench.looks == []
    assert bench.sweeper._buckets == {}
    assert len(bench.timers) == 0
