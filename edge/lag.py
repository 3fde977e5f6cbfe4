"""How late the event loop comes back: the one number that tells whether this process keeps up.

A timer asks for a fixed pause and looks how long it was. uvloop's own clock has whole milliseconds
only, so time is taken from the given one.
"""

import asyncio
from collections.abc import Callable
from typing import Final

EVERY_S: Final = 0.1
REMEMBERED: Final = 10
"""Pauses whose worst counts as the present lag: a second's."""


class LoopLag:
    """Measures one loop from `start` to `stop`."""

    def __init__(
        self, mono_ns: Callable[[], int], observe: Callable[[float], None] = lambda _: None
    ) -> None:
        """`observe` hears each lateness, in seconds."""
        self._mono_ns = mono_ns
        self._observe = observe
        self._recent_s = [0.0] * REMEMBERED
        self._turn = 0
        self._asked_ns = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def worst_ms(self) -> float:
        """The worst lateness of the last second."""
        return max(self._recent_s) * 1_000

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Measure from now on."""
        self._asked_ns = self._mono_ns()
        self._timer = loop.call_later(EVERY_S, self._back, loop)

    def stop(self) -> None:
        """Measure no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _back(self, loop: asyncio.AbstractEventLoop) -> None:
        late_s = max(0.0, (self._mono_ns() - self._asked_ns) / 1e9 - EVERY_S)
        self._recent_s[self._turn % REMEMBERED] = late_s
        self._turn += 1
        self._observe(late_s)
        self.start(loop)
