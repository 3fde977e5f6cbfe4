"""Each rule of an auction over HTTP: its code, its field, and exactly where it begins to hold."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.frames import instant
from tests.accounts import NOW_MS
from tests.edge.rest.shopfront import Shopfront, open_shopfront
from tests.shop import HOUR_MS

TURBO = {"turbo_enabled": True, "turbo_drop_amount": "2.00"}
FAST = {**TURBO, "turbo_trigger_secs": 3_600, "turbo_interval_secs": 600}
FOUR_HOURS_S = 4 * 3_600

BOUNDARIES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("RULE_PRICE_POSITIVE", "start_price", {"start_price": "0.00"}, {"start_price": "15.00"}),
    ("RULE_PRICE_POSITIVE", "floor_price", {"floor_price": "0"}, {"floor_price": "0.01"}),
    ("RULE_PRICE_POSITIVE", "drop_amount", {"drop_amount": "-1.00"}, {"drop_amount": "0.01"}),
    (
        "RULE_PRICE_POSITIVE",
        "turbo_drop_amount",
        {**FAST, "turbo_drop_amount": 0},
        {**FAST, "turbo_drop_amount": 0.01},
    ),
    ("RULE_PRICE_PRECISION", "drop_amount", {"drop_amount": "5.001"}, {"drop_amount": "5.01"}),
    ("RULE_PRICE_PRECISION", "drop_amount", {"drop_amount": 0.005}, {"drop_amount": 0.05}),
    (
        "RULE_PRICE_MAX",
        "start_price",
        {"start_price": "100000000.00"},
        {"start_price": "99999999.99"},
    ),
    (
        "RULE_FLOOR_BELOW_START",
        "floor_price",
        {"floor_price": "100.00"},
        {"floor_price": "99.99", "drop_amount": "0.01"},
    ),
    ("RULE_DROP_RANGE", "drop_amount", {"drop_amount": "90.01"}, {"drop_amount": "90.00"}),
    (
        "RULE_WINDOW_ORDER",
        "end_time",
        {"end_time": instant(NOW_MS + HOUR_MS), "start_time": instant(NOW_MS + HOUR_MS)},
        {
            "end_time": instant(NOW_MS + HOUR_MS + 1_000),
            "start_time": instant(NOW_MS + HOUR_MS),
            "drop_interval_secs": 1,
        },
    ),
    (
        "RULE_END_IN_FUTURE",
        "end_time",
        {"end_time": instant(NOW_MS), "start_time": instant(NOW_MS - HOUR_MS)},
        {"end_time": instant(NOW_MS + 1), "start_time": instant(NOW_MS - HOUR_MS)},
    ),
    (
        "RULE_INTERVAL_RANGE",
        "drop_interval_secs",
        {"drop_interval_secs": 0},
        {"drop_interval_secs": 1},
    ),
    (
        "RULE_INTERVAL_RANGE",
        "drop_interval_secs",
        {"drop_interval_secs": FOUR_HOURS_S + 1},
        {"drop_interval_secs": FOUR_HOURS_S},
    ),
    (
        "RULE_CLASS_AFTER_END",
        "scheduled_at",
        {"scheduled_at": instant(NOW_MS + 4 * HOUR_MS - 1)},
        {"scheduled_at": instant(NOW_MS + 4 * HOUR_MS)},
    ),
    (
        "RULE_TURBO_DROP_RANGE",
        "turbo_drop_amount",
        {**FAST, "turbo_drop_amount": "90.01"},
        {**FAST, "turbo_drop_amount": "90.00"},
    ),
    (
        "RULE_TURBO_INTERVAL",
        "turbo_interval_secs",
        {**FAST, "turbo_interval_secs": 1_800},
        {**FAST, "turbo_interval_secs": 1_799},
    ),
    (
        "RULE_TURBO_INTERVAL",
        "turbo_interval_secs",
        {**FAST, "turbo_interval_secs": 0},
        {**FAST, "turbo_interval_secs": 1},
    ),
    (
        "RULE_TURBO_TRIGGER",
        "turbo_trigger_secs",
        {**FAST, "turbo_trigger_secs": FOUR_HOURS_S + 1},
        {**FAST, "turbo_trigger_secs": FOUR_HOURS_S},
    ),
    (
        "RULE_TURBO_TRIGGER",
        "turbo_trigger_secs",
        {**FAST, "turbo_trigger_secs": 0},
        {**FAST, "turbo_trigger_secs": 1},
    ),
]
"""Code, field, the last form that breaks the rule, and the first that does not."""


@pytest.fixture
async def front(database: str) -> AsyncIterator[Shopfront]:
    async with open_shopfront(database) as opened:
        yield opened


async def test_each_rule_is_400_with_its_code_up_to_its_boundary(front: Shopfront) -> None:
    for code, field, broken, kept in BOUNDARIES:
        refused = await front.post("/auctions/", front.form(**broken), by=front.shop.owner)
        assert refused.status == 400, (broken, refused.body)
        assert (field, code) in refused.fields, (broken, refused.body)
        assert refused.code == refused.fields[0][1]
        made = await front.post("/auctions/", front.form(**kept), by=front.shop.owner)
        assert made.status == 201, (kept, made.body)


async def test_all_broken_rules_come_in_the_order_of_the_table(front: Shopfront) -> None:
    form = front.form(
        start_price="1000000000.001",
        floor_price="-1",
        drop_interval_secs=0,
        scheduled_at=instant(NOW_MS),
        **TURBO,
        turbo_trigger_secs=0,
    )
    refused = await front.post("/auctions/", form, by=front.shop.owner)
    assert refused.status == 400
    assert refused.code == "RULE_PRICE_POSITIVE"
    assert [code for _, code in refused.fields] == [
        "RULE_PRICE_POSITIVE",
        "RULE_PRICE_PRECISION",
        "RULE_PRICE_MAX",
        "RULE_INTERVAL_RANGE",
        "RULE_CLASS_AFTER_END",
        "RULE_TURBO_INTERVAL",
        "RULE_TURBO_TRIGGER",
    ]
