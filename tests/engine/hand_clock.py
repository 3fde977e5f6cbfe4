"""A Clock that the test moves by hand, or lets run with the loop's real time."""

import time


class HandClock:
    """Stands still until it is told to move."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self._now_ms = now_ms
        self._since_ns: int | None = None

    def now_ms(self) -> int:
        return self._now_ms + self._real_ns() // 1_000_000

    def mono_ns(self) -> int:
        return self._now_ms * 1_000_000 + self._real_ns()

    def at_least(self, high_water_ms: int) -> None:
        self._now_ms += max(0, high_water_ms - self.now_ms())

    def pass_ms(self, ms: int) -> None:
        """Move on."""
        self._now_ms += ms

    def follow_loop(self) -> None:
        """From now on run with real time."""
        self._since_ns = time.monotonic_ns()

    def _real_ns(self) -> int:
        return 0 if self._since_ns is None else time.monotonic_ns() - self._since_ns
