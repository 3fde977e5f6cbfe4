"""What many ask for at once: read once, and shared while it holds.

A copy holds until this process hears of a change, the clock changes what it shows, or it is
`reads_shared_ms` old. So who changes something and then looks sees it, and however many look, the
database is asked once for all of them. Where changes never end, a copy is made anew
`reads_burst` times in a row and then once each `reads_shared_ms`: what is shown is never older.

Who asks while a copy is being made waits for it only if nothing is known to have changed since it
was begun; else for the next one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from engine.ports.clock import Clock
from engine.settings import Settings

T = TypeVar("T")

FOR_EVER_MS = 2**63
"""`until_ms` of what the clock does not change."""


@dataclass(frozen=True, slots=True)
class Copy(Generic[T]):
    """Something that was read. `until_ms`: the instant at which the clock alone changes it."""

    value: T
    until_ms: int = FOR_EVER_MS


@dataclass(frozen=True, slots=True)
class _Made(Generic[T]):
    copy: Copy[T]
    changes: Hashable
    at_ms: int


@dataclass(frozen=True, slots=True)
class _Flight(Generic[T]):
    """A copy that is being made, and what was known when it was begun."""

    task: asyncio.Task[Copy[T]]
    changes: Hashable


class Shared(Generic[T]):
    """Copies by question, at most `reads_shared_max`; those unasked for longest go."""

    def __init__(self, changes: Callable[[], Hashable], clock: Clock, settings: Settings) -> None:
        """`changes`: another value after each change that this process hears of."""
        self._changes = changes
        self._clock = clock
        self._shared_ms = settings.reads_shared_ms
        self._most = settings.reads_shared_max
        self._burst_ms = settings.reads_shared_ms * (settings.reads_burst - 1)
        self._made: dict[Hashable, _Made[T]] = {}
        self._spent_ms: dict[Hashable, int] = {}
        """When the burst of a question is whole again, for those who have a copy."""
        self._flights: dict[Hashable, _Flight[T]] = {}

    async def get(self, question: Hashable, read: Callable[[], Awaitable[Copy[T]]]) -> T:
        """The answer, perhaps one that others are given, too. Raises what `read` raises."""
        flight = self._flights.get(question)
        if flight is not None and flight.changes != self._changes():
            await asyncio.wait([flight.task])
            flight = self._flights.get(question)  # one begun after we asked, if any
        if flight is None:
            made = self._usable(question)
            if made is not None:
                return made.copy.value
            flight = self._begin(question, read)
        # Whoever hangs up does not take it from the others.
        return (await asyncio.shield(flight.task)).value

    def _usable(self, question: Hashable) -> _Made[T] | None:
        made, now_ms = self._made.pop(question, None), self._clock.now_ms()
        if made is None:
            return None
        self._made[question] = made  # asked for last
        if now_ms - made.at_ms >= self._shared_ms:
            return None
        if made.changes == self._changes() and now_ms < made.copy.until_ms:
            return made
        return made if self._spent_ms.get(question, 0) - now_ms > self._burst_ms else None

    def _begin(self, question: Hashable, read: Callable[[], Awaitable[Copy[T]]]) -> _Flight[T]:
        changes, now_ms = self._changes(), self._clock.now_ms()
        self._spent_ms[question] = max(now_ms, self._spent_ms.get(question, 0)) + self._shared_ms
        task = asyncio.ensure_future(_run(read))
        flight = self._flights[question] = _Flight(task, changes)

        def landed(task: asyncio.Task[Copy[T]]) -> None:
            del self._flights[question]
            if task.cancelled() or task.exception() is not None:
                self._spent_ms.pop(question, None)
                return
            self._made.pop(question, None)
            self._made[question] = _Made(task.result(), changes, now_ms)
            while len(self._made) > self._most:
                oldest = next(iter(self._made))
                del self._made[oldest]
                self._spent_ms.pop(oldest, None)

        task.add_done_callback(landed)
        return flight


async def _run(read: Callable[[], Awaitable[Copy[T]]]) -> Copy[T]:
    return await read()
