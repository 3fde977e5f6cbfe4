"""One heap and one `call_at` for everything on a node that waits for an instant.

A timer wakes, the clock decides: a callback runs once its instant is reached by the node's own
clock, never because the loop woke up (uvloop does that up to a millisecond early). Re-arming is at
least a millisecond ahead, or an early wake-up would spin. Cancelling is lazy; when most of the heap
is dead it is built anew, so its size follows what is really waited for.

The loop sleeps by its own clock. When ours leaps ahead of it (the machine was suspended, a later
instant was learnt) somebody has to say so: `catch_up`, about once a second.
"""

import asyncio
import logging
from collections.abc import Callable
from heapq import heapify, heappop, heappush

from engine.ports.clock import Clock

_log = logging.getLogger(__name__)

_REBUILD_FROM = 64


class Timer:
    """One appointment; `cancel` it when it is no longer wanted."""

    __slots__ = ("_callback", "_timers", "at_ms")

    def __init__(self, timers: "Timers", at_ms: int, callback: Callable[[], None]) -> None:
        self._timers = timers
        self.at_ms = at_ms
        self._callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Do not call; harmless when it has been called or cancelled."""
        if self._callback is not None:
            self._callback = None
            self._timers.forgotten()

    def fire(self) -> None:
        """Call, once."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()

    @property
    def waiting(self) -> bool:
        return self._callback is not None


class Timers:
    """Appointments by the node's clock. Callbacks are short and never block; one that raises stops
    nobody else."""

    def __init__(self, clock: Clock, *, yield_after_ms: float) -> None:
        self._clock = clock
        self._slice_ns = int(yield_after_ms * 1_000_000)
        self._heap: list[tuple[int, int, Timer]] = []
        self._seq = 0
        self._dead = 0
        self._handle: asyncio.Handle | None = None
        self._armed_ms = 0

    def at(self, at_ms: int, callback: Callable[[], None]) -> Timer:
        """Call back once the clock has reached `at_ms`; at the next chance if it has already."""
        timer = Timer(self, at_ms, callback)
        self._seq += 1
        heappush(self._heap, (at_ms, self._seq, timer))
        if self._heap[0][2] is timer:
            self._arm()
        return timer

    def after(self, delay_ms: int, callback: Callable[[], None]) -> Timer:
        """Call back `delay_ms` from now."""
        return self.at(self._clock.now_ms() + delay_ms, callback)

    def __len__(self) -> int:
        return len(self._heap) - self._dead

    def forgotten(self) -> None:
        """A timer was cancelled (called by the timer itself)."""
        self._dead += 1
        if self._dead > _REBUILD_FROM and self._dead * 2 > len(self._heap):
            self._heap = [row for row in self._heap if row[2].waiting]
            heapify(self._heap)
            self._dead = 0

    def catch_up(self) -> None:
        """Call who is due by our clock, even if the loop meant to sleep on."""
        if self._heap and self._heap[0][0] <= self._clock.now_ms():
            if self._handle is not None:
                self._handle.cancel()
                self._handle = None
            self._arm()

    def stop(self) -> None:
        """Call nobody any more."""
        self._heap.clear()
        self._dead = 0
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        at_ms = self._heap[0][0]
        if self._handle is not None:
            if self._armed_ms <= at_ms:
                return
            self._handle.cancel()
        self._armed_ms = at_ms
        loop, wait_ms = asyncio.get_running_loop(), at_ms - self._clock.now_ms()
        # Due already: after whatever else the loop has to do. Not yet: never an instant re-arm.
        if wait_ms <= 0:
            self._handle = loop.call_soon(self._drain)
        else:
            self._handle = loop.call_later(max(1, wait_ms) / 1000, self._drain)

    def _drain(self) -> None:
        self._handle = None
        started_ns = self._clock.mono_ns()
        while self._heap:
            at_ms, _, timer = self._heap[0]
            if timer.waiting and at_ms > self._clock.now_ms():
                break
            heappop(self._heap)
            if timer.waiting:
                self._fire(timer)
            else:
                self._dead -= 1
            if self._clock.mono_ns() - started_ns > self._slice_ns:
                break
        if self._heap:
            self._arm()

    def _fire(self, timer: Timer) -> None:
        try:
            timer.fire()
        except Exception:
            _log.exception("a timer's callback raised")
