"""Token buckets: how many at once, how many a second, and how many are remembered."""

import pytest

from edge.ratelimit import Buckets, RateLimits
from edge.routing import Lane
from engine.errors import RateLimited
from engine.settings import Settings

MS = 1_000_000


class Clock:
    """A monotonic clock that goes when told."""

    def __init__(self) -> None:
        self.ns = 5 * 1_000 * MS

    def __call__(self) -> int:
        return self.ns

    def after_ms(self, ms: int) -> None:
        self.ns += ms * MS


@pytest.fixture
def clock() -> Clock:
    return Clock()


def buckets(clock: Clock, *, keys_max: int = 10) -> Buckets:
    return Buckets(every_ns=100 * MS, burst=3, keys_max=keys_max, mono_ns=clock)


def test_a_burst_is_let_through_and_then_one_each_interval(clock: Clock) -> None:
    limit = buckets(clock)
    assert [limit.wait_ms("a") for _ in range(4)] == [0, 0, 0, 100]
    clock.after_ms(99)
    assert limit.wait_ms("a") == 1
    clock.after_ms(1)
    assert limit.wait_ms("a") == 0
    assert limit.wait_ms("a") == 100


def test_who_is_refused_does_not_wait_longer_for_asking(clock: Clock) -> None:
    limit = buckets(clock)
    assert [limit.wait_ms("a") for _ in range(20)][3:] == [100] * 17


def test_no_more_than_a_burst_is_saved_up(clock: Clock) -> None:
    limit = buckets(clock)
    limit.wait_ms("a")
    clock.after_ms(3_600_000)
    assert [limit.wait_ms("a") for _ in range(4)] == [0, 0, 0, 100]


def test_keys_do_not_know_of_each_other(clock: Clock) -> None:
    limit = buckets(clock)
    for _ in range(4):
        limit.wait_ms("a")
    assert limit.wait_ms("b") == 0


def test_the_longest_unheard_of_is_forgotten_first(clock: Clock) -> None:
    limit = buckets(clock, keys_max=2)
    for key in ("busy", "busy", "busy", "quiet", "busy", "new"):
        limit.wait_ms(key)
    assert len(limit) == 2
    assert limit.wait_ms("busy") == 100


def refused_ms(limits: RateLimits, lane: Lane, address: str, user_id: int | None) -> int:
    for _ in range(1_000):
        try:
            limits.lane(lane, address, user_id)
        except RateLimited as error:
            return error.retry_after_ms
    return 0


def test_addresses_are_counted_for_everything(clock: Clock) -> None:
    limits = RateLimits(Settings(rate_requests_per_s=10, rate_requests_burst=2), clock)
    limits.request("203.0.113.7")
    limits.request("203.0.113.7")
    with pytest.raises(RateLimited) as caught:
        limits.request("203.0.113.7")
    assert caught.value.retry_after_ms == 100
    limits.request("203.0.113.8")


def test_presses_and_codes_are_counted_by_user_wherever_he_is(clock: Clock) -> None:
    limits = RateLimits(Settings(), clock)
    for lane in (Lane.BOOK, Lane.CODE):
        assert refused_ms(limits, lane, "203.0.113.7", 7) > 0
        with pytest.raises(RateLimited):
            limits.lane(lane, "198.51.100.9", 7)
        limits.lane(lane, "203.0.113.7", 8)


def test_log_ins_are_counted_by_address_whoever_it_is(clock: Clock) -> None:
    limits = RateLimits(Settings(rate_logins_per_min=30), clock)
    assert refused_ms(limits, Lane.LOGIN, "203.0.113.7", None) == 2_000
    with pytest.raises(RateLimited):
        limits.lane(Lane.LOGIN, "203.0.113.7", 7)
    limits.lane(Lane.LOGIN, "198.51.100.9", None)


def test_a_route_without_a_lane_is_not_counted(clock: Clock) -> None:
    assert refused_ms(RateLimits(Settings(), clock), Lane.NONE, "203.0.113.7", 7) == 0


def test_switched_off_nobody_is_counted(clock: Clock) -> None:
    limits = RateLimits(Settings(rate_requests_burst=1), clock, enabled=False)
    for _ in range(10):
        limits.request("203.0.113.7")
    assert refused_ms(limits, Lane.BOOK, "203.0.113.7", 7) == 0
