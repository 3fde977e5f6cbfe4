"""Answers about auctions, folded with the clock at one instant."""

from dataclasses import replace

import pytest

from edge.rest.auction_fields import auction_fields, detail_fields, plan_fields, price_reason
from engine.catalog.auctions import Shown
from engine.domain.auction import Status
from engine.domain.terms import Terms
from engine.ports.auctions import Listed
from tests.edge.rest.examples import HOUR_MS, MINUTE_MS, NOON_MS, listed, terms


def test_status_price_and_step_are_those_of_the_instant() -> None:
    row = listed(status=Status.SCHEDULED)
    for at_ms, status, price, step in [
        (NOON_MS - 1, "SCHEDULED", "500.00", 0),
        (NOON_MS, "ACTIVE", "500.00", 0),
        (NOON_MS + HOUR_MS - 1, "ACTIVE", "500.00", 0),
        (NOON_MS + HOUR_MS, "ACTIVE", "450.00", 1),
        (NOON_MS + 2 * HOUR_MS, "EXPIRED", "450.00", 1),
    ]:
        fields = auction_fields(row, at_ms)
        told = (fields["status"], fields["current_price"], fields["step"])
        assert told == (status, price, step), at_ms


def test_durations_come_in_seconds_and_in_minutes_where_those_are_whole() -> None:
    odd = replace(terms(), drop_every_ms=90_000)
    fields = auction_fields(listed(terms=odd), NOON_MS)
    assert (fields["drop_interval_secs"], fields["drop_interval_mins"]) == (90, None)
    assert (fields["turbo_trigger_secs"], fields["turbo_trigger_mins"]) == (None, None)
    fast = auction_fields(listed(turbo=True), NOON_MS)
    assert (fast["turbo_trigger_secs"], fast["turbo_trigger_mins"]) == (1_800, 30)
    assert (fast["turbo_interval_secs"], fast["turbo_interval_mins"]) == (300, 5)


def test_turbo_that_is_due_is_told_before_it_is_written_down() -> None:
    row, due_ms = listed(turbo=True), NOON_MS + 90 * MINUTE_MS
    assert auction_fields(row, due_ms - 1)["turbo_started_at"] is None
    assert auction_fields(row, due_ms)["turbo_started_at"] == "2026-01-01T13:30:00.000Z"


def test_the_instant_itself_is_told_beside_one_sale() -> None:
    fields = detail_fields(Shown(listed(), NOON_MS + 1))
    assert fields["server_time"] == "2026-01-01T12:00:00.001Z"


def floored() -> Terms:
    return replace(terms(turbo=True), floor_price=45_000)


@pytest.mark.parametrize(
    ("row", "minutes", "reason"),
    [
        (listed(status=Status.DRAFT), 30, "not_started"),
        (listed(status=Status.SCHEDULED), -1, "not_started"),
        (listed(status=Status.SCHEDULED), 0, "active"),
        (listed(), 30, "active"),
        (listed(turbo=True), 89, "active"),
        (listed(turbo=True), 90, "turbo"),
        (listed(turbo=True, turbo_started_at_ms=NOON_MS + 10 * MINUTE_MS), 11, "turbo"),
        (listed(terms=floored()), 60, "floor_reached"),
        (listed(terms=floored()), 95, "floor_reached"),
        (listed(terms=floored()), 120, "expired"),
        (listed(status=Status.EXPIRED), 120, "expired"),
        (listed(status=Status.SOLD, frozen_at_ms=NOON_MS), 30, "sold"),
        (listed(status=Status.SOLD, frozen_at_ms=NOON_MS), 130, "sold"),
        (listed(status=Status.CANCELLED, frozen_at_ms=NOON_MS), 30, "cancelled"),
    ],
)
def test_the_reason_that_says_most_is_told(row: Listed, minutes: int, reason: str) -> None:
    assert price_reason(row.auction, NOON_MS + minutes * MINUTE_MS) == reason


def test_drops_are_counted_apart() -> None:
    computed = auction_fields(listed(turbo=True), NOON_MS + 105 * MINUTE_MS, computed=True)
    assert computed["computedPrice"] == "390.00"
    details = computed["priceDetails"]
    assert (details["normal_drops"], details["turbo_drops"]) == (1, 3)


def test_a_plan_shows_how_the_price_will_fall() -> None:
    curve = plan_fields(terms())["curve"]
    assert curve == [
        {"at": "2026-01-01T12:00:00.000Z", "price": "500.00"},
        {"at": "2026-01-01T13:00:00.000Z", "price": "450.00"},
    ]
