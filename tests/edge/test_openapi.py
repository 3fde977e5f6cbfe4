"""The document is sound, whole, and says what the server does."""

import re
from enum import StrEnum
from typing import Annotated, Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from openapi_spec_validator import validate
from pydantic import Field

from edge.openapi import document
from edge.pipeline import PREFIX
from edge.rest.conditions import wanted_revision
from edge.routing import Access, Call, Lane, Reply, Route
from edge.wire.base import Answer, Body, Id, Instant, Price, PriceIn, Query
from engine.errors import AlreadyYours, Invalid, RuleBroken, Sold, Stale


class Kind(StrEnum):
    YOGA = "YOGA"
    DANCE = "DANCE"


class Press(Body):
    auction_id: Id
    max_price: PriceIn | None = None


class Row(Answer):
    id: Id
    kind: Kind
    price: Price
    at: Instant


class Page(Answer):
    items: list[Row]
    next_cursor: str | None


class Filter(Query):
    q: Annotated[str | None, Field(description="In the title")] = None
    kind: list[Kind] | None = None
    needed: int


async def nothing(_: Call) -> Reply:
    return Reply()


def route(method: str, path: str, access: Access = Access.PUBLIC, **options: Any) -> Route:
    return Route(
        method=method,
        path=path,
        handler=nothing,
        access=access,
        **{"summary": f"{method} {path}", "tag": "things", **options},
    )


ROUTES = (
    route("GET", "/things", query=Filter, answer=Page),
    route("GET", "/things/all", answer=list[Row]),
    route("GET", "/things/{thing_id}", answer=Row),
    route("DELETE", "/things/{thing_id}", Access.STAFF, status=204),
    route("POST", "/things", Access.STAFF, body=Row, answer=Row, status=201, codes=(RuleBroken,)),
    route("POST", "/things/{thing_id}/cancel", Access.USER, body=Press, body_optional=True),
    route("GET", "/tagged", answer=Row, conditional=True),
    route("PUT", "/tagged", Access.STAFF, body=Press, answer=Row, codes=(Stale,)),
    route("GET", "/codes/{code}/qr.svg", Access.USER, content_type="image/svg+xml"),
    route("POST", "/book", Access.CUSTOMER, body=Press, lane=Lane.BOOK, codes=(Sold, AlreadyYours)),
)


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return document(ROUTES)


def test_it_is_valid_openapi_3_1(made: dict[str, Any]) -> None:
    assert made["openapi"].startswith("3.1")
    validate(made)


def test_it_is_valid_without_any_route() -> None:
    validate(document(()))


def test_every_route_is_there_under_the_prefix_and_nothing_else(made: dict[str, Any]) -> None:
    assert made["servers"] == [{"url": PREFIX}]
    assert {
        (method.upper(), path) for path, methods in made["paths"].items() for method in methods
    } == {(each.method, each.path) for each in ROUTES}


def test_operations_have_names_of_their_own(made: dict[str, Any]) -> None:
    ids = [each["operationId"] for methods in made["paths"].values() for each in methods.values()]
    assert len(set(ids)) == len(ids)
    assert "get_codes_code_qr_svg" in ids


def test_all_references_lead_somewhere(made: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if "$ref" in value else []
            return own + [ref for each in value.values() for ref in references(each)]
        if isinstance(value, list):
            return [ref for each in value for ref in references(each)]
        return []

    found = set(references(made))
    assert found
    for reference in found:
        target: Any = made
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_ids_in_a_path_are_integers(made: dict[str, Any]) -> None:
    (parameter, *_) = made["paths"]["/things/{thing_id}"]["get"]["parameters"]
    assert parameter["name"] == "thing_id"
    assert parameter["required"]
    assert parameter["schema"] == {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}


def test_a_query_becomes_parameters_and_no_component(made: dict[str, Any]) -> None:
    named = {
        each["name"]: each
        for each in made["paths"]["/things"]["get"]["parameters"]
        if each.get("in") == "query"
    }
    assert set(named) == {"q", "kind", "needed"}
    assert named["needed"]["required"]
    assert not named["q"]["required"]
    assert named["q"]["description"] == "In the title"
    assert "Filter" not in made["components"]["schemas"]
    assert "Kind" in made["components"]["schemas"]


def test_bodies_and_answers_are_described_in_their_wire_form(made: dict[str, Any]) -> None:
    press = made["paths"]["/book"]["post"]["requestBody"]
    assert press["required"]
    assert press["content"]["application/json"]["schema"]["$ref"].endswith("/Press")
    assert not made["paths"]["/things/{thing_id}/cancel"]["post"]["requestBody"]["required"]
    listed = made["paths"]["/things/all"]["get"]["responses"]["200"]["content"]
    assert listed["application/json"]["schema"]["type"] == "array"
    row = listed["application/json"]["schema"]["items"]["$ref"].rpartition("/")[2]
    properties = made["components"]["schemas"][row]["properties"]
    assert properties["at"]["format"] == "date-time"
    assert properties["price"]["type"] == "string"


def test_answers_without_a_body_or_without_json_say_so(made: dict[str, Any]) -> None:
    deleted = made["paths"]["/things/{thing_id}"]["delete"]["responses"]["204"]
    assert "content" not in deleted
    picture = made["paths"]["/codes/{code}/qr.svg"]["get"]["responses"]["200"]
    assert list(picture["content"]) == ["image/svg+xml"]


def test_who_may_call_is_said(made: dict[str, Any]) -> None:
    public, staff = made["paths"]["/things"]["get"], made["paths"]["/things"]["post"]
    assert public["security"] == [{}, {"bearer": []}]
    assert staff["security"] == [{"bearer": []}]
    assert "studio_admin" in staff["description"]


def test_what_has_a_tag_says_so_and_takes_it_back(made: dict[str, Any]) -> None:
    def conditions(path: str, method: str) -> set[str]:
        named = made["paths"][path][method]["parameters"]
        references = {each.get("$ref", "").rpartition("/")[2] for each in named}
        return references & {"IfNoneMatch", "IfMatch"}

    responses = made["paths"]["/tagged"]["get"]["responses"]
    assert conditions("/tagged", "get") == {"IfNoneMatch"}
    assert "ETag" in responses["200"]["headers"]
    assert "ETag" in responses["304"]["headers"]
    assert "content" not in responses["304"]
    assert conditions("/tagged", "put") == {"IfMatch"}
    plain = made["paths"]["/things"]["get"]["responses"]
    assert conditions("/things", "get") == set()
    assert "304" not in plain
    assert "ETag" not in plain["200"]["headers"]


def test_an_if_match_is_what_the_reader_takes(made: dict[str, Any]) -> None:
    pattern = made["components"]["parameters"]["IfMatch"]["schema"]["pattern"]
    for sound in ('"3"', '"3.17.ACTIVE"', 'W/"3"', "*"):
        assert re.fullmatch(pattern, sound)
        wanted_revision(headers_of({"If-Match": sound}))
    for wrong in ("3", '"3.17"', '"x"', '"3", "4"', '""'):
        assert not re.search(pattern, wrong)
        with pytest.raises(Invalid):
            wanted_revision(headers_of({"If-Match": wrong}))


def headers_of(given: dict[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(given))


def test_changing_routes_take_a_key(made: dict[str, Any]) -> None:
    def takes_key(path: str, method: str) -> bool:
        return {"$ref": "#/components/parameters/IdempotencyKey"} in made["paths"][path][method][
            "parameters"
        ]

    assert takes_key("/book", "post")
    assert takes_key("/things/{thing_id}", "delete")
    assert not takes_key("/things", "get")
