"""Bugs of timers and of the clock they go by."""

from typing import Final

from tests.mutants.mutant import Mutant, Promise

P4, P7, LIVE = Promise.P4, Promise.P7, Promise.LIVE

_TIMERS: Final = "engine/timers.py"
_CLOCK: Final = "engine/clock.py"

MUTANTS: Final = (
    Mutant(
        "A timer fires a millisecond before the clock says so",
        _TIMERS,
        "if timer.waiting and at_ms > self._clock.now_ms():",
        "if timer.waiting and at_ms - 1 > self._clock.now_ms():",
        LIVE,
    ),
    Mutant(
        "An earlier appointment does not shorten the wait",
        _TIMERS,
        "            if self._armed_ms <= at_ms:\n                return\n",
        "            return\n",
        LIVE,
    ),
    Mutant(
        "A callback that raises ends all timers",
        _TIMERS,
        "                self._fire(timer)\n",
        "                timer.fire()\n",
        LIVE,
        simulated=False,
    ),
    Mutant(
        "Cancelled timers are kept until their instant",
        _TIMERS,
        "if self._dead > _REBUILD_FROM and self._dead * 2 > len(self._heap):",
        "if self._dead > _REBUILD_FROM and self._dead > len(self._heap):",
        P7,
        simulated=False,
    ),
    Mutant(
        "A leap of the clock is slept through",
        _TIMERS,
        "if self._heap and self._heap[0][0] <= self._clock.now_ms():",
        "if self._heap and self._heap[0][0] < self._clock.mono_ns() // 1_000_000:",
        LIVE,
        ("tests/engine/test_timers.py", "tests/engine/test_node.py"),
        simulated=False,
    ),
    Mutant(
        "The clock follows a step of the system clock",
        _CLOCK,
        "        if not stepped:\n",
        "        if self._checked_mono_ns:\n",
        P4,
        simulated=False,
    ),
    Mutant(
        "A difference to the system clock is made up at once",
        _CLOCK,
        "self._anchor_wall_ns += max(-most_ns, min(most_ns, off_ns))",
        "self._anchor_wall_ns += off_ns",
        P4,
        simulated=False,
    ),
    Mutant(
        "The clock goes back by what it makes up for",
        _CLOCK,
        "        if now < self._said_ms:\n            return self._said_ms\n",
        "",
        P4,
        simulated=False,
    ),
    Mutant(
        "The clock starts behind what was sold at",
        _CLOCK,
        "        self._anchor_wall_ns += ahead_ms * 1_000_000\n",
        "",
        P4,
    ),
    Mutant(
        "Any stored instant is believed, however far ahead",
        _CLOCK,
        "if ahead_ms > self._ahead_ms_max:",
        "if ahead_ms > self._ahead_ms_max * 1_000_000:",
        P4,
        simulated=False,
    ),
)
