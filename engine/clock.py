"""Wall time that never goes back.

Anchored once on the system clock and carried on by the monotonic one, so that a step of the system
clock moves no price and reopens no sale. Small differences are made up at a bounded rate; a large
one is a step: it is not followed, the alarm is raised and a person decides.

The anchor dies with the process. What an earlier process has used is the high-water mark in the
database: `at_least` starts from there if the system clock was set back in between.
"""

import time
from collections.abc import Callable
from functools import partial

from engine.ports.telemetry import Silent, Telemetry


class ClockWrong(Exception):
    """The system clock cannot be right: nothing may be sold by it."""


class ClockBehind(ClockWrong):
    """It is too far behind what was already sold on."""


class ClockApart(ClockWrong):
    """It is too far from the database's."""


_boottime_ns = partial(time.clock_gettime_ns, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
"""Monotonic, suspended time included where the system can tell."""


class AnchoredClock:
    """The Clock of a running node; call `check` about once a second."""

    def __init__(
        self,
        *,
        step_ms_max: int,
        slew_ppm: int,
        ahead_ms_max: int,
        telemetry: Telemetry | None = None,
        wall_ns: Callable[[], int] = time.time_ns,
        mono_ns: Callable[[], int] = _boottime_ns,
    ) -> None:
        self._step_ms_max = step_ms_max
        self._slew_ppm = slew_ppm
        self._ahead_ms_max = ahead_ms_max
        self._telemetry = telemetry or Silent()
        self._wall_ns = wall_ns
        self.mono_ns = mono_ns
        self._anchor_mono_ns = mono_ns()
        self._anchor_wall_ns = wall_ns()
        self._said_ms = 0
        self._checked_mono_ns = self._anchor_mono_ns

    def now_ms(self) -> int:
        """Milliseconds since the epoch; never less than before."""
        wall_ns = self._anchor_wall_ns + self.mono_ns() - self._anchor_mono_ns
        now = wall_ns // 1_000_000
        if now < self._said_ms:
            return self._said_ms
        self._said_ms = now
        return now

    def at_least(self, high_water_ms: int) -> None:
        """Go on from `high_water_ms` if that is later. Raises ClockBehind beyond the bound."""
        ahead_ms = high_water_ms - self.now_ms()
        if ahead_ms <= 0:
            return
        if ahead_ms > self._ahead_ms_max:
            raise ClockBehind(
                f"The system clock is {ahead_ms / 1000:.0f} s behind the last instant this "
                "database has sold at; set it right and start again."
            )
        self._anchor_wall_ns += ahead_ms * 1_000_000
        self._telemetry.clock_off(-ahead_ms, alarm=ahead_ms > self._step_ms_max)

    def check(self) -> None:
        """Compare with the system clock, and make up for a small difference."""
        mono_ns = self.mono_ns()
        ours_ns = self._anchor_wall_ns + mono_ns - self._anchor_mono_ns
        off_ns = self._wall_ns() - ours_ns
        stepped = abs(off_ns) > self._step_ms_max * 1_000_000
        if not stepped:
            elapsed_ns = mono_ns - self._checked_mono_ns
            most_ns = elapsed_ns * self._slew_ppm // 1_000_000
            self._anchor_wall_ns += max(-most_ns, min(most_ns, off_ns))
        self._checked_mono_ns = mono_ns
        self._telemetry.clock_off(off_ns // 1_000_000, alarm=stepped)
