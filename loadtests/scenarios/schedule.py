"""Prices as a client computes them: from the schedule that the server has sent, and an instant.

Written from the contract and not from the engine, so that it can judge the engine. Pure; prices are
whole minor units, instants milliseconds since the epoch.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Fields = Mapping[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def minor(amount: str) -> int:
    """`"149.90"` in minor units."""
    whole, _, cents = amount.partition(".")
    return int(whole) * 100 + int(cents)


def decimal(amount: int) -> str:
    """Minor units as they are written on the wire."""
    return f"{amount // 100}.{amount % 100:02}"


def instant_ms(text: str) -> int:
    """`"2026-03-12T07:20:00.000Z"` in milliseconds since the epoch."""
    return (datetime.fromisoformat(text) - _EPOCH) // _MS


def instant(ms: int) -> str:
    """Milliseconds since the epoch as they are written on the wire."""
    return (_EPOCH + ms * _MS).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Drop:
    """From `from_ms` on, `amount` less at the end of every `every_ms`."""

    from_ms: int
    every_ms: int
    amount: int

    def by(self, ms: int) -> int:
        """How much less at that instant."""
        return self.amount * max(0, (ms - self.from_ms) // self.every_ms)

    def after(self, ms: int) -> int:
        """The first instant after that one at which it takes something off."""
        return self.from_ms + self.every_ms * (max(0, (ms - self.from_ms) // self.every_ms) + 1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a price falls."""

    starts_ms: int
    ends_ms: int
    start_price: int
    floor_price: int
    drops: tuple[Drop, ...]

    @classmethod
    def of(cls, fields: Fields) -> "Schedule":
        """As it travels."""
        return cls(
            instant_ms(fields["starts_at"]),
            instant_ms(fields["ends_at"]),
            minor(fields["start_price"]),
            minor(fields["floor_price"]),
            tuple(
                Drop(instant_ms(drop["from"]), drop["every_ms"], minor(drop["amount"]))
                for drop in fields["drops"]
            ),
        )

    def price_at(self, ms: int) -> int:
        """What a seat costs at an instant of the sale; before it, the start price."""
        return max(self.floor_price, self.start_price - sum(drop.by(ms) for drop in self.drops))

    def changes_after(self, ms: int) -> Iterator[int]:
        """The instants at which the price will fall, the soonest first."""
        at_ms = max(ms, self.starts_ms)
        while self.price_at(at_ms) > self.floor_price:
            at_ms = min(drop.after(at_ms) for drop in self.drops)
            if at_ms >= self.ends_ms:
                return
            yield at_ms
