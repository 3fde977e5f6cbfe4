"""The models describe exactly what the builders build."""

from typing import Any

from openapi_schema_validator import OAS31Validator
from pydantic import BaseModel

from edge.rest.auction_fields import auction_fields, detail_fields, plan_fields, turbo_fields
from edge.wire.auction_answers import (
    AuctionAnswer,
    AuctionCreatedAnswer,
    AuctionRowAnswer,
    PlanAnswer,
    TurboTriggerAnswer,
)
from engine.catalog.auctions import Shown
from engine.domain.messages import TurboAnswer, TurboReason
from tests.edge.rest.examples import NOON_MS, listed, terms


def complaints(model: type[BaseModel], answer: Any) -> list[str]:
    schema = model.model_json_schema(by_alias=True, mode="serialization")
    return [error.message for error in OAS31Validator(schema).iter_errors(answer)]


def test_an_answer_fits_its_model() -> None:
    for turbo in (False, True):
        row = listed(turbo=turbo)
        detail = detail_fields(Shown(row, NOON_MS))
        computed = auction_fields(row, NOON_MS, computed=True)
        assert complaints(AuctionRowAnswer, computed) == []
        assert complaints(AuctionRowAnswer, auction_fields(row, NOON_MS)) == []
        assert complaints(AuctionAnswer, detail) == []
        assert complaints(AuctionCreatedAnswer, detail | {"warnings": ["TURBO_DROP_LARGE"]}) == []
        assert complaints(PlanAnswer, plan_fields(terms(turbo=turbo))) == []


def test_a_model_knows_no_field_that_is_not_built_and_none_is_built_unknown() -> None:
    built = auction_fields(listed(), NOON_MS, computed=True)
    assert set(built) == set(AuctionRowAnswer.model_fields)
    assert complaints(AuctionRowAnswer, built | {"booking_code": "HOT-2345"}) != []
    assert complaints(AuctionAnswer, built) != [], "no server_time"


def test_every_reason_of_turbo_is_described() -> None:
    for reason in TurboReason:
        answer = turbo_fields(TurboAnswer(False, reason, None, 0))
        assert complaints(TurboTriggerAnswer, answer) == []
