"""How far the server's clock is ahead of ours, from pings. Pure; milliseconds.

Our clock may be any that runs evenly, a monotonic one for instance. The exchange that took the
shortest time counts: half of what it took is the most by which it can be wrong.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exchange:
    """One ping: sent and heard by our clock, received and answered by the server's."""

    sent_ms: float
    received_ms: float
    answered_ms: float
    heard_ms: float

    @property
    def offset_ms(self) -> float:
        """The server's clock less ours."""
        return (self.received_ms - self.sent_ms + self.answered_ms - self.heard_ms) / 2

    @property
    def took_ms(self) -> float:
        """On the way, there and back."""
        return self.heard_ms - self.sent_ms - (self.answered_ms - self.received_ms)


class Offset:
    """What is known of the server's clock; nothing before the first exchange."""

    def __init__(self) -> None:
        self._best: Exchange | None = None

    def learn(self, exchange: Exchange) -> None:
        """One more exchange."""
        if self._best is None or exchange.took_ms < self._best.took_ms:
            self._best = exchange

    def server_ms(self, our_ms: float) -> float:
        """What the server's clock shows when ours shows that."""
        assert self._best is not None, "pinged first"
        return our_ms + self._best.offset_ms
