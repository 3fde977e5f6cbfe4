"""A rate with a burst, in one number a counted thing.

The number is the instant at which a steady caller would be due again. It runs ahead of the clock by
one interval a call and may be ahead by a burst; idle time brings it back. Nothing ticks, nothing is
kept but that number, so a socket's three limits are three floats.
"""

FRESH = 0.0
"""The number of whoever has not called yet."""


class Pace:
    """At most `count` in `per_ms` milliseconds, `burst` of them at once."""

    __slots__ = ("_ahead_ms", "_interval_ms")

    def __init__(self, count: int, per_ms: int, burst: int) -> None:
        self._interval_ms = per_ms / count
        self._ahead_ms = (burst - 1) * self._interval_ms

    def take(self, due_ms: float, now_ms: int) -> tuple[float, int]:
        """Count one call at `now_ms`: the next number, and 0; or the same number, and the whole
        milliseconds to wait."""
        ahead_ms = due_ms - now_ms
        if ahead_ms > self._ahead_ms:
            return due_ms, int(ahead_ms - self._ahead_ms) + 1
        return max(due_ms, now_ms) + self._interval_ms, 0
