"""An event loop whose time is a number, and machines on it that can stall, stop and die.

Time passes only when nothing is left to do, and a little with every step a machine takes, so a run
of minutes takes milliseconds and is the same every time. What runs on a machine carries it in its
context: a machine that stands still keeps its steps for later, one that is dead never takes them,
exactly as a process that was killed. Must never look at a real clock, a socket or a thread.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from heapq import heappop, heappush
from random import Random
from typing import Any, cast

BEGIN_MS = 1_800_000_000_000
"""The true time when a run begins, in milliseconds since the epoch."""
STEP_COST_NS = 3_000
"""A step of a machine takes this long."""
LOOK_COST_NS = 500
"""So does a look at the monotonic clock: it never stands still in the middle of a step."""
EARLY_NS_MAX = 1_000_000
"""uvloop wakes up to this much too early."""


_FIRST_NS = 1_000_000_000_000


class Machine:
    """Where a node runs. A new one for every process that is started on it."""

    __slots__ = ("alive", "held", "name", "standing", "wakes_early")

    def __init__(self, name: str, *, wakes_early: bool = False) -> None:
        self.name = name
        self.alive = True
        self.standing = False
        self.wakes_early = wakes_early
        self.held: list[Step] = []


_MACHINE: ContextVar[Machine | None] = ContextVar("machine", default=None)


class Step:
    """A callback that waits for its turn."""

    __slots__ = ("args", "callback", "context", "is_cancelled", "machine", "when_ns")

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context,
        when_ns: int = 0,
    ) -> None:
        self.callback = callback
        self.args = args
        self.context = context
        self.is_cancelled = False
        self.machine = context.get(_MACHINE)
        self.when_ns = when_ns

    def cancel(self) -> None:
        self.is_cancelled = True

    def cancelled(self) -> bool:
        return self.is_cancelled

    def when(self) -> float:
        return self.when_ns / 1e9


class VirtualLoop:
    """`run_until` an instant; `close` at the end. Errors nobody caught are in `errors`.

    As much of asyncio.AbstractEventLoop as the engine and asyncio's own tasks, futures and timeouts
    need; whoever asks for a socket, a thread or a process gets an AttributeError.
    """

    def __init__(self, rng: Random) -> None:
        self.now_ns = _FIRST_NS
        self.errors: list[BaseException | str] = []
        self.early_wakes = 0
        self.work_of: Callable[[Any], Any] = lambda work: work
        """What a task runs instead of the work it was given."""
        self._itself = cast(asyncio.AbstractEventLoop, self)
        self._rng = rng
        self._ready: deque[Step] = deque()
        self._timers: list[tuple[int, int, Step]] = []
        self._seq = 0
        self._tasks: list[tuple[asyncio.Task[Any], Any]] = []
        """Each with the work it was given, which may be wrapped and never have begun."""
        self._open = True
        self._halted = False

    # --- time ------------------------------------------------------------------------------------

    def time(self) -> float:
        return self.now_ns / 1e9

    def true_ns(self) -> int:
        """The true time since the epoch: what the database's clock shows."""
        return BEGIN_MS * 1_000_000 + self.now_ns - _FIRST_NS

    def ns_of(self, at_ms: int) -> int:
        """The loop's own time at a true instant."""
        return (at_ms - BEGIN_MS) * 1_000_000 + _FIRST_NS

    def look(self) -> int:
        """The monotonic clock of every machine, in nanoseconds."""
        self.now_ns += LOOK_COST_NS
        return self.now_ns

    def run_until(self, end_ns: int) -> None:
        """Everything that happens up to that instant."""
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(self._itself)
        ready, timers = self._ready, self._timers
        try:
            while not self._halted:
                if not ready:
                    if not timers or timers[0][0] > end_ns:
                        break
                    # Nothing else to do: time leaps to the next timer.
                    self.now_ns = max(self.now_ns, timers[0][0])
                while timers and timers[0][0] <= self.now_ns:
                    ready.append(heappop(timers)[2])
                step = ready.popleft()
                if not step.is_cancelled:
                    self._take(step)
        finally:
            asyncio._set_running_loop(outer)
        if not self._halted:
            self.now_ns = max(self.now_ns, end_ns)

    def halt(self) -> None:
        """Take no step any more."""
        self._halted = True

    def _take(self, step: Step) -> None:
        machine = step.machine
        if machine is not None:
            if not machine.alive:
                return
            if machine.standing:
                machine.held.append(step)
                return
            self.now_ns += STEP_COST_NS
        try:
            step.context.run(step.callback, *step.args)
        except Exception as error:
            self.errors.append(error)

    # --- machines --------------------------------------------------------------------------------

    def stand_still(self, machine: Machine) -> None:
        """It takes no step until it goes on."""
        machine.standing = True

    def go_on(self, machine: Machine) -> None:
        """It takes the steps it has missed, all at once."""
        machine.standing = False
        self._ready.extend(machine.held)
        machine.held.clear()

    def kill(self, machine: Machine) -> None:
        """Nothing of it ever goes on."""
        machine.alive = False
        machine.held.clear()

    def spawn(self, machine: Machine | None, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run this on a machine; on None: outside of all. What it raises is an error."""
        task = self.create_task(work, context=on(machine))
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        error = task.exception()
        if error is not None:
            self.errors.append(error)

    # --- what asyncio asks of a loop -------------------------------------------------------------

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        step = Step(callback, args, context or copy_context())
        self._ready.append(step)
        return step

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Any:
        return self.at_ns(self.now_ns + round(delay * 1e9), callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Any:
        return self.at_ns(round(when * 1e9), callback, *args, context=context)

    def at_ns(
        self,
        when_ns: int,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Step:
        """`call_at`, without a rounding error."""
        step = Step(callback, args, context or copy_context(), when_ns)
        if step.machine is not None and step.machine.wakes_early and when_ns > self.now_ns:
            self.early_wakes += 1
            when_ns = max(self.now_ns, when_ns - self._rng.randrange(EARLY_NS_MAX))
        self._seq += 1
        heappush(self._timers, (when_ns, self._seq, step))
        return step

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self._itself)

    def create_task(
        self,
        coro: Any,
        *,
        name: object = None,
        context: Context | None = None,
    ) -> "asyncio.Task[Any]":
        task = asyncio.Task(
            self.work_of(coro), loop=self._itself, name="simulated", context=context
        )
        self._tasks.append((task, coro))
        if len(self._tasks) > 4_096:
            self._tasks = [each for each in self._tasks if not each[0].done()]
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self._open

    def is_closed(self) -> bool:
        return not self._open

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        # What a dead machine leaves behind is nobody's error.
        if self._open and not isinstance(context.get("future"), asyncio.Future):
            self.errors.append(context.get("exception") or str(context["message"]))

    def close(self) -> None:
        """Let go of whatever never came to an end."""
        self._open = False
        for task, given in self._tasks:
            if task.done():
                continue
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            for work in (task.get_coro(), given):
                # It may want to go on cleaning up for ever.
                with suppress(RuntimeError):
                    work.close()
        self._tasks.clear()
        self._ready.clear()
        self._timers.clear()


def on(machine: Machine | None) -> Context:
    """A context in which everything runs on that machine."""
    context = copy_context()
    context.run(_MACHINE.set, machine)
    return context
