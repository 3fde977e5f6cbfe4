"""How far two clocks on one machine may be apart, from questions and answers. Pure.

The server's clock was read between a question's sending and its answer's arrival, and what it says
is cut to whole milliseconds. Each exchange so bounds the difference from both sides; together many
bound it far more narrowly than any one.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exchange:
    """By our clock, in milliseconds: when we asked and heard; by the server's: what it said."""

    asked_ms: float
    said_ms: int
    heard_ms: float


@dataclass(frozen=True, slots=True)
class Bounds:
    """The server's clock minus ours is between these, in milliseconds."""

    low_ms: float
    high_ms: float

    @property
    def possible(self) -> bool:
        """No: the clocks ran at different speeds meanwhile."""
        return self.low_ms <= self.high_ms

    @property
    def worst_ms(self) -> float:
        """They are no further apart than this."""
        return max(abs(self.low_ms), abs(self.high_ms))


def bounds(exchanges: Iterable[Exchange]) -> Bounds:
    """What all of them allow; at least one is needed."""
    each = list(exchanges)
    return Bounds(
        max(exchange.said_ms - exchange.heard_ms for exchange in each),
        min(exchange.said_ms + 1 - exchange.asked_ms for exchange in each),
    )
