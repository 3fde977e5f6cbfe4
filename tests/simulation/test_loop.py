"""Virtual time: it leaps, it is the same every time, and machines on it stall and die."""

import asyncio
import gc
import warnings
from collections.abc import Coroutine, Iterator
from random import Random
from typing import Any

import pytest

from engine.simulation import loop as virtual
from engine.simulation.loop import STEP_COST_NS, Machine, VirtualLoop, on

SECOND = 1_000_000_000
MILLISECOND = 1_000_000


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    made = VirtualLoop(Random(1))
    yield made
    made.close()


def seconds(loop: VirtualLoop, number: float) -> int:
    return loop.now_ns + round(number * SECOND)


# --- time ----------------------------------------------------------------------------------------


def test_time_leaps_to_the_next_timer(loop: VirtualLoop) -> None:
    heard: list[float] = []
    began = loop.time()
    for hours in (3, 1, 2):
        loop.call_later(hours * 3600, lambda: heard.append(loop.time() - began))
    loop.run_until(seconds(loop, 4 * 3600))
    assert heard == [3600, 7200, 10800]
    assert loop.time() - began == 4 * 3600


def test_what_is_due_at_one_instant_happens_in_the_order_it_was_asked_for(
    loop: VirtualLoop,
) -> None:
    heard: list[int] = []
    for no in range(50):
        loop.at_ns(seconds(loop, 1), heard.append, no)
    loop.run_until(seconds(loop, 1))
    assert heard == list(range(50))


def test_what_is_later_than_asked_for_does_not_happen(loop: VirtualLoop) -> None:
    heard: list[str] = []
    loop.at_ns(seconds(loop, 5), heard.append, "at the end")
    loop.at_ns(seconds(loop, 5) + 1, heard.append, "beyond")
    loop.run_until(seconds(loop, 5))
    assert heard == ["at the end"]
    loop.run_until(seconds(loop, 1))
    assert heard == ["at the end", "beyond"]


def test_time_stands_still_outside_of_machines_and_a_step_of_a_machine_costs(
    loop: VirtualLoop,
) -> None:
    taken: list[int] = []
    for machine in (None, Machine("n0")):
        for _ in range(3):
            loop.call_soon(lambda: taken.append(loop.now_ns), context=on(machine))
    began = loop.now_ns
    loop.run_until(seconds(loop, 1))
    costs = [at - began for at in taken]
    assert costs == [0, 0, 0, STEP_COST_NS, 2 * STEP_COST_NS, 3 * STEP_COST_NS]


def test_a_look_at_the_clock_takes_time(loop: VirtualLoop) -> None:
    assert loop.look() < loop.look() < loop.look()


def test_true_time_and_loop_time_are_one(loop: VirtualLoop) -> None:
    at_ms = virtual.BEGIN_MS + 1_234
    loop.run_until(loop.ns_of(at_ms))
    assert loop.true_ns() == at_ms * 1_000_000


def test_a_cancelled_timer_never_fires(loop: VirtualLoop) -> None:
    heard: list[int] = []
    step = loop.call_later(1, heard.append, 1)
    assert step.when() == pytest.approx(loop.time() + 1)
    step.cancel()
    assert step.cancelled()
    loop.run_until(seconds(loop, 2))
    assert heard == []


def test_after_halt_nothing_happens(loop: VirtualLoop) -> None:
    heard: list[int] = []
    loop.call_later(1, loop.halt)
    loop.call_later(2, heard.append, 1)
    halted = seconds(loop, 1)
    loop.run_until(seconds(loop, 5))
    assert (heard, loop.now_ns) == ([], halted)


# --- machines ------------------------------------------------------------------------------------


async def ticking(ticks: list[float], loop: VirtualLoop) -> None:
    while True:
        await asyncio.sleep(1)
        ticks.append(round(loop.time(), 2))


def test_a_machine_that_stands_still_takes_its_steps_later(loop: VirtualLoop) -> None:
    machine, heard = Machine("n0"), list[tuple[str, float]]()
    began = loop.now_ns
    for name, at in (("a", 1), ("b", 2), ("c", 4)):
        loop.at_ns(
            seconds(loop, at),
            lambda name: heard.append((name, (loop.now_ns - began) // SECOND)),
            name,
            context=on(machine),
        )
    loop.stand_still(machine)
    loop.run_until(seconds(loop, 3))
    assert heard == []
    loop.go_on(machine)
    loop.run_until(seconds(loop, 3))
    assert heard == [("a", 3), ("b", 3), ("c", 4)]


def test_a_machine_that_was_killed_never_goes_on(loop: VirtualLoop) -> None:
    dead, alive = Machine("n0"), Machine("n1")
    of_dead, of_alive = list[float](), list[float]()
    loop.spawn(dead, ticking(of_dead, loop))
    loop.spawn(alive, ticking(of_alive, loop))
    loop.run_until(seconds(loop, 2.5))
    loop.stand_still(dead)
    loop.run_until(seconds(loop, 1))
    loop.kill(dead)
    loop.go_on(dead)
    loop.run_until(seconds(loop, 5))
    assert (len(of_dead), len(of_alive)) == (2, 8)


def test_what_a_task_starts_runs_on_its_machine(loop: VirtualLoop) -> None:
    machine, ticks = Machine("n0"), list[float]()

    async def parent() -> None:
        asyncio.get_running_loop().create_task(ticking(ticks, loop))
        asyncio.get_running_loop().call_later(1.5, ticks.append, 0.0)

    loop.spawn(machine, parent())
    loop.run_until(seconds(loop, 1.2))
    assert len(ticks) == 1
    loop.kill(machine)
    loop.run_until(seconds(loop, 5))
    assert len(ticks) == 1


def test_only_a_machine_that_wakes_early_does_and_at_most_a_millisecond(loop: VirtualLoop) -> None:
    leads: dict[str, list[int]] = {"outside": [], "punctual": [], "early": []}
    for name, heard in leads.items():
        machine = None if name == "outside" else Machine(name, wakes_early=name == "early")
        for no in range(200):
            due = seconds(loop, 1 + no)
            loop.at_ns(
                due,
                lambda due, heard: heard.append(due - loop.now_ns),
                due,
                heard,
                context=on(machine),
            )
    loop.run_until(seconds(loop, 500))
    assert [len(heard) for heard in leads.values()] == [200, 200, 200]
    assert max(leads["outside"] + leads["punctual"]) <= 0
    assert max(leads["early"]) <= MILLISECOND
    assert sum(lead > 0 for lead in leads["early"]) > 190
    assert max(leads["early"]) > MILLISECOND // 2, "INCONCLUSIVE"
    assert loop.early_wakes == 200


def test_nothing_wakes_before_it_went_to_sleep(loop: VirtualLoop) -> None:
    machine, woken = Machine("n0", wakes_early=True), list[int]()
    began = loop.now_ns
    for _ in range(100):
        loop.at_ns(began + 1_000, lambda: woken.append(loop.now_ns), context=on(machine))
    loop.run_until(seconds(loop, 1))
    assert len(woken) == 100
    assert min(woken) >= began


# --- asyncio on it -------------------------------------------------------------------------------


def test_what_asyncio_offers_works_on_it(loop: VirtualLoop) -> None:
    async def work() -> list[object]:
        event, heard = asyncio.Event(), list[object]()

        async def late(value: int) -> int:
            await asyncio.sleep(value)
            return value

        try:
            async with asyncio.timeout(2):
                await event.wait()
        except TimeoutError:
            heard.append("timeout")
        asyncio.get_running_loop().call_later(1, event.set)
        async with asyncio.timeout(2):
            heard.append(await event.wait())
        heard.append(await asyncio.gather(late(3), late(1), late(2)))
        inner = asyncio.ensure_future(late(5))
        try:
            await asyncio.wait_for(asyncio.shield(inner), 1)
        except TimeoutError:
            heard.append(inner.done())
        heard.append(await inner)
        tasks = [asyncio.ensure_future(late(n)) for n in (1, 9)]
        done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        heard.append((len(done), len(waiting)))
        for task in waiting:
            task.cancel()
        heard.append(await asyncio.gather(*waiting, return_exceptions=True))
        return heard

    task = loop.spawn(None, work())
    loop.run_until(seconds(loop, 60))
    *heard, [cancelled] = task.result()
    assert heard == ["timeout", True, [3, 1, 2], False, 5, (1, 1)]
    assert isinstance(cancelled, asyncio.CancelledError)


async def test_it_runs_inside_of_another_loop_and_gives_it_back(loop: VirtualLoop) -> None:
    outer = asyncio.get_running_loop()
    inner: list[object] = []
    loop.call_soon(lambda: inner.append(asyncio.get_running_loop()))
    loop.run_until(seconds(loop, 1))
    assert inner == [loop]
    assert asyncio.get_running_loop() is outer


def test_whoever_asks_for_a_socket_gets_none(loop: VirtualLoop) -> None:
    for name in ("create_connection", "run_in_executor", "subprocess_exec", "add_reader"):
        assert not hasattr(loop, name)


def test_a_task_runs_what_the_loop_makes_of_its_work(loop: VirtualLoop) -> None:
    async def plain() -> str:
        return "plain"

    async def other() -> str:
        return "other"

    def instead(work: Coroutine[Any, Any, str]) -> Coroutine[Any, Any, str]:
        work.close()
        return other()

    loop.work_of = instead
    task = loop.spawn(None, plain())
    loop.run_until(seconds(loop, 1))
    assert task.result() == "other"


# --- errors and the end --------------------------------------------------------------------------


def test_an_error_that_nobody_caught_is_kept(loop: VirtualLoop) -> None:
    async def fails() -> None:
        raise ValueError("of a task")

    def breaks() -> None:
        raise KeyError("of a callback")

    loop.spawn(Machine("n0"), fails())
    loop.call_soon(breaks)
    loop.call_exception_handler({"message": "a complaint"})
    loop.run_until(seconds(loop, 1))
    assert sorted(str(error) for error in loop.errors) == [
        "'of a callback'",
        "a complaint",
        "of a task",
    ]


def test_what_never_ends_is_let_go_without_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    loop, left = VirtualLoop(Random(1)), list[str]()

    async def waits(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            left.append(name)

    async def never_leaves() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(3600)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loop.spawn(Machine("n0"), waits("begun"))
        loop.spawn(None, never_leaves())
        loop.run_until(seconds(loop, 1))
        loop.spawn(None, waits("not begun"))
        loop.close()
        gc.collect()
    assert left == ["begun"]
    assert loop.is_closed()
    assert not loop.is_running()
    assert (loop.errors, caplog.records) == ([], [])
