"""Wall time that never goes back, whatever is done to the system's clock."""

import pytest

from engine.clock import AnchoredClock, ClockBehind
from engine.ports.telemetry import Silent

HOUR_MS = 3_600_000
START_MS = 1_800_000_000_000


class Hands:
    """A system clock and a monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.wall_ns = START_MS * 1_000_000
        self.mono_ns = 5_000_000

    def pass_ms(self, ms: int) -> None:
        self.wall_ns += ms * 1_000_000
        self.mono_ns += ms * 1_000_000

    def step_wall_ms(self, ms: int) -> None:
        self.wall_ns += ms * 1_000_000


class Alarms(Silent):
    def __init__(self) -> None:
        self.heard: list[tuple[int, bool]] = []

    def clock_off(self, offset_ms: int, *, alarm: bool) -> None:
        self.heard.append((offset_ms, alarm))


def make() -> tuple[Hands, AnchoredClock, Alarms]:
    hands, alarms = Hands(), Alarms()
    clock = AnchoredClock(
        step_ms_max=1_000,
        slew_ppm=500,
        ahead_ms_max=600_000,
        telemetry=alarms,
        wall_ns=lambda: hands.wall_ns,
        mono_ns=lambda: hands.mono_ns,
    )
    return hands, clock, alarms


def test_it_tells_the_systems_time_at_first_and_goes_on_by_itself() -> None:
    hands, clock, _ = make()
    assert clock.now_ms() == START_MS
    hands.pass_ms(1_234)
    assert clock.now_ms() == START_MS + 1_234


@pytest.mark.parametrize("step_ms", [-HOUR_MS, HOUR_MS])
def test_a_step_of_the_system_clock_moves_nothing_and_raises_the_alarm(step_ms: int) -> None:
    hands, clock, alarms = make()
    hands.step_wall_ms(step_ms)
    for _ in range(10):
        hands.pass_ms(1_000)
        clock.check()
    assert clock.now_ms() == START_MS + 10_000
    assert alarms.heard[-1] == (step_ms, True)


@pytest.mark.parametrize("off_ms", [-400, 400])
def test_a_small_difference_is_made_up_slowly_and_never_backwards(off_ms: int) -> None:
    hands, clock, alarms = make()
    hands.step_wall_ms(off_ms)
    told = clock.now_ms()
    for _ in range(1_000):
        hands.pass_ms(1_000)
        clock.check()
        now = clock.now_ms()
        assert 999 <= now - told <= 1_001
        told = now
    assert abs(clock.now_ms() - (hands.wall_ns // 1_000_000)) <= 1
    assert not any(alarm for _, alarm in alarms.heard)


def test_it_goes_on_from_the_last_instant_an_earlier_process_used() -> None:
    hands, clock, alarms = make()
    clock.at_least(START_MS + 5_000)
    assert clock.now_ms() == START_MS + 5_000
    hands.pass_ms(10)
    assert clock.now_ms() == START_MS + 5_010
    assert alarms.heard == [(-5_000, True)]
    clock.at_least(START_MS)
    assert clock.now_ms() == START_MS + 5_010


def test_it_refuses_to_start_far_behind_what_was_sold() -> None:
    _, clock, _ = make()
    with pytest.raises(ClockBehind, match="3600 s behind"):
        clock.at_least(START_MS + HOUR_MS)
    assert clock.now_ms() == START_MS


def test_within_a_millisecond_it_stands_still_rather_than_go_back() -> None:
    hands, clock, _ = make()
    hands.step_wall_ms(-500)
    hands.pass_ms(1_000)
    before = clock.now_ms()
    clock.check()
    assert clock.now_ms() == before


def test_the_production_clocks_agree_with_each_other() -> None:
    clock = AnchoredClock(step_ms_max=1, slew_ppm=1, ahead_ms_max=1)
    first_ms, first_ns = clock.now_ms(), clock.mono_ns()
    assert clock.now_ms() >= first_ms
    assert clock.mono_ns() >= first_ns
    clock.check()
