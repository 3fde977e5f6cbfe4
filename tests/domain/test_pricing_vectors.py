"""The shared file of prices: it is what the oracle says, and what the engine says."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from engine.domain.money import format_minor, parse_minor
from engine.domain.pricing import Change, Drop, PriceSchedule
from tests.vectors import make_price

SALES: list[dict[str, Any]] = json.loads(make_price.FILE.read_text(encoding="utf-8"))["sales"]


def schedule_of(wire: dict[str, Any]) -> PriceSchedule:
    """Read a schedule as any client of the live channel would."""
    return PriceSchedule(
        starts_at_ms=make_price.instant(wire["starts_at"]),
        ends_at_ms=make_price.instant(wire["ends_at"]),
        start_price=parse_minor(wire["start_price"]),
        floor_price=parse_minor(wire["floor_price"]),
        drops=tuple(
            Drop(make_price.instant(drop["from"]), drop["every_ms"], parse_minor(drop["amount"]))
            for drop in wire["drops"]
        ),
    )


def change_of(wire: dict[str, Any] | None) -> Change | None:
    if wire is None:
        return None
    assert make_price.instant(wire["at"]) == wire["at_ms"]
    return Change(wire["at_ms"], parse_minor(wire["price"]), wire["step"])


def test_the_file_is_what_the_oracle_says() -> None:
    written = make_price.FILE.read_text(encoding="utf-8")
    assert written == make_price.document(), "run python -m tests.vectors.make_price"


@pytest.mark.parametrize("sale", SALES, ids=lambda sale: sale["name"])
def test_the_engine_agrees_at_every_point(sale: dict[str, Any]) -> None:
    schedule = schedule_of(sale["schedule"])
    assert sale["points"]
    for point in sale["points"]:
        at_ms = point["at_ms"]
        assert make_price.instant(point["at"]) == at_ms
        assert format_minor(schedule.price_at(at_ms)) == point["price"], point["at"]
        assert schedule.step_at(at_ms) == point["step"], point["at"]
        assert list(schedule.counts_at(at_ms)) == point["counts"], point["at"]
        assert schedule.next_change_after(at_ms) == change_of(point["next"]), point["at"]


@pytest.mark.parametrize(
    ("number", "after_start", "price", "counts"),
    [
        (0, timedelta(minutes=-1), "100.00", [0]),
        (1, timedelta(minutes=30), "180.00", [1]),
        (2, timedelta(minutes=30), "30.00", [3]),
        (3, timedelta(minutes=105), "390.00", [1, 3]),
    ],
)
def test_the_four_specified_prices_are_in_the_file(
    number: int, after_start: timedelta, price: str, counts: list[int]
) -> None:
    sale = SALES[number]
    at = datetime.fromisoformat(sale["schedule"]["starts_at"]) + after_start
    points = {datetime.fromisoformat(point["at"]): point for point in sale["points"]}
    assert points[at]["price"] == price
    assert points[at]["counts"] == counts


def test_the_names_tell_the_sales_apart_and_the_numbers_fit_a_double() -> None:
    assert len({sale["name"] for sale in SALES}) == len(SALES)
    assert max(point["at_ms"] for sale in SALES for point in sale["points"]) < 2**53
