"""Time, as an argument."""

from typing import Protocol


class Clock(Protocol):
    """Wall time anchored on the monotonic clock: it never goes back, whatever is done to the
    system's clock."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC. Never less than an earlier answer."""

    def mono_ns(self) -> int:
        """Nanoseconds of a clock that only goes forward, suspended time included; for durations."""

    def at_least(self, high_water_ms: int) -> None:
        """Never answer less than this from now on: an earlier process has used that instant."""
