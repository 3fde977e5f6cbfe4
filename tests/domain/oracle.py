"""A second opinion on prices: exact fractions, straight from the sentence that defines them.

    price(t) = max(floor_price, start_price - drop * n - turbo_drop * m)

n counts whole intervals since the start of the sale, m whole turbo intervals since turbo started,
both from zero up; normal drops go on during turbo. Time stands still one millisecond before the
end. Slow on purpose and written apart from the engine, of which it must never import anything.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import floor


@dataclass(frozen=True)
class Turbo:
    """Prices in major units (149.90 is 1499/10), durations and instants in milliseconds."""

    drop: Fraction
    interval_ms: int
    started_at_ms: int


@dataclass(frozen=True)
class Sale:
    """What the sentence speaks of."""

    start_price: Fraction
    floor_price: Fraction
    drop: Fraction
    interval_ms: int
    start_ms: int
    end_ms: int
    turbo: Turbo | None = None


@dataclass(frozen=True)
class Expected:
    """A price that holds from an instant on."""

    at_ms: int
    price: Fraction
    step: int


def n_and_m(sale: Sale, t_ms: int) -> tuple[int, int]:
    """The two counts of the sentence; m is 0 without turbo."""
    clock = min(t_ms, sale.end_ms - 1)
    n = _whole_intervals(sale.start_ms, clock, sale.interval_ms)
    if sale.turbo is None:
        return n, 0
    return n, _whole_intervals(sale.turbo.started_at_ms, clock, sale.turbo.interval_ms)


def price(sale: Sale, t_ms: int) -> Fraction:
    """The price at an instant, in major units."""
    n, m = n_and_m(sale, t_ms)
    fallen = sale.drop * n
    if sale.turbo is not None:
        fallen += sale.turbo.drop * m
    return max(sale.floor_price, sale.start_price - fallen)


def step(sale: Sale, t_ms: int) -> int:
    """All drops that have taken effect, those below the floor too."""
    return sum(n_and_m(sale, t_ms))


def boundaries(sale: Sale) -> list[int]:
    """Every instant inside the sale at which an interval is complete, in order, each once."""
    found = set(_completed(sale.start_ms, sale.interval_ms, sale.end_ms))
    if sale.turbo is not None:
        turbo = sale.turbo
        found |= set(_completed(turbo.started_at_ms, turbo.interval_ms, sale.end_ms))
    return sorted(found)


def next_change(sale: Sale, t_ms: int, candidates: Iterable[int] | None = None) -> Expected | None:
    """The first instant after `t_ms` whose price is not that of the millisecond before it.

    Looks at each of `candidates`: the boundaries, or every millisecond for one who trusts nobody.
    """
    for at_ms in boundaries(sale) if candidates is None else candidates:
        if at_ms > t_ms and price(sale, at_ms) != price(sale, at_ms - 1):
            return Expected(at_ms, price(sale, at_ms), step(sale, at_ms))
    return None


def _whole_intervals(since_ms: int, clock_ms: int, interval_ms: int) -> int:
    return max(0, floor(Fraction(clock_ms - since_ms, interval_ms)))


def _completed(since_ms: int, interval_ms: int, end_ms: int) -> Iterator[int]:
    at_ms = since_ms + interval_ms
    while at_ms < end_ms:
        yield at_ms
        at_ms += interval_ms
