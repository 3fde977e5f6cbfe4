"""The growing pause after failed log-ins, by account and the network they come from.

Guessing from one network gets slower and slower, while the true owner, who sits in another, never
notices; in the guesser's own network the owner waits as long as he does, at most half a minute.
Unknown addresses are counted like known ones. Lives in this process's memory: a restart forgives.
Must never lock anybody out, and never grow past its bound.
"""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final

from engine.errors import RateLimited
from engine.ports.clock import Clock
from engine.settings import Settings

FREE_FAILURES: Final = 3
"""A person mistypes this often before anything is slowed down."""
FORGIVEN_AFTER_MS: Final = 900_000
_NETWORK_BITS: Final = {4: 24, 6: 56}


@dataclass(slots=True)
class _Failures:
    count: int
    last_ms: int


class LoginDelays:
    """Ask `admit` before a password is looked at; it counts a failure until `succeeded` or
    `withdraw` says otherwise, so that guesses made at once are counted as well."""

    def __init__(self, clock: Clock, settings: Settings, *, enabled: bool = True) -> None:
        self._clock = clock
        self._delay_s_max = settings.login_delay_s_max
        self._pairs_max = settings.login_delays_max
        self._enabled = enabled
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def admit(self, email: str, address: str) -> None:
        """Count an attempt. Raises RateLimited, and counts nothing, while the pause lasts."""
        if not self._enabled:
            return
        pair = (email, network_of(address))
        now_ms = self._clock.now_ms()
        failures = self._failures.get(pair)
        if failures is None or now_ms - failures.last_ms >= FORGIVEN_AFTER_MS:
            failures = self._failures[pair] = _Failures(0, now_ms)
        wait_ms = failures.last_ms + self._pause_ms(failures.count) - now_ms
        if wait_ms > 0:
            raise RateLimited(retry_after_ms=wait_ms)
        failures.count += 1
        failures.last_ms = now_ms
        self._failures.move_to_end(pair)
        if len(self._failures) > self._pairs_max:
            self._failures.popitem(last=False)

    def succeeded(self, email: str, address: str) -> None:
        """It was the password: the next mistake is a first one again."""
        self._failures.pop((email, network_of(address)), None)

    def withdraw(self, email: str, address: str) -> None:
        """The attempt was never judged."""
        failures = self._failures.get((email, network_of(address)))
        if failures is not None:
            failures.count -= 1

    def _pause_ms(self, failures: int) -> int:
        """1 s after the last free failure, twice as long after each further one."""
        if failures < FREE_FAILURES:
            return 0
        doublings = min(failures - FREE_FAILURES, self._delay_s_max.bit_length())
        return min(1 << doublings, self._delay_s_max) * 1_000


def network_of(address: str) -> str:
    """The /24 or /56 an address is in; itself if it is none (a unix socket's)."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = getattr(ip, "ipv4_mapped", None)
    ip = mapped or ip
    return str(ip_network((ip, _NETWORK_BITS[ip.version]), strict=False))
