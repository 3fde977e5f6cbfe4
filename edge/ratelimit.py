"""Who may ask how often: token buckets by address and by user, bounded in number.

A bucket is one number (the instant at which it would be full again), so a hundred thousand cost
megabytes, and a full bucket is the same as none. Past the bound the least recently used is
forgotten: under a flood limits get milder for the quiet, never stricter.
"""

from collections.abc import Callable, Hashable
from typing import Final

from edge.addresses import rate_key
from edge.routing import Lane
from engine.errors import RateLimited
from engine.settings import Settings

_SECOND_NS: Final = 1_000_000_000
_MINUTE_NS: Final = 60 * _SECOND_NS


class Buckets:
    """One limit for many keys."""

    def __init__(
        self, *, every_ns: int, burst: int, keys_max: int, mono_ns: Callable[[], int]
    ) -> None:
        """One token each `every_ns`, at most `burst` saved up."""
        assert every_ns > 0, "a limit has a rate"
        assert burst >= 1, "a limit lets somebody through"
        self._every_ns = every_ns
        self._room_ns = every_ns * (burst - 1)
        self._keys_max = keys_max
        self._mono_ns = mono_ns
        self._full_at_ns: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._full_at_ns)

    def wait_ms(self, key: Hashable) -> int:
        """Take a token: 0 when there was one, else the milliseconds until there is."""
        now_ns = self._mono_ns()
        buckets = self._full_at_ns
        full_at_ns = buckets.pop(key, 0)
        if full_at_ns < now_ns:
            full_at_ns = now_ns
        short_ns = full_at_ns - now_ns - self._room_ns
        if short_ns > 0:
            buckets[key] = full_at_ns
            return -(-short_ns // 1_000_000)
        buckets[key] = full_at_ns + self._every_ns
        if len(buckets) > self._keys_max:
            del buckets[next(iter(buckets))]
        return 0


class RateLimits:
    """All limits of the HTTP side. `enabled=False` (RATE_LIMITS=off) counts nobody."""

    def __init__(
        self, settings: Settings, mono_ns: Callable[[], int], *, enabled: bool = True
    ) -> None:
        self._enabled = enabled
        keys_max = settings.rate_keys_max

        def buckets(every_ns: int, burst: int) -> Buckets:
            return Buckets(every_ns=every_ns, burst=burst, keys_max=keys_max, mono_ns=mono_ns)

        self._requests = buckets(
            _SECOND_NS // settings.rate_requests_per_s, settings.rate_requests_burst
        )
        self._bookings = buckets(
            _SECOND_NS // settings.rate_bookings_per_s, settings.rate_bookings_burst
        )
        self._logins = buckets(
            _MINUTE_NS // settings.rate_logins_per_min, settings.rate_logins_per_min
        )
        self._codes = buckets(
            _MINUTE_NS // settings.rate_codes_per_min, settings.rate_codes_per_min
        )

    def request(self, address: str) -> None:
        """Count any request of an address. Raises RateLimited."""
        if self._enabled and (wait_ms := self._requests.wait_ms(rate_key(address))):
            raise RateLimited(retry_after_ms=wait_ms)

    def lane(self, lane: Lane, address: str, user_id: int | None) -> None:
        """Count a call of a lane: log-ins by address, the rest by user. Raises RateLimited."""
        if not self._enabled or lane is Lane.NONE:
            return
        who: Hashable = rate_key(address) if user_id is None else user_id
        match lane:
            case Lane.BOOK:
                wait_ms = self._bookings.wait_ms(who)
            case Lane.CODE:
                wait_ms = self._codes.wait_ms(who)
            case Lane.LOGIN:
                wait_ms = self._logins.wait_ms(rate_key(address))
        if wait_ms:
            raise RateLimited(retry_after_ms=wait_ms)
