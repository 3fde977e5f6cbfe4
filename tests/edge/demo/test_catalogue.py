"""What the studios sell: sound, short, humane, whatever the chance."""

from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest

from edge.demo import catalogue
from edge.demo.catalogue import LESSONS, Body
from edge.demo.people import HOUSES, ZONE
from edge.wire.auctions import AuctionIn, PlanIn
from edge.wire.base import parse_instant
from engine.catalog.drafting import entered
from engine.catalog.planning import planned
from engine.domain.money import format_minor, parse_minor
from engine.domain.terms import Terms
from engine.frames import instant
from tests.edge.demo.samples import START_MS, row

SEEDS = range(60)


def offers() -> list[Body]:
    """A few of each house."""
    return [catalogue.offer(Random(seed), key, START_MS) for key in LESSONS for seed in SEEDS]


def terms_of(body: Body) -> Terms:
    """What the server makes of it, the plan included. Raises when a rule is broken."""
    if catalogue.is_planned(body):
        plan = planned(PlanIn(**catalogue.plan_of(body)).asked(), START_MS)
        turbo = plan.turbo
        answer = {
            "drop_amount": format_minor(plan.drop_amount),
            "drop_interval_secs": plan.drop_every_ms // 1_000,
            "turbo_drop_amount": None if turbo is None else format_minor(turbo.amount),
            "turbo_interval_secs": None if turbo is None else turbo.every_ms // 1_000,
        }
        body = catalogue.with_plan(body, answer)
    return entered(AuctionIn(**body).asked()).must_hold(START_MS).terms


def test_every_house_has_classes() -> None:
    assert LESSONS.keys() == {house.key for house in HOUSES}


def test_every_offer_obeys_the_rules_of_an_auction() -> None:
    for body in offers():
        terms = terms_of(body)
        assert 60_000 <= terms.window_ms <= 180_000
        assert 2_000 <= terms.drop_every_ms <= 5_000
        assert 1 <= terms.seats <= 12
        assert terms.turbo is None or 20_000 <= terms.turbo.trigger_ms <= 40_000


def test_no_floor_is_below_two_fifths_of_the_start_price() -> None:
    for body in offers():
        assert parse_minor(body["floor_price"]) * 5 >= parse_minor(body["start_price"]) * 2


def test_a_price_nearly_reaches_its_floor_by_the_end() -> None:
    for body in offers():
        terms = terms_of(body)
        last = terms.schedule().price_at(terms.ends_at_ms)
        assert last - terms.floor_price <= terms.spread * 0.3


def test_there_is_something_of_everything() -> None:
    made = offers()
    assert {body["allowed_gender"] for body in made} == {"ANY", "FEMALE"}
    assert {body["turbo_enabled"] for body in made} == {True, False}
    assert {catalogue.is_planned(body) for body in made} == {True, False}
    assert {body["seats"] for body in made} >= {1, 2, 12}


def test_the_same_chance_makes_the_same_offer() -> None:
    first, second = (catalogue.offer(Random(5), "moda", START_MS) for _ in range(2))
    assert first == second


def test_a_shorter_window_can_be_asked_for() -> None:
    bodies = [catalogue.offer(Random(seed), "moda", START_MS, 80) for seed in SEEDS]
    windows = {parse_instant(b["end_time"]) - parse_instant(b["start_time"]) for b in bodies}
    assert windows == {60_000, 70_000, 80_000}


def test_what_a_plan_leaves_open_stays_out_of_the_offer() -> None:
    plan = {
        "drop_amount": "5.00",
        "drop_interval_secs": 5,
        "turbo_drop_amount": None,
        "turbo_interval_secs": None,
        "curve": [],
    }
    assert catalogue.with_plan({"title": "Tango"}, plan) == {
        "title": "Tango",
        "drop_amount": "5.00",
        "drop_interval_secs": 5,
    }


@pytest.mark.parametrize(
    ("ends", "days"),
    [
        pytest.param("2027-01-15T06:00:00.000Z", 0, id="a sale in the morning"),
        pytest.param("2027-01-15T17:10:00.000Z", 0, id="a sale in the evening"),
        pytest.param("2027-01-15T20:45:00.000Z", 1, id="a sale around midnight"),
    ],
)
def test_a_class_is_after_its_sale_on_the_same_evening_where_that_goes(
    ends: str, days: int
) -> None:
    zone = ZoneInfo(ZONE)
    ends_ms = parse_instant(ends)
    local_end = datetime.fromtimestamp(ends_ms / 1_000, tz=UTC).astimezone(zone)
    for seed in SEEDS:
        at_ms = catalogue.class_at_ms(Random(seed), ends_ms)
        at = datetime.fromtimestamp(at_ms / 1_000, tz=UTC).astimezone(zone)
        assert at_ms - ends_ms >= 30 * 60_000
        assert (at.date() - local_end.date()).days == days
        assert at.minute in (0, 30)


def test_only_a_short_auction_can_be_one_of_ours() -> None:
    assert catalogue.is_short(row())
    long = {"start_time": instant(START_MS), "end_time": instant(START_MS + 181_000)}
    assert not catalogue.is_short({**row(), **long})
