"""Long work in slices: fair among works, fair to the loop, and a fault stays alone."""

import asyncio
import logging
import time
from collections.abc import Iterator

import pytest

from edge.slices import Slices
from tests.edge.live_shop import until


class StepClock:
    """Each look at the clock takes one unit of work."""

    def __init__(self, step_ns: int = 0) -> None:
        self.now_ns = 0
        self.step_ns = step_ns

    def now_ms(self) -> int:
        return self.now_ns // 1_000_000

    def mono_ns(self) -> int:
        self.now_ns += self.step_ns
        return self.now_ns

    def at_least(self, high_water_ms: int) -> None: ...


def noted(name: str, steps: int, notes: list[str]) -> Iterator[None]:
    for _ in range(steps):
        notes.append(name)
        yield


async def until_done(notes: list[str], length: int) -> None:
    await until(lambda: len(notes) >= length)


async def test_works_take_turns_step_by_step() -> None:
    slices, notes = Slices(StepClock(), yield_after_ms=1), list[str]()
    slices.add(noted("a", 3, notes))
    slices.add(noted("b", 1, notes))
    slices.add(noted("c", 2, notes))
    assert notes == []
    await until_done(notes, 6)
    assert notes == ["a", "b", "c", "a", "c", "a"]


async def test_the_loop_has_its_turn_after_each_slice() -> None:
    slices, notes = Slices(StepClock(step_ns=250_000), yield_after_ms=1), list[str]()
    slices.add(noted("work", 40, notes))
    turns = []
    async with asyncio.timeout(5):
        while len(notes) < 40:
            await asyncio.sleep(0)
            turns.append(len(notes))
    most = max(after - before for before, after in zip([0, *turns], turns, strict=False))
    assert most <= 4
    assert len(turns) >= 10


async def test_real_work_is_cut_into_slices_of_real_time() -> None:
    class Working(StepClock):
        """Time of this thread's own work: what others do to this machine does not count."""

        def mono_ns(self) -> int:
            return time.thread_time_ns()

    def busy(seconds: float) -> Iterator[None]:
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            yield

    slices = Slices(Working(), yield_after_ms=1)
    slices.add(busy(0.1))
    turns = 0
    while slices._works:
        await asyncio.sleep(0)
        turns += 1
    assert 40 <= turns <= 102


async def test_a_work_may_add_another() -> None:
    slices, notes = Slices(StepClock(), yield_after_ms=1), list[str]()

    def adding() -> Iterator[None]:
        slices.add(noted("added", 2, notes))
        yield

    slices.add(adding())
    await until_done(notes, 2)
    slices.add(noted("later", 1, notes))
    await until_done(notes, 3)
    assert notes == ["added", "added", "later"]


async def test_a_work_that_breaks_ends_alone_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slices, notes = Slices(StepClock(), yield_after_ms=1), list[str]()

    def broken() -> Iterator[None]:
        yield
        raise RuntimeError("this one")

    slices.add(broken())
    slices.add(noted("fine", 4, notes))
    with caplog.at_level(logging.ERROR):
        await until_done(notes, 4)
    assert "this one" in caplog.text


async def test_what_is_stopped_does_nothing_more() -> None:
    slices, notes = Slices(StepClock(), yield_after_ms=1), list[str]()
    slices.add(noted("never", 3, notes))
    slices.stop()
    for _ in range(5):
        await asyncio.sleep(0)
    assert notes == []
