"""Sockets that do not take what is written to them, and everybody else, who does not notice."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from edge.connection import Socket
from edge.slices import Slices
from edge.writer import Writer
from engine.settings import Settings
from tests.edge.live_clients import Wire, client_frame, wired
from tests.edge.live_shop import START_MS, ManualClock, ManualTimers, auction_of
from tests.edge.live_world import Meters, world

KIB = b"x" * 1_024


class Bench:
    """A writer whose mends are named after what they make up for."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.timers = ManualTimers(self.clock, yield_after_ms=1)
        self.meters = Meters()
        self.mends: list[tuple[int, int]] = []
        self.mend_bytes = 0
        self.unwatched: set[int] = set()
        self.writer = Writer(
            mend=self._mend,
            settings=Settings(),
            clock=self.clock,
            timers=self.timers,
            slices=Slices(self.clock, yield_after_ms=1),
            meters=self.meters,
        )
        self.socket, self.wire = self.another()

    def another(self) -> tuple[Socket, Wire]:
        socket, wire = wired(writer=self.writer)
        self.writer.prepare(socket)
        return socket, wire

    def offer(self, raw: bytes = KIB, *, key: int = 7, number: int = 1) -> None:
        self.writer.spread(raw, key, number, (self.socket,), {self.socket: 0})

    def congest(self) -> None:
        """Fill the buffer until the socket is congested."""
        self.wire.stuck = True
        while self.socket.backlog is None:
            self.offer(key=99)
        self.wire.written.clear()

    def drain(self) -> None:
        """The peer reads again."""
        self.wire.stuck = False
        self.wire.waiting = 0

    async def pass_time(self, ms: int) -> None:
        for _ in range(ms // 50):
            self.clock.now += 50
            self.timers.run_due()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    def _mend(self, socket: Socket, key: int, number: int) -> bytes | None:
        self.mends.append((key, number))
        if key in self.unwatched:
            return None
        return f"mend {key}".encode() + b"x" * self.mend_bytes


@pytest.fixture
async def bench() -> Bench:
    return Bench()


def test_a_socket_is_congested_from_a_quarter_of_what_cuts_it_off(bench: Bench) -> None:
    assert (bench.wire.high, bench.wire.low) == (16_384, 4_096)


def test_what_a_healthy_socket_is_offered_it_gets(bench: Bench) -> None:
    for _ in range(100):
        bench.offer()
    assert len(bench.wire.written) == 100
    assert bench.socket.backlog is None


def test_what_is_offered_to_a_congested_socket_is_left_out_and_noted(bench: Bench) -> None:
    bench.congest()
    bench.offer(key=7, number=11)
    bench.offer(key=8, number=12)
    bench.offer(key=7, number=13)
    assert bench.wire.written == []
    assert bench.socket.backlog is not None
    assert bench.socket.backlog.missed == {7: 11, 8: 12}
    assert bench.wire.waiting <= 16_384 + 1_024


def test_answers_are_never_left_out(bench: Bench) -> None:
    bench.congest()
    bench.writer.write(bench.socket, b"answer")
    assert bench.wire.written == [b"answer"]


async def test_when_it_drains_each_topic_is_made_up_for_once(bench: Bench) -> None:
    bench.congest()
    for number in range(11, 100):
        bench.offer(key=7 + number % 2, number=number)
    await bench.pass_time(500)
    assert bench.wire.written == []
    bench.drain()
    await bench.pass_time(100)
    assert bench.wire.written == [b"mend 8", b"mend 7"]
    assert bench.mends == [(8, 11), (7, 12)]
    assert bench.socket.backlog is None
    bench.offer(b"fresh")
    assert bench.wire.written[-1] == b"fresh"


async def test_what_it_watches_no_more_is_not_made_up_for(bench: Bench) -> None:
    bench.congest()
    bench.offer(key=7)
    bench.unwatched = {7}
    bench.drain()
    await bench.pass_time(100)
    assert bench.wire.written == []


async def test_mends_stop_when_they_fill_it_again_and_go_on_when_it_drains(bench: Bench) -> None:
    bench.congest()
    for key in range(1, 41):
        bench.offer(key=key, number=key)
    bench.mend_bytes = 1_024
    bench.wire.waiting = 0
    await bench.pass_time(100)
    assert 10 <= len(bench.wire.written) < 40
    bench.drain()
    await bench.pass_time(100)
    assert len(bench.wire.written) == 40
    assert len(bench.mends) == 40
    assert bench.socket.backlog is None


async def test_no_progress_for_ten_seconds_cuts_it(bench: Bench) -> None:
    bench.congest()
    await bench.pass_time(9_900)
    assert bench.meters.closes == []
    await bench.pass_time(200)
    assert bench.meters.closes == [4100]
    assert bench.wire.aborted


async def test_a_slow_but_moving_socket_is_given_its_time_but_not_for_ever(bench: Bench) -> None:
    bench.congest()
    for _ in range(29):
        bench.wire.waiting -= 200
        await bench.pass_time(1_000)
    assert not bench.wire.aborted
    bench.wire.waiting -= 200
    await bench.pass_time(1_100)
    assert bench.wire.aborted


async def test_more_than_64_kib_waiting_cuts_it_whatever_is_written(bench: Bench) -> None:
    bench.congest()
    while not bench.wire.aborted:
        bench.writer.write(bench.socket, KIB)
        assert bench.wire.waiting <= 65_536 + 1_024
    assert bench.meters.closes == [4100]


async def test_one_large_answer_alone_cuts_nobody_who_reads_it(bench: Bench) -> None:
    bench.wire.stuck = True
    bench.writer.write(bench.socket, KIB * 62)
    assert not bench.wire.aborted
    bench.drain()
    await bench.pass_time(100)
    bench.offer(b"fresh")
    assert bench.wire.written[-1] == b"fresh"


def test_nothing_follows_a_goodbye(bench: Bench) -> None:
    bench.writer.close(bench.socket, 4200)
    bench.writer.write(bench.socket, b"answer")
    bench.offer()
    bench.writer.close(bench.socket, 4000)
    assert bench.wire.written == [b"\x88\x02\x10\x68"]
    assert bench.socket.leave_by_ms == START_MS + 3_000
    assert bench.meters.closes == [4200]


def test_nothing_is_written_to_the_gone(bench: Bench) -> None:
    bench.wire.abort()
    bench.writer.write(bench.socket, b"answer")
    bench.writer.forget(bench.socket)
    bench.offer()
    bench.writer.close(bench.socket, 4200)
    assert bench.wire.written == []
    assert bench.meters.closes == []


async def test_who_looks_after_the_congested_sleeps_while_there_are_none(bench: Bench) -> None:
    bench.congest()
    assert len(bench.timers) == 1
    bench.drain()
    await bench.pass_time(100)
    assert len(bench.timers) == 0
    assert bench.meters.congested_most == 1


async def test_a_congested_socket_that_is_forgotten_is_not_looked_at(bench: Bench) -> None:
    bench.congest()
    bench.writer.forget(bench.socket)
    bench.drain()
    await bench.pass_time(15_000)
    assert bench.mends == []
    assert not bench.wire.aborted


# --- on real sockets -----------------------------------------------------------------------------

SUBSCRIBE = client_frame(b'{"type":"subscribe_auction","auction_id":7}')


def resident_bytes() -> int:
    """Of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def test_a_reader_that_is_stuck_costs_little_and_its_neighbour_hears_everything() -> None:
    async with world(counts_clients=False) as here, here.client() as neighbour:
        here.shop.open(auction_of(7))
        await neighbour.ask("subscribe_auction", auction_id=7)
        async with here.stuck(SUBSCRIBE):
            await here.until(lambda: here.hub.watchers(7) == 2)
            before = resident_bytes()
            slowest = 0.0
            for nth in range(1_000):
                began = time.perf_counter()
                changed = here.shop.change(7)
                told = await neighbour.next("auction_booked")
                assert told["revision"] == changed.revision == nth + 2
                slowest = max(slowest, time.perf_counter() - began)
            grown = resident_bytes() - before
            (stuck,) = here.hub.writer._congested
            waiting = stuck.transport.get_write_buffer_size()
            assert stuck.backlog is not None
            assert list(stuck.backlog.missed) == [7]
            await here.pass_time(11_000)
            await here.until(lambda: here.channel.open_sockets == 1)
        prices = await neighbour.everything()
        assert [told["step"] for told in prices] == list(range(1, 12))
    assert waiting <= 16_384 + 1_024
    assert grown < 8 * 1024 * 1024
    assert slowest < 0.25
    assert here.meters.closes == [4100]


async def test_a_slow_reader_that_comes_back_ends_in_the_right_state() -> None:
    async with world(counts_clients=False) as here:
        here.shop.open(auction_of(7))
        async with here.stuck(SUBSCRIBE) as end:
            await here.until(lambda: here.hub.watchers(7) == 1)
            changes = 0
            while not here.hub.writer._congested:
                # The kernel holds a few hundred of them; more means that nobody watches any more.
                assert (changes := changes + 1) < 50_000, here.hub.watchers(7)
                here.shop.change(7)
                await here.settle()
            for _ in range(500):
                here.shop.change(7)
                await here.settle()
            await here.pass_time(2_000, 100)
            told = b""
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(20):
                while b'"reason":"resync"' not in told:
                    reading = asyncio.create_task(loop.sock_recv(end, 65_536))
                    while not reading.done():
                        # No faster than real time: how quickly a tiny window drains is the
                        # kernel's affair, and after 30 s of being congested it is cut.
                        await here.pass_time(10, 10)
                        await asyncio.sleep(0.01)
                    told += await reading
            final = here.shop[7].revision
            assert f'"revision":{final},'.encode() in told.partition(b'"auction_updated"')[2]
            assert told.count(b'"reason":"resync"') == 1
            assert here.meters.closes == []
