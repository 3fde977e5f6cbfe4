"""The public API, as a client sees it."""

from collections.abc import Awaitable, Callable, Iterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from edge.demo import api
from edge.demo.api import Api, Refusal, Unreachable, insist, open_session
from edge.demo.people import GUESTS, PASSWORD
from tests.edge.demo.shop import Shop

BUSY = Refusal(503, "BUSY", {"retryable": True, "retry_after_ms": 1})
NO = Refusal(409, "SOLD", {"retryable": False})


def failing(*errors: Exception) -> Callable[[], Awaitable[str]]:
    """Something that fails so often before it works."""
    left: Iterator[Exception] = iter(errors)

    async def act() -> str:
        for error in left:
            raise error
        return "done"

    return act


async def test_an_answer_is_its_body(shop: Shop) -> None:
    assert await shop.api.ask("GET", "/auctions/") == []


async def test_an_empty_answer_is_none(shop: Shop) -> None:
    body = {"email": GUESTS[0].email, "password": PASSWORD}
    signed_in = await shop.api.ask("POST", "/auth/login", body)
    body = {"refresh_token": signed_in["refresh_token"]}
    assert await shop.api.ask("POST", "/auth/logout", body) is None


async def test_a_refusal_has_its_code_and_its_members(shop: Shop) -> None:
    with pytest.raises(Refusal) as caught:
        await shop.api.ask("GET", "/auctions/77")
    assert (caught.value.status, caught.value.code) == (404, "NOT_FOUND")
    assert not caught.value.retryable
    assert caught.value.members["instance"] == "/api/v1/auctions/77"


async def test_a_key_makes_a_repeat_harmless(shop: Shop) -> None:
    row = await shop.sale()
    token = await shop.account(GUESTS[0].email).token()
    press = {"auction_id": row["id"]}
    booked = [
        await shop.api.ask("POST", "/reservations/book", press, token=token, key="k" * 16)
        for _ in range(2)
    ]
    assert booked[0] == booked[1]


async def test_nobody_there_is_unreachable() -> None:
    async with open_session() as http:
        with pytest.raises(Unreachable):
            await Api(http, "http://127.0.0.1:1").ask("GET", "/auctions/")


async def test_an_answer_that_cannot_be_read_is_none(shop: Shop) -> None:
    with pytest.raises(Unreachable):
        await shop.api.ask("GET", "/../../docs")


async def test_a_refusal_without_a_code_has_its_status_for_one() -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.json_response([], status=502)

    app = web.Application()
    app.router.add_get("/api/v1/x", handle)
    async with TestServer(app) as server, open_session() as http:
        with pytest.raises(Refusal, match="HTTP_502"):
            await Api(http, str(server.make_url("")).rstrip("/")).ask("GET", "/x")


def test_a_refusal_says_how_long_to_wait() -> None:
    assert BUSY.retry_after_s == 0.001
    assert Refusal(500, "HTTP_500", {}).retry_after_s == api.PAUSE_S


async def test_what_may_help_is_tried_again() -> None:
    assert await insist(failing(BUSY, BUSY, BUSY)) == "done"


async def test_no_answer_is_tried_again_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "PAUSE_S", 0.001)
    assert await insist(failing(Unreachable("x"))) == "done"
    with pytest.raises(Unreachable):
        await insist(failing(*[Unreachable("x")] * 4))


async def test_but_not_for_ever_and_not_what_would_stay_the_same() -> None:
    with pytest.raises(Refusal, match="BUSY"):
        await insist(failing(BUSY, BUSY), tries=2)
    with pytest.raises(Refusal, match="SOLD"):
        await insist(failing(NO))
