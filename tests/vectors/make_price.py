"""Writes price.json, the prices that every client has to agree on to the last kuruş.

The expected values come from the oracle (tests/domain/oracle.py) alone: the engine is checked
against the file like any other client, and so is the web page's TypeScript. Run it after adding a
sale: `python -m tests.vectors.make_price`. The form of the file is described inside the file.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

from tests.domain import oracle
from tests.domain.oracle import Sale, Turbo

FILE = Path(__file__).with_name("price.json")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
BOUNDARIES_MAX = 24
"""Of a sale with more boundaries the first and the last half of this many are taken."""

FORMAT = (
    "Each sale has a schedule, as it is sent over the live channel, and points.",
    "Prices are decimal strings with two places; read them as whole hundredths, never as floats.",
    "Instants are ISO-8601 UTC with milliseconds; *_ms is the same instant in ms since the epoch.",
    "drops: the first is the normal drop, the second, if any, turbo, counted from its real start.",
    "counts: whole intervals passed at min(at, ends_at - 1 ms), one a drop; step is their sum.",
    "price: max(floor_price, start_price - sum of amount * count).",
    "next: the first change of the price strictly after the point and before ends_at, or null.",
    "Numbers stay below 2^53, so a double holds each of them exactly.",
)


@dataclass(frozen=True)
class Named:
    """A sale, what it is for, and instants to look at besides its boundaries."""

    name: str
    sale: Sale
    also_ms: tuple[int, ...] = ()


def instant(text: str) -> int:
    """Milliseconds since the epoch of an ISO instant."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(milliseconds=1)


NOON_MS = instant("2026-03-01T12:00:00Z")
LEAP_YEAR_MS = instant("2028-01-01T00:00:00Z")


def sale(
    prices: tuple[str, str],
    window_ms: int,
    drop: tuple[int, str],
    turbo: tuple[int, int, str] | None = None,
    start_ms: int = NOON_MS,
) -> Sale:
    """A sale from its (start, floor), window, (every, amount), turbo (after, every, amount)."""
    return Sale(
        start_price=Fraction(prices[0]),
        floor_price=Fraction(prices[1]),
        drop=Fraction(drop[1]),
        interval_ms=drop[0],
        start_ms=start_ms,
        end_ms=start_ms + window_ms,
        turbo=turbo and Turbo(Fraction(turbo[2]), turbo[1], start_ms + turbo[0]),
    )


def named_sales() -> Iterator[Named]:
    """The sales of the file, the four of the specification first."""
    minute = MINUTE_MS
    yield Named(
        "specified: one minute before the start it is the start price",
        sale(("100", "10"), 4 * HOUR_MS, (30 * minute, "5")),
        (NOON_MS - minute,),
    )
    yield Named(
        "specified: after exactly one interval one drop",
        sale(("200", "50"), 4 * HOUR_MS, (30 * minute, "20")),
        (NOON_MS + 30 * minute,),
    )
    yield Named(
        "specified: the floor holds",
        sale(("100", "30"), 4 * HOUR_MS, (10 * minute, "25")),
        (NOON_MS + 30 * minute,),
    )
    yield Named(
        "specified: turbo adds to the normal drops",
        sale(
            ("500", "100"),
            120 * minute,
            (60 * minute, "50"),
            (90 * minute, 5 * minute, "20"),
        ),
        (NOON_MS + 105 * minute,),
    )
    yield from _boundary_sales()
    yield from _number_sales()


def _boundary_sales() -> Iterator[Named]:
    minute = MINUTE_MS
    yield Named(
        "a drop that falls on the end never happens",
        sale(("90", "10"), 60 * minute, (20 * minute, "15.50")),
    )
    yield Named(
        "the window is no multiple of the interval",
        sale(("90", "10"), 61 * minute + 1, (20 * minute, "15.50")),
    )
    yield Named(
        "the end comes one millisecond after a drop",
        sale(("90", "10"), 60 * minute + 1, (20 * minute, "15.50")),
    )
    yield Named(
        "one interval as long as the window: no drop at all",
        sale(("90", "10"), 60 * minute, (60 * minute, "15.50")),
    )
    yield Named(
        "turbo over the whole window",
        sale(("120", "20"), 60 * minute, (20 * minute, "10"), (0, 7 * minute, "3.25")),
    )
    yield Named(
        "turbo forced early, at no round instant",
        sale(
            ("300", "40"), 120 * minute, (30 * minute, "25"), (34 * minute + 567, 10 * minute, "9")
        ),
    )
    yield Named(
        "turbo so late that it has no drop",
        sale(("300", "40"), 120 * minute, (30 * minute, "25"), (115 * minute, 5 * minute, "9")),
    )
    yield Named(
        "normal and turbo drops at one instant are one change",
        sale(("300", "40"), 120 * minute, (30 * minute, "25"), (60 * minute, 10 * minute, "9")),
    )
    yield Named(
        "a normal drop at the very instant turbo starts",
        sale(("300", "40"), 120 * minute, (30 * minute, "25"), (90 * minute, 10 * minute, "9")),
    )
    yield Named(
        "the floor is met to the kuruş by the last drop",
        sale(("100", "64"), 65 * minute, (15 * minute, "9")),
    )
    yield Named(
        "the floor is reached in turbo by a drop that is cut short, and steps go on",
        sale(("100", "50"), 60 * minute, (10 * minute, "7.77"), (30 * minute, 4 * minute, "8.88")),
    )
    yield Named(
        "one drop of the whole spread",
        sale(("100", "0.01"), 60 * minute, (59 * minute, "99.99")),
    )


def _number_sales() -> Iterator[Named]:
    yield Named(
        "a drop each second, turbo each quarter of one",
        sale(("10", "1"), 20 * SECOND_MS, (SECOND_MS, "0.17"), (15 * SECOND_MS, 250, "0.03")),
    )
    yield Named(
        "a drop each millisecond",
        sale(("0.30", "0.01"), 25, (2, "0.01"), (10, 1, "0.01")),
    )
    yield Named(
        "opens and ends at instants of no round millisecond",
        sale(("45.45", "12.34"), 59_999, (7_001, "3.33"), start_ms=NOON_MS + 123),
    )
    yield Named(
        "the largest price over a leap year, a kuruş each second",
        sale(
            ("99999999.99", "0.01"),
            366 * DAY_MS,
            (SECOND_MS, "0.01"),
            start_ms=LEAP_YEAR_MS,
        ),
        also_ms=(
            LEAP_YEAR_MS + SECOND_MS,
            LEAP_YEAR_MS + 60 * DAY_MS,
            LEAP_YEAR_MS + 366 * DAY_MS - SECOND_MS,
        ),
    )
    yield Named(
        "beyond the year 2038, across midnight",
        sale(
            ("250", "75"),
            6 * HOUR_MS,
            (45 * MINUTE_MS, "12.50"),
            (4 * HOUR_MS, 15 * MINUTE_MS, "6.25"),
            start_ms=instant("2039-12-31T21:00:00Z"),
        ),
    )


def document() -> str:
    """The text of the file: one point a line, so that a change is easy to see."""
    sales = ",\n".join(_block(each) for each in named_sales())
    return f'{{\n"format": {json.dumps(FORMAT, indent=1)},\n"sales": [\n{sales}\n]\n}}\n'


def _block(named: Named) -> str:
    points = ",\n".join(_line(_point(named.sale, at_ms)) for at_ms in _instants(named))
    schedule = _line(_schedule(named.sale))
    return f'{{"name": {_line(named.name)},\n"schedule": {schedule},\n"points": [\n{points}\n]}}'


def _instants(named: Named) -> list[int]:
    """Each boundary and the millisecond on either side of it, and an hour before and after."""
    start_ms, end_ms, turbo = named.sale.start_ms, named.sale.end_ms, named.sale.turbo
    inside = oracle.boundaries(named.sale) if _is_short(named.sale) else []
    if len(inside) > BOUNDARIES_MAX:
        half = BOUNDARIES_MAX // 2
        inside = inside[:half] + inside[-half:]
    edges = [start_ms, *inside, *([turbo.started_at_ms] if turbo else []), end_ms, *named.also_ms]
    around = {edge_ms + off for edge_ms in edges for off in (-1, 0, 1)}
    return sorted(around | {start_ms - HOUR_MS, end_ms + HOUR_MS})


def _point(sale: Sale, at_ms: int) -> dict[str, object]:
    counts = oracle.n_and_m(sale, at_ms)
    # One interval of milliseconds ahead is enough: above the floor it holds the next drop.
    opened_ms = max(at_ms, sale.start_ms)
    ahead = range(opened_ms + 1, min(opened_ms + sale.interval_ms + 1, sale.end_ms))
    following = oracle.next_change(sale, at_ms, None if _is_short(sale) else ahead)
    return {
        "at": _iso(at_ms),
        "at_ms": at_ms,
        "price": _written(oracle.price(sale, at_ms)),
        "step": oracle.step(sale, at_ms),
        "counts": counts if sale.turbo else counts[:1],
        "next": following
        and {
            "at": _iso(following.at_ms),
            "at_ms": following.at_ms,
            "price": _written(following.price),
            "step": following.step,
        },
    }


def _schedule(sale: Sale) -> dict[str, object]:
    drops = [(sale.start_ms, sale.interval_ms, sale.drop)]
    if sale.turbo:
        drops.append((sale.turbo.started_at_ms, sale.turbo.interval_ms, sale.turbo.drop))
    return {
        "starts_at": _iso(sale.start_ms),
        "ends_at": _iso(sale.end_ms),
        "start_price": _written(sale.start_price),
        "floor_price": _written(sale.floor_price),
        "drops": [
            {"from": _iso(from_ms), "every_ms": every_ms, "amount": _written(amount)}
            for from_ms, every_ms, amount in drops
        ],
    }


def _is_short(sale: Sale) -> bool:
    return (sale.end_ms - sale.start_ms) // sale.interval_ms < 1_000


def _iso(at_ms: int) -> str:
    at = EPOCH + timedelta(milliseconds=at_ms)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _written(price: Fraction) -> str:
    whole, part = divmod(price * 100, 100)
    return f"{whole}.{int(part):02}"


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
