"""How late the loop comes back is noticed, and forgotten again."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, cast

from edge.lag import EVERY_S, REMEMBERED, LoopLag

MS = 1_000_000


class HandLoop:
    """A loop that runs a timer when told, as late as told."""

    def __init__(self) -> None:
        self.now_ns = 1_000 * MS
        self.waiting: list[Callable[[], None]] = []

    def call_later(self, delay_s: float, callback: Callable[..., None], *args: Any) -> Any:
        assert delay_s == EVERY_S
        self.waiting = [lambda: callback(*args)]
        return _Handle(self)

    def back(self, late_ms: int) -> None:
        self.now_ns += round(EVERY_S * 1_000) * MS + late_ms * MS
        (timer,) = self.waiting
        timer()


class _Handle:
    def __init__(self, loop: HandLoop) -> None:
        self._loop = loop

    def cancel(self) -> None:
        self._loop.waiting = []


def started() -> tuple[HandLoop, LoopLag, list[float]]:
    heard: list[float] = []
    loop = HandLoop()
    lag = LoopLag(lambda: loop.now_ns, heard.append)
    lag.start(cast(asyncio.AbstractEventLoop, loop))
    return loop, lag, heard


def test_the_worst_of_the_last_second_counts() -> None:
    loop, lag, heard = started()
    assert lag.worst_ms == 0
    for late_ms in (1, 40, 3):
        loop.back(late_ms)
    assert round(lag.worst_ms) == 40
    assert [round(each * 1_000) for each in heard] == [1, 40, 3]
    for _ in range(REMEMBERED):
        loop.back(2)
    assert round(lag.worst_ms) == 2


def test_a_timer_that_fires_early_is_not_late() -> None:
    loop, lag, heard = started()
    loop.back(-1)
    assert (lag.worst_ms, heard) == (0, [0.0])


def test_after_stop_nothing_is_measured() -> None:
    loop, lag, _ = started()
    lag.stop()
    assert loop.waiting == []


async def test_on_a_real_loop_a_blocked_moment_shows() -> None:
    lag = LoopLag(time.monotonic_ns)
    lag.start(asyncio.get_running_loop())
    until_s = time.monotonic() + 0.25
    while time.monotonic() < until_s:  # the very thing that must not happen
        pass
    for _ in range(1_000):
        await asyncio.sleep(0.001)
        if lag.worst_ms:
            break
    lag.stop()
    assert lag.worst_ms > 100
