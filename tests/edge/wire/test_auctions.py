"""Bodies and parameters about auctions: their form, and what the engine makes of them."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from edge.wire.auctions import AuctionChanges, AuctionIn, ListQuery, PlanIn, TurboIn
from engine.catalog.drafting import Asked
from engine.domain.auction import AllowedGender, Status
from engine.errors import FieldError, Invalid

NEEDED: dict[str, Any] = {
    "title": "Yoga",
    "start_price": "100.00",
    "floor_price": 10,
    "drop_amount": Decimal("5.5"),
    "start_time": "2027-01-15T08:00:00Z",
    "end_time": "2027-01-15T15:00:00.500+03:00",
}
START_MS = 1_800_000_000_000


def test_a_body_becomes_what_the_engine_is_asked() -> None:
    body = AuctionIn.model_validate(NEEDED | {"allowed_gender": "MALE", "drop_interval_mins": 2})
    assert body.asked() == Asked(
        title="Yoga",
        allowed_gender=AllowedGender.MALE,
        start_price=Decimal(100),
        floor_price=Decimal(10),
        drop_amount=Decimal("5.5"),
        drop_every_ms=120_000,
        starts_at_ms=START_MS,
        ends_at_ms=START_MS + 4 * 3_600_000 + 500,
    )
    assert body.publish is True


def test_a_change_says_only_what_it_names() -> None:
    assert AuctionChanges.model_validate({}).asked() == Asked()
    assert AuctionChanges.model_validate({"turbo_trigger_secs": 7}).asked() == Asked(
        turbo_trigger_ms=7_000
    )


@pytest.mark.parametrize("name", ["drop_interval", "turbo_trigger", "turbo_interval"])
def test_seconds_and_minutes_at_once_are_refused(name: str) -> None:
    body = AuctionChanges.model_validate({f"{name}_secs": 60, f"{name}_mins": 1})
    with pytest.raises(Invalid) as refused:
        body.asked()
    assert refused.value.errors == (FieldError(f"{name}_mins", "DUPLICATE"),)


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_what_a_sale_cannot_be_without_is_needed(name: str) -> None:
    for value in (..., None):
        body = {field: given for field, given in (NEEDED | {name: value}).items() if given != ...}
        with pytest.raises(ValidationError) as refused:
            AuctionIn.model_validate(body)
        assert [each["loc"] for each in refused.value.errors()] == [(name,)]


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (AuctionIn, NEEDED | {"colour": "red"}),
        (AuctionChanges, {"publish": True}),
        (AuctionChanges, {"studio_id": 1}),
        (AuctionIn, NEEDED | {"studio_id": "5"}),
        (AuctionIn, NEEDED | {"studio_id": True}),
        (AuctionIn, NEEDED | {"studio_id": 5.0}),
        (TurboIn, {"force": "true"}),
        (TurboIn, {"force": 1}),
        (PlanIn, {}),
        (ListQuery, {"limit": "0"}),
        (ListQuery, {"status": ["BOOKED"]}),
    ],
)
def test_other_forms_are_refused(model: type[AuctionIn], body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(body)


def test_a_query_reads_texts() -> None:
    query = ListQuery.model_validate(
        {"status": ["SOLD", "DRAFT"], "limit": "7", "include_computed": "true", "studio_id": "3"}
    )
    assert query.status == [Status.SOLD, Status.DRAFT]
    assert (query.limit, query.include_computed, query.studio_id) == (7, True, 3)
    assert ListQuery.model_validate({}).sort == "end_time"


def test_a_plan_is_asked_for() -> None:
    body = {name: NEEDED[name] for name in ("start_price", "start_time", "end_time")}
    asked = PlanIn.model_validate(
        body | {"discount_percent": 12.5, "turbo_enabled": True, "turbo_trigger_mins": 5}
    ).asked()
    assert asked.discount_percent == Decimal("12.5")
    assert asked.floor_price is None
    assert asked.turbo_trigger_ms == 300_000
