"""What a studio sets for a sale: prices, drops, window, class, seats, turbo.

Plain numbers as they were asked for. Terms can be wrong: `engine.domain.rules` says how, and only
terms that break no rule have a schedule. Must never fill in defaults or mend what was sent.
"""

from dataclasses import dataclass

from engine.domain.pricing import Drop, PriceSchedule


@dataclass(frozen=True, slots=True)
class TurboTerms:
    """Near the end `amount` minor units more come off every `every_ms`, `trigger_ms` before it."""

    amount: int
    trigger_ms: int
    every_ms: int


@dataclass(frozen=True, slots=True)
class Terms:
    """Prices in minor units, instants in milliseconds since the epoch, durations in ms."""

    start_price: int
    floor_price: int
    drop_amount: int
    drop_every_ms: int
    starts_at_ms: int
    ends_at_ms: int
    class_at_ms: int
    seats: int
    turbo: TurboTerms | None

    @property
    def window_ms(self) -> int:
        """How long the sale is open."""
        return self.ends_at_ms - self.starts_at_ms

    @property
    def spread(self) -> int:
        """How far the price can fall, in minor units."""
        return self.start_price - self.floor_price

    @property
    def turbo_due_at_ms(self) -> int | None:
        """The scheduled instant of turbo, never before the sale opens; None without turbo."""
        if self.turbo is None:
            return None
        return max(self.starts_at_ms, self.ends_at_ms - self.turbo.trigger_ms)

    def schedule(self, turbo_started_at_ms: int | None = None) -> PriceSchedule:
        """Return the price as a function of time; turbo counts from its actual start, if given.

        Until turbo has started it counts from the scheduled instant, so the price never waits for
        anybody to write the start down. Raises ValueError for terms that break the rules.
        """
        drops: tuple[Drop, ...] = (Drop(self.starts_at_ms, self.drop_every_ms, self.drop_amount),)
        due_at_ms = self.turbo_due_at_ms
        if self.turbo is not None and due_at_ms is not None:
            from_ms = due_at_ms if turbo_started_at_ms is None else turbo_started_at_ms
            drops = (*drops, Drop(from_ms, self.turbo.every_ms, self.turbo.amount))
        return PriceSchedule(
            self.starts_at_ms, self.ends_at_ms, self.start_price, self.floor_price, drops
        )
