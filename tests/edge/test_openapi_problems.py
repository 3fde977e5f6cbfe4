"""Each route lists the problems it can answer, exactly, and these look as described."""

from dataclasses import replace
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from edge import problems
from edge.openapi import document
from edge.openapi_problems import errors_of, members_of, name_of
from edge.problems import TABLE
from edge.routing import Access, Call, Lane, Reply, Route
from edge.wire.base import Body
from engine import errors
from tests.edge.samples import SAMPLES


class Empty(Body):
    pass


async def nothing(_: Call) -> Reply:
    return Reply()


PLAIN = Route(
    method="GET", path="/x", handler=nothing, access=Access.PUBLIC, summary="", tag="test"
)
EVERY = replace(PLAIN, codes=tuple(TABLE))


def codes(route: Route) -> set[str]:
    return {error.code for error in errors_of(route)}


def added(**changes: Any) -> set[str]:
    """What a property of a route adds to what a plain route can answer."""
    return codes(replace(PLAIN, **changes)) - codes(PLAIN)


def test_what_every_route_can_answer() -> None:
    assert codes(PLAIN) == {
        "AUTH_INVALID",
        "AUTH_EXPIRED",
        "UNSUPPORTED_MEDIA_TYPE",
        "VALIDATION",
        "RATE_LIMITED",
        "INTERNAL",
        "BUSY",
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"path": "/x/{x_id}"}, {"NOT_FOUND"}),
        ({"body": Empty}, {"PAYLOAD_TOO_LARGE", "REQUEST_TIMEOUT"}),
        ({"access": Access.USER}, {"AUTH_REQUIRED"}),
        ({"access": Access.STAFF}, {"AUTH_REQUIRED", "FORBIDDEN"}),
        ({"remembers_key": True}, {"KEY_REUSED"}),
        ({"lane": Lane.BOOK}, {"KEY_REUSED", "UNKNOWN_OUTCOME"}),
        ({"codes": (errors.Sold, errors.Stale)}, {"SOLD", "STALE"}),
    ],
)
def test_what_else_follows_from_its_properties(changes: dict[str, Any], expected: set[str]) -> None:
    assert added(**changes) == expected


def test_responses_are_grouped_by_status_and_every_code_is_named() -> None:
    responses = document([EVERY])["paths"]["/x"]["get"]["responses"]
    for error, row in TABLE.items():
        response = responses[str(row.status)]
        assert f"`{error.code}`" in response["description"]
        schema = response["content"]["application/problem+json"]["schema"]
        references = [each["$ref"] for each in schema.get("oneOf", [schema])]
        assert f"#/components/schemas/{name_of(error)}" in references


def test_retryable_ones_promise_their_header() -> None:
    responses = document([EVERY])["paths"]["/x"]["get"]["responses"]
    promised = {
        status for status, each in responses.items() if "Retry-After" in each.get("headers", ())
    }
    assert promised == {"429", "500", "503"}


@pytest.mark.parametrize("code", SAMPLES)
@pytest.mark.parametrize("language", ["tr", "en"])
def test_real_problems_are_as_described(code: str, language: Any) -> None:
    error = SAMPLES[code]
    made = document([EVERY])
    schema = {
        "$ref": f"#/components/schemas/{name_of(type(error))}",
        "components": made["components"],
    }
    found = problems.problem(error, language=language, request_id="request-1", instance="/x")
    validator = OAS31Validator(schema)
    validator.validate(found)
    for member in members_of(type(error)):
        without = {name: value for name, value in found.items() if name != member}
        assert not validator.is_valid(without)


@pytest.mark.parametrize("code", SAMPLES)
def test_members_are_described_one_for_one(code: str) -> None:
    error = SAMPLES[code]
    assert set(members_of(type(error))) == set(error.members)


def test_one_problem_is_not_another() -> None:
    made = document([EVERY])
    found = problems.problem(SAMPLES["SOLD"], language="en", request_id="r" * 8, instance="/x")
    fits = [
        error.code
        for error in TABLE
        if OAS31Validator(
            {"$ref": f"#/components/schemas/{name_of(error)}", "components": made["components"]}
        ).is_valid(found)
    ]
    assert fits == ["SOLD"]


def test_an_error_with_more_members_than_its_row_stands_in_its_place() -> None:
    special = problems.NoAuctionForTurbo
    route = replace(PLAIN, path="/x/{x_id}", codes=(special,))
    assert special in errors_of(route)
    assert errors.NotFound not in errors_of(route)
    made = document([route])
    response = made["paths"]["/x/{x_id}"]["get"]["responses"]["404"]
    schema = response["content"]["application/problem+json"]["schema"]
    validator = OAS31Validator({**schema, "components": made["components"]})
    for error, fits in ((special(), True), (errors.NotFound(), False)):
        found = problems.problem(error, language="en", request_id="request-1", instance="/x")
        assert validator.is_valid(found) == fits
    (example,) = made["components"]["schemas"][name_of(special)]["examples"]
    validator.validate(example)


@pytest.mark.parametrize("error", TABLE, ids=lambda error: error.code)
def test_examples_are_problems_of_their_kind(error: type[errors.HotHourError]) -> None:
    schemas = document([EVERY])["components"]["schemas"]
    reference = {"$ref": f"#/components/schemas/{name_of(error)}"}
    (example,) = schemas[name_of(error)]["examples"]
    OAS31Validator({**reference, "components": {"schemas": schemas}}).validate(example)
    assert "{" not in example["detail"]
