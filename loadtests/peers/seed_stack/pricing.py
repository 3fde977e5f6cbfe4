"""The price as a function of schedule and instant. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Schedule:
    """Prices in minor units."""

    start_price: int
    floor_price: int
    drop_amount: int
    drop_every_ms: int
    starts_at: datetime
    ends_at: datetime

    def live_at(self, now: datetime) -> bool:
        """It has begun and is not over."""
        return self.starts_at <= now < self.ends_at

    def price_at(self, now: datetime) -> int:
        """What a seat costs then."""
        return max(self.floor_price, self.start_price - self.drop_amount * self._drops_by(now))

    def next_drop_at(self, now: datetime) -> datetime:
        """The first instant after now at which the schedule has a drop."""
        every = timedelta(milliseconds=self.drop_every_ms)
        return self.starts_at + (self._drops_by(now) + 1) * every

    def _drops_by(self, now: datetime) -> int:
        return max(0, (now - self.starts_at) // timedelta(milliseconds=self.drop_every_ms))


def decimal(minor: int) -> str:
    """12345 -> 123.45"""
    return f"{minor // 100}.{minor % 100:02d}"
