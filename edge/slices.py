"""Long work on the event loop, in slices that let everybody else in between.

Works are generators that yield after every small step. They take turns step by step, so a short one
never waits for a long one to finish, and after `yield_after_ms` the loop gets its turn: a booking
never waits behind a fan-out.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator

from engine.ports.clock import Clock

_log = logging.getLogger(__name__)


class Slices:
    """Runs works in the order they were added, a step each in turn, without a task."""

    def __init__(self, clock: Clock, *, yield_after_ms: float) -> None:
        self._clock = clock
        self._slice_ns = int(yield_after_ms * 1_000_000)
        self._works: deque[Iterator[None]] = deque()
        self._handle: asyncio.Handle | None = None

    def add(self, work: Iterator[None]) -> None:
        """Run `work`, from the loop's next turn on. Its steps must be short."""
        self._works.append(work)
        if self._handle is None:
            self._handle = asyncio.get_running_loop().call_soon(self._run)

    def stop(self) -> None:
        """Drop all works."""
        self._works.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _run(self) -> None:
        # The handle stays until the end: what a step adds needs no second call.
        until_ns = self._clock.mono_ns() + self._slice_ns
        works = self._works
        while works:
            work = works.popleft()
            if self._step(work):
                works.append(work)
            if self._clock.mono_ns() >= until_ns:
                break
        self._handle = asyncio.get_running_loop().call_soon(self._run) if works else None

    @staticmethod
    def _step(work: Iterator[None]) -> bool:
        """Is there more of it? A work that breaks ends alone."""
        try:
            next(work)
        except StopIteration:
            return False
        except Exception:
            _log.exception("a work on the loop broke")
            return False
        return True
