"""The order of refusals, who may call, what is counted, and what happens to the unforeseen."""

import asyncio
from typing import Any

import pytest

from edge.endpoint import ROLES, as_known
from edge.routing import Access, Call, Lane, Reply, Route
from edge.wire.base import Body, Id
from engine.errors import AlreadyYours, Busy, Internal, NotFound, UnknownOutcome
from engine.ports.commit import Ambiguous, Unavailable
from engine.settings import Settings
from tests.edge.rig import Answer, Rig, rig


class Press(Body):
    auction_id: Id


async def show(call: Call) -> Reply:
    who = None if call.principal is None else call.principal.user_id
    return Reply(
        body={
            "who": who,
            "path": dict(call.path),
            "key": call.key,
            "language": call.language,
            "request_id": call.request_id,
            "address": call.address,
        }
    )


async def press(call: Call) -> Reply:
    if call.body.auction_id == 404:
        raise NotFound
    if call.body.auction_id == 409:
        raise AlreadyYours(41)
    return Reply(201, {"id": 1})


async def broken(_: Call) -> Reply:
    raise RuntimeError("the password is hunter2")


async def away(_: Call) -> Reply:
    raise ConnectionRefusedError("the database is not there")


async def late(_: Call) -> Reply:
    raise TimeoutError


def route(path: str, access: Access = Access.PUBLIC, **options: Any) -> Route:
    return Route(
        **{"method": "GET", "handler": show, "summary": "", "tag": "test", **options},
        path=path,
        access=access,
    )


BOOK = route("/book", Access.CUSTOMER, method="POST", handler=press, body=Press, lane=Lane.BOOK)
ROUTES = (
    *(route(f"/{access.name.lower()}", access) for access in Access),
    route("/things/{thing_id}/of/{name}", Access.CUSTOMER),
    route("/broken", handler=broken),
    route("/away", handler=away),
    route("/late", handler=late),
    BOOK,
)
ROLE_NAMES = ("customer", "desk", "studio_admin", "platform_admin")


async def book(server: Rig, token: str | None = "customer:7", **options: Any) -> Answer:
    body = options.pop("json", {"auction_id": 1})
    return await server.ask("POST", "/book", token=token, json=body, **options)


@pytest.mark.parametrize("access", Access)
async def test_who_may_call_what(access: Access) -> None:
    path = f"/{access.name.lower()}"
    async with rig(*ROUTES) as server:
        nobody = await server.ask("GET", path)
        answers = {role: await server.ask("GET", path, token=f"{role}:7") for role in ROLE_NAMES}
    may = ROLES.get(access, frozenset(ROLE_NAMES))
    for role, answer in answers.items():
        assert (answer.status, answer.json.get("code")) == (
            (200, None) if role in may else (403, "FORBIDDEN")
        )
    if access is Access.PUBLIC:
        assert nobody.json["who"] is None
    else:
        assert (nobody.status, nobody.json["code"]) == (401, "AUTH_REQUIRED")
        assert nobody.headers["WWW-Authenticate"] == 'Bearer realm="hothour"'


@pytest.mark.parametrize(
    ("token", "code"), [("nonsense", "AUTH_INVALID"), ("expired:7", "AUTH_EXPIRED")]
)
async def test_a_bad_token_is_refused_even_where_none_is_needed(token: str, code: str) -> None:
    async with rig(*ROUTES) as server:
        for path in ("/public", "/user"):
            got = await server.ask("GET", path, token=token)
            assert (got.status, got.json["code"]) == (401, code)


async def test_form_comes_before_token_and_token_before_role_and_role_before_the_rest() -> None:
    async with rig(*ROUTES) as server:
        steps = [
            await book(server, token="nonsense", json={}),
            await book(server, token=None, json={}),
            await book(server, token=None, headers={"Idempotency-Key": "short"}),
            await book(server, token=None),
            await book(server, token="nonsense"),
            await book(server, token="desk:7", json={"auction_id": 404}),
            await book(server, json={"auction_id": 404}),
            await book(server, json={"auction_id": 409}),
            await book(server),
        ]
    assert [(each.status, each.json.get("code")) for each in steps] == [
        (422, "VALIDATION"),
        (422, "VALIDATION"),
        (422, "VALIDATION"),
        (401, "AUTH_REQUIRED"),
        (401, "AUTH_INVALID"),
        (403, "FORBIDDEN"),
        (404, "NOT_FOUND"),
        (409, "ALREADY_YOURS"),
        (201, None),
    ]
    assert steps[7].json["reservation_id"] == 41


async def test_a_handler_sees_the_request_checked() -> None:
    headers = {
        "Accept-Language": "en",
        "Idempotency-Key": "k" * 16,
        "X-Request-ID": "request-1",
    }
    async with rig(*ROUTES) as server:
        got = await server.ask(
            "GET", "/things/12/of/caf%C3%A9", token="customer:7", headers=headers
        )
    assert got.json == {
        "who": 7,
        "path": {"thing_id": 12, "name": "café"},
        "key": "k" * 16,
        "language": "en",
        "request_id": "request-1",
        "address": "127.0.0.1",
    }


@pytest.mark.parametrize("thing", ["x", "-1", "1.0", "9223372036854775808", "%00", "%ff", "1%2F2"])
async def test_an_id_that_is_none_is_not_found_before_anything_else(thing: str) -> None:
    async with rig(*ROUTES) as server:
        got = await server.raw(
            f"GET /things/{thing}/of/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        )
    assert got.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("path", ["/broken", "/away", "/late"])
async def test_the_unforeseen_is_internal_logged_once_and_tells_nothing(path: str) -> None:
    async with rig(*ROUTES) as server:
        got = await server.ask("GET", path, headers={"X-Request-ID": "request-1"})
        assert (got.status, got.json["code"]) == (500, "INTERNAL")
        assert (got.headers["Retry-After"], got.json["retryable"]) == ("1", True)
        for inside in (b"hunter2", b"Error", b"database", b"Traceback"):
            assert inside not in got.raw
        (line,) = server.lines
        assert (line["request_id"], line["route"]) == ("request-1", f"GET {path}")
        assert line["exc_info"] is not None
        assert (await server.ask("GET", "/public")).status == 200


def test_failures_of_the_store_have_codes_of_their_own() -> None:
    assert isinstance(as_known(Unavailable()), Busy)
    assert isinstance(as_known(Ambiguous()), UnknownOutcome)
    assert isinstance(as_known(ValueError()), Internal)
    sold = NotFound()
    assert as_known(sold) is sold


async def test_an_address_is_limited_before_its_request_is_read() -> None:
    settings = Settings(rate_requests_per_s=1, rate_requests_burst=2)
    async with rig(*ROUTES, settings=settings, rate_limits=True) as server:
        answers = [await server.ask("GET", path) for path in ("/public", "/no", "/public", "/no")]
    assert [each.status for each in answers] == [200, 404, 429, 429]
    assert answers[2].json["code"] == "RATE_LIMITED"
    assert int(answers[2].headers["Retry-After"]) >= 1
    assert 0 < answers[2].json["retry_after_ms"] <= 1_000


async def test_presses_are_limited_by_user_after_role_and_form() -> None:
    settings = Settings(rate_bookings_per_s=1, rate_bookings_burst=1)
    async with rig(*ROUTES, settings=settings, rate_limits=True) as server:
        assert (await book(server, json={})).status == 422
        assert (await book(server, token="desk:7")).status == 403
        assert (await book(server)).status == 201
        assert (await book(server)).status == 429
        assert (await book(server, token="customer:8")).status == 201


async def test_a_forwarded_address_counts_only_from_a_trusted_proxy() -> None:
    headers = {"X-Forwarded-For": "203.0.113.7"}
    async with rig(*ROUTES, proxies=["127.0.0.1"]) as server:
        assert (await server.ask("GET", "/public", headers=headers)).json["address"] == (
            "203.0.113.7"
        )
    async with rig(*ROUTES) as server:
        assert (await server.ask("GET", "/public", headers=headers)).json["address"] == "127.0.0.1"


async def test_answers_presses_and_problems_are_counted() -> None:
    async with rig(*ROUTES) as server:
        for auction_id in (1, 409, 409, 404):
            await book(server, json={"auction_id": auction_id})
        await server.ask("GET", "/broken")
        expected = {
            'hothour_http_requests_total{method="POST",route="/book",status="409"}': 2,
            'hothour_http_requests_total{method="POST",route="/book",status="201"}': 1,
            'hothour_http_requests_total{method="GET",route="/broken",status="500"}': 1,
            'hothour_http_request_seconds_count{method="POST",route="/book"}': 4,
            'hothour_bookings_total{channel="rest",outcome="booked"}': 1,
            'hothour_bookings_total{channel="rest",outcome="ALREADY_YOURS"}': 2,
            'hothour_http_problems_total{code="NOT_FOUND"}': 1,
            'hothour_http_problems_total{code="INTERNAL"}': 1,
        }
        assert {name: server.metric(name) for name in expected} == expected


async def test_many_at_once_get_each_their_own_answer() -> None:
    async with rig(*ROUTES) as server:
        answers = await asyncio.gather(
            *(server.ask("GET", f"/things/{n}/of/x", token=f"customer:{n}") for n in range(1, 101))
        )
    assert [each.json["who"] for each in answers] == list(range(1, 101))
    assert [each.json["path"]["thing_id"] for each in answers] == list(range(1, 101))
    assert len({each.headers["X-Request-ID"] for each in answers}) == 100
