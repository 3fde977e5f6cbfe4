"""The falling price: a closed form of the schedule and the instant.

    price(t) = max(floor, start - sum over drops of amount * whole intervals since its start)

Three conventions make it exact. Money is whole minor units and time whole milliseconds, so nothing
is ever rounded. Instants are half-open: at exactly a drop the lower price holds already. The clock
stops one millisecond before the end: a drop that would fall on the end never happens, and from the
end on the price stays what it was in the last millisecond of the sale.

Steps count every drop, also those below the floor where the price no longer moves. Owns nothing
that changes; must never hold a current price, which is what would have to be kept in step.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drop:
    """`amount` minor units less at `from_ms` + every whole multiple (1, 2, ...) of `every_ms`."""

    from_ms: int
    every_ms: int
    amount: int

    def __post_init__(self) -> None:
        if self.every_ms <= 0 or self.amount <= 0:
            raise ValueError(f"a drop needs an interval and an amount above zero: {self}")


@dataclass(frozen=True, slots=True)
class Change:
    """From `at_ms` on the price is `price` (minor units), after `step` drops in all."""

    at_ms: int
    price: int
    step: int


@dataclass(frozen=True, slots=True)
class PriceSchedule:
    """All there is to know about a price. Sale from `starts_at_ms` to before `ends_at_ms`.

    The normal drop is the first of `drops`, turbo, if any, the second. What it refuses to hold
    (ValueError) is what could make a price rise, start late or never arrive.
    """

    starts_at_ms: int
    ends_at_ms: int
    start_price: int
    floor_price: int
    drops: tuple[Drop, ...]

    def __post_init__(self) -> None:
        if self.starts_at_ms >= self.ends_at_ms or self.floor_price > self.start_price:
            raise ValueError(f"a price falls from start to end: {self}")
        for drop in self.drops:
            if drop.from_ms < self.starts_at_ms:
                raise ValueError(f"a drop is counted from before the start: {self}")

    def price_at(self, t_ms: int) -> int:
        """Minor units at an instant; the start price before the start."""
        if t_ms >= self.ends_at_ms:
            t_ms = self.ends_at_ms - 1
        price = self.start_price
        for drop in self.drops:
            if t_ms > drop.from_ms:
                price -= (t_ms - drop.from_ms) // drop.every_ms * drop.amount
        return price if price > self.floor_price else self.floor_price

    def counts_at(self, t_ms: int) -> tuple[int, ...]:
        """Whole intervals that have passed, one count a drop, in the order of `drops`."""
        if t_ms >= self.ends_at_ms:
            t_ms = self.ends_at_ms - 1
        return tuple(max(0, (t_ms - drop.from_ms) // drop.every_ms) for drop in self.drops)

    def step_at(self, t_ms: int) -> int:
        """Drops that have taken effect; never falls, and goes on counting below the floor."""
        return sum(self.counts_at(t_ms))

    def next_change_after(self, t_ms: int) -> Change | None:
        """The first instant strictly after `t_ms` at which the price changes; None if none will.

        Above the floor every drop changes the price, so it is the earliest next drop, unless the
        sale is over by then. Drops that fall on one instant are one change.
        """
        if self.price_at(t_ms) == self.floor_price:
            return None
        at_ms = self.ends_at_ms
        for drop in self.drops:
            passed = max(0, (t_ms - drop.from_ms) // drop.every_ms)
            at_ms = min(at_ms, drop.from_ms + (passed + 1) * drop.every_ms)
        if at_ms >= self.ends_at_ms:
            return None
        return Change(at_ms, self.price_at(at_ms), self.step_at(at_ms))

    def curve(self, limit: int) -> Iterator[Change]:
        """Yield the opening price and then each change, at most `limit` entries in all."""
        change: Change | None = Change(self.starts_at_ms, self.start_price, 0)
        while change is not None and limit > 0:
            yield change
            limit -= 1
            change = self.next_change_after(change.at_ms)
