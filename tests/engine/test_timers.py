"""One heap for everything that waits for an instant."""

import asyncio
from functools import partial
from random import Random

import pytest

from engine.timers import Timers
from tests.engine.hand_clock import HandClock
from tests.engine.world import eventually


async def loop_turns(count: int = 5) -> None:
    """Let what is ready run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_callbacks_run_in_the_order_of_their_instants_and_never_early() -> None:
    clock = HandClock()
    timers = Timers(clock, yield_after_ms=1)
    called: list[tuple[int, int]] = []

    def note(at: int) -> None:
        called.append((at, clock.now_ms()))

    instants = list(range(1, 200))
    Random(3).shuffle(instants)
    for at in instants:
        timers.at(clock.now_ms() + at, partial(note, at))
    start = clock.now_ms()
    clock.follow_loop()
    await eventually(lambda: len(called) == len(instants))
    assert [at for at, _ in called] == sorted(instants)
    assert all(now - start >= at for at, now in called)
    assert len(timers) == 0


async def test_an_early_wake_up_decides_nothing() -> None:
    clock = HandClock()
    timers = Timers(clock, yield_after_ms=1)
    called: list[int] = []
    timers.at(clock.now_ms() + 1, lambda: called.append(1))
    await asyncio.sleep(0.02)  # the loop has woken; our clock still stands before the instant
    assert called == []
    clock.pass_ms(1)
    await asyncio.sleep(0.01)
    assert called == [1]


async def test_an_instant_that_has_passed_is_called_at_the_next_chance() -> None:
    clock = HandClock()
    timers = Timers(clock, yield_after_ms=1)
    called: list[str] = []
    timers.at(clock.now_ms() - 10, lambda: called.append("late"))
    timers.after(0, lambda: called.append("now"))
    assert called == []
    await loop_turns()
    assert called == ["late", "now"]


async def test_a_cancelled_timer_is_not_called_and_the_heap_forgets_it() -> None:
    clock = HandClock()
    timers = Timers(clock, yield_after_ms=1)
    called: list[int] = []
    waiting = [timers.after(1_000, lambda: called.append(0)) for _ in range(10_000)]
    for timer in waiting[1:]:
        timer.cancel()
        timer.cancel()
    assert len(timers) == 1
    assert len(timers._heap) < 200, "dead entries do not pile up"
    clock.pass_ms(1_000)
    timers.at(clock.now_ms() - 5_000, lambda: called.append(1))
    await loop_turns()
    assert called == [1, 0]
    assert not waiting[0].waiting


async def test_many_callbacks_leave_room_for_others() -> None:
    clock = HandClock()
    timers = Timers(clock, yield_after_ms=1)
    order: list[str] = []

    def costly() -> None:
        clock.pass_ms(2)
        order.append("timer")

    for _ in range(3):
        timers.after(0, costly)
    asyncio.get_running_loop().call_soon(order.append, "other")
    await loop_turns(10)
    assert order.count("timer") == 3
    assert order.index("other") < 2, "after one slice somebody else had a turn"


async def test_a_callback_may_make_the_next_appointment() -> None:
    clock = HandClock()
    timers = Timers(clock, yield_after_ms=1)
    called: list[int] = []

    def again() -> None:
        called.append(clock.now_ms())
        if len(called) < 3:
            timers.after(0, again)

    timers.after(0, again)
    await loop_turns(10)
    assert len(called) == 3


async def test_stopped_timers_call_nobody() -> None:
    clock = HandClock()
    timers = Timers(clock, yield_after_ms=1)
    called: list[int] = []
    timers.after(0, lambda: called.append(1))
    timers.stop()
    await loop_turns()
    assert called == []
    assert len(timers) == 0


async def test_a_callback_that_raises_stops_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    clock = HandClock()
    timers = Timers(clock, yield_after_ms=1)
    called: list[int] = []

    def broken() -> None:
        raise ZeroDivisionError

    timers.after(0, broken)
    timers.after(0, lambda: called.append(1))
    timers.after(5, lambda: called.append(2))
    await loop_turns()
    assert called == [1]
    clock.pass_ms(5)
    await eventually(lambda: called == [1, 2])
    assert "a timer's callback raised" in caplog.text


async def test_a_clock_that_leaps_ahead_of_the_loop_makes_nobody_late() -> None:
    clock = HandClock()
    timers = Timers(clock, yield_after_ms=1)
    called: list[int] = []
    timers.after(3_600_000, lambda: called.append(1))
    timers.catch_up()
    clock.pass_ms(3_600_000)  # a machine that slept: the loop's own clock stood still
    await loop_turns()
    assert called == []
    timers.catch_up()
    await loop_turns()
    assert called == [1]
    timers.catch_up()


async def test_catching_up_with_nobody_on_the_heap_does_nothing() -> None:
    clock = HandClock()
    timers = Timers(clock, yield_after_ms=1)
    for timer in [timers.after(1_000, loop_never) for _ in range(200)]:
        timer.cancel()
    clock.pass_ms(2_000)
    timers.catch_up()
    await loop_turns()
    assert len(timers) == 0


def loop_never() -> None:
    raise AssertionError("it was cancelled")
