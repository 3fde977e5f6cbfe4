"""Every answer carries what it owes: id, security headers, no-store, and who may read it."""

import pytest
from aiohttp import web

from edge.answering import SECURITY, Answers
from edge.pipeline import mount
from edge.routing import Access, Call, Handler, Reply, Route
from engine.errors import AuthInvalid, Busy, NotFound, Sold
from tests.edge.rig import capturing_log, make_tools, rig
from tests.edge.samples import SOLD_AT_MS

SHOP = "https://shop.example"


async def hello(_: Call) -> Reply:
    return Reply(body={"said": "hello"})


async def cached(_: Call) -> Reply:
    return Reply(body=[1], headers={"Cache-Control": "public, max-age=1", "ETag": '"3.2"'})


async def calendar(_: Call) -> Reply:
    return Reply(body=b"BEGIN:VCALENDAR", content_type="text/calendar")


async def nothing(_: Call) -> Reply:
    return Reply(204)


async def lost(_: Call) -> Reply:
    raise Sold(sold_at_ms=SOLD_AT_MS, accepted_at_ms=SOLD_AT_MS)


async def log_in(_: Call) -> Reply:
    raise AuthInvalid


async def busy(_: Call) -> Reply:
    raise Busy(retry_after_ms=2_500)


async def split(_: Call) -> Reply:
    return Reply(headers={"Link": "a\r\nSet-Cookie: b"})


def route(path: str, handler: Handler, method: str = "GET") -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,
        access=Access.PUBLIC,
        summary="",
        tag="test",
    )


ROUTES = (
    route("/hello", hello),
    route("/hello", hello, "POST"),
    route("/cached", cached),
    route("/calendar", calendar),
    route("/nothing", nothing, "DELETE"),
    route("/lost", lost, "POST"),
    route("/log-in", log_in, "POST"),
    route("/busy", busy),
    route("/split", split),
)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/hello"),
        ("DELETE", "/nothing"),
        ("POST", "/lost"),
        ("GET", "/no"),
        ("PUT", "/hello"),
    ],
)
async def test_every_answer_has_an_id_and_the_security_headers(method: str, path: str) -> None:
    async with rig(*ROUTES) as server:
        got = await server.ask(method, path, headers={"X-Request-ID": "my-request.1"})
    assert got.headers["X-Request-ID"] == "my-request.1"
    for name, value in SECURITY.items():
        assert got.headers[name] == value
    assert "aiohttp" not in str(got.headers)
    assert "Strict-Transport-Security" not in got.headers


async def test_behind_tls_browsers_are_told_to_stay_there() -> None:
    async with rig(*ROUTES, secure=True) as server:
        for path in ("/hello", "/no"):
            assert "max-age" in (await server.ask("GET", path)).headers["Strict-Transport-Security"]


async def test_values_become_json_and_bytes_travel_as_they_are() -> None:
    async with rig(*ROUTES) as server:
        said = await server.ask("GET", "/hello")
        ics = await server.ask("GET", "/calendar")
        none = await server.ask("DELETE", "/nothing")
    assert (said.raw, said.headers["Content-Type"]) == (b'{"said":"hello"}', "application/json")
    assert (ics.raw, ics.headers["Content-Type"]) == (b"BEGIN:VCALENDAR", "text/calendar")
    assert (none.status, none.raw) == (204, b"")
    assert "Content-Type" not in none.headers


async def test_what_a_token_or_a_change_was_answered_is_stored_nowhere() -> None:
    async with rig(*ROUTES) as server:
        with_token = await server.ask("GET", "/cached", token="customer:7")
        changed = await server.ask("POST", "/hello")
        public = await server.ask("GET", "/cached")
        plain = await server.ask("GET", "/hello")
        problem = await server.ask("GET", "/no")
    assert with_token.headers["Cache-Control"] == "no-store"
    assert changed.headers["Cache-Control"] == "no-store"
    assert problem.headers["Cache-Control"] == "no-store"
    assert public.headers["Cache-Control"] == "public, max-age=1"
    assert public.headers["ETag"] == '"3.2"'
    assert "Cache-Control" not in plain.headers


async def test_a_problem_says_its_language_and_that_it_depends_on_it() -> None:
    async with rig(*ROUTES) as server:
        turkish = await server.ask("POST", "/lost")
        english = await server.ask("POST", "/lost", headers={"Accept-Language": "en-GB"})
    assert turkish.headers["Content-Type"] == "application/problem+json"
    assert turkish.headers["Content-Language"] == "tr"
    assert english.headers["Content-Language"] == "en"
    assert turkish.headers["Vary"] == "Accept-Language"
    assert turkish.json["code"] == english.json["code"] == "SOLD"
    assert turkish.json["detail"] != english.json["detail"]
    assert turkish.json["request_id"] == turkish.headers["X-Request-ID"]
    assert turkish.json["instance"] == "/lost"


async def test_whatever_was_asked_for_the_instance_is_a_uri_reference() -> None:
    async with rig(*ROUTES) as server:
        lost = await server.ask("GET", "/yok/\u011f\U0001f9d8%01%22")
    assert lost.status == 404
    assert lost.json["instance"] == "/yok/%C4%9F%F0%9F%A7%98%01%22"


async def test_retryable_answers_say_when_in_both_ways() -> None:
    async with rig(*ROUTES) as server:
        got = await server.ask("GET", "/busy")
    assert (got.status, got.headers["Retry-After"]) == (503, "3")
    assert (got.json["retry_after_ms"], got.json["retryable"]) == (2_500, True)


async def test_a_401_says_how_to_sign_in() -> None:
    async with rig(*ROUTES) as server:
        got = await server.ask("POST", "/log-in")
    assert got.headers["WWW-Authenticate"] == 'Bearer realm="hothour", error="invalid_token"'


async def test_a_handler_cannot_smuggle_a_header() -> None:
    async with rig(*ROUTES) as server:
        got = await server.ask("GET", "/split")
        assert got.status == 500
        assert "Set-Cookie" not in got.headers
        assert len(server.lines) == 1


async def test_pages_of_allowed_origins_may_read_answers_and_no_others() -> None:
    async with rig(*ROUTES, origins=[SHOP]) as server:
        for path in ("/hello", "/no", "/cached"):
            ours = await server.ask("GET", path, headers={"Origin": SHOP})
            theirs = await server.ask("GET", path, headers={"Origin": "https://evil.example"})
            nobodys = await server.ask("GET", path)
            assert ours.headers["Access-Control-Allow-Origin"] == SHOP
            assert "X-Request-ID" in ours.headers["Access-Control-Expose-Headers"]
            assert "Access-Control-Allow-Origin" not in theirs.headers
            for each in (ours, theirs, nobodys):
                assert "Origin" in each.headers["Vary"]
            assert "Access-Control-Allow-Credentials" not in ours.headers


async def test_without_a_list_no_origin_is_allowed() -> None:
    async with rig(*ROUTES) as server:
        got = await server.ask("GET", "/hello", headers={"Origin": SHOP})
    assert "Access-Control-Allow-Origin" not in got.headers


PREFLIGHT = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}


async def test_a_preflight_of_an_allowed_origin_names_methods_and_headers() -> None:
    async with rig(*ROUTES, origins=[SHOP]) as server:
        got = await server.ask("OPTIONS", "/hello", headers=PREFLIGHT)
    assert got.status == 204
    assert got.headers["Access-Control-Allow-Origin"] == SHOP
    assert got.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS, POST"
    assert "Idempotency-Key" in got.headers["Access-Control-Allow-Headers"]
    assert got.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{SHOP}.evil.example"])
async def test_a_preflight_of_any_other_is_forbidden(origin: str) -> None:
    async with rig(*ROUTES, origins=[SHOP]) as server:
        got = await server.ask("OPTIONS", "/hello", headers={**PREFLIGHT, "Origin": origin})
    assert (got.status, got.json["code"]) == (403, "FORBIDDEN")
    assert "Access-Control-Allow-Origin" not in got.headers


async def test_a_plain_options_names_the_methods() -> None:
    async with rig(*ROUTES) as server:
        got = await server.ask("OPTIONS", "/lost")
    assert (got.status, got.headers["Allow"]) == (204, "OPTIONS, POST")


def test_a_page_keeps_its_own_headers_and_gets_the_rest() -> None:
    page = web.Response(headers={"Content-Security-Policy": "script-src 'self'"})
    answers = Answers(secure=True)
    answers.finish(page, "request-1")
    assert page.headers["Content-Security-Policy"] == "script-src 'self'"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["X-Request-ID"] == "request-1"


async def test_a_problem_that_a_page_returns_is_left_as_it_is() -> None:
    tools = make_tools(capturing_log().logger)

    async def page(request: web.Request) -> web.StreamResponse:
        return tools.answers.refusal(NotFound(), request, "request-1", "en")

    def mounts(app: web.Application, _: object) -> None:
        mount(app, "/page", {"GET": page}, tools)

    async with rig(mounts=mounts) as server:
        got = await server.ask("GET", "/page")
    assert (got.status, got.json["code"]) == (404, "NOT_FOUND")
