"""Forged, stale, foreign and stolen tokens, over REST and on the live channel alike."""

import asyncio

import pytest

from tests.e2e.program import Guest, ask, live
from tests.hostile import wire
from tests.hostile.forgery import (
    EXPIRED,
    FINE,
    INVALID,
    OF_ACCESS,
    Forgery,
    claims_of,
    forgeries,
)
from tests.hostile.stand import Stand

PASSWORD = "hot-hour-seed"
TABLE = forgeries()


async def signed_in(stand: Stand, guest: Guest) -> dict[str, str]:
    """A session's tokens."""
    status, body = await stand.api.call(
        "POST", "/auth/login", json={"email": guest.email, "password": PASSWORD}
    )
    assert status == 200, body
    return {"access": body["access_token"], "refresh": body["refresh_token"]}


async def over_rest(stand: Stand, token: str) -> str:
    """The code a token is answered with where one is needed; empty if it is believed."""
    status, body = await stand.api.call("GET", "/auth/me", by=Guest(1, token))
    return "" if status == 200 else f"{body['code']}"


async def at_the_upgrade(stand: Stand, token: str) -> str:
    told = await wire.live(stand.port, [], b"Authorization: Bearer %b\r\n" % token.encode())
    return "" if told == "goes on" else told.removeprefix("401 ")


async def on_the_socket(stand: Stand, token: str) -> str:
    async with live(stand.server.url) as ws:
        answer = await ask(ws, type="authenticate", ref=1, token=token)
    return "" if answer["type"] == "ok" else f"{answer['code']}"


@pytest.mark.parametrize("forgery", TABLE, ids=lambda forgery: forgery.name)
async def test_a_token_is_believed_everywhere_or_nowhere(stand: Stand, forgery: Forgery) -> None:
    before = await stand.rows()
    token = forgery.make(stand.guest.token)
    told = {
        "REST": await over_rest(stand, token),
        "upgrade": await at_the_upgrade(stand, token),
    }
    if len(token) <= 3_900:  # a frame holds no more
        told["socket"] = await on_the_socket(stand, token)
    if forgery.name == "of 20,000 bytes":  # nor does a header
        assert {"REST": told["REST"]} == {"REST": "VALIDATION"}
        return
    assert told == dict.fromkeys(told, forgery.expected)
    assert await stand.rows() == before


async def test_what_is_no_token_is_refused_by_the_routes_that_take_one(stand: Stand) -> None:
    """Each kind where another is wanted, and each forgery of a refresh token."""
    tokens = await signed_in(stand, stand.guest)
    before = await stand.rows()
    forged = [each for each in TABLE if each.expected and each.name not in OF_ACCESS]
    assert len(forged) >= 40
    wanted = {"refresh": "refresh_token", "logout": "refresh_token", "verify-email": "token"}
    for route, name in wanted.items():
        wrong = [tokens["access"]] if name == "refresh_token" else list(tokens.values())
        wrong += [forgery.make(tokens["refresh"]) for forgery in forged]
        for token in wrong:
            status, body = await stand.api.call("POST", f"/auth/{route}", json={name: token})
            expected = (401, INVALID) if len(token) <= 1_024 else (422, "VALIDATION")
            assert (status, body["code"]) == expected, (route, token)
    for token in tokens.values():
        body = {"token": token, "new_password": "a new password"}
        status, problem = await stand.api.call("POST", "/auth/reset-password", json=body)
        assert (status, problem["code"]) == (401, INVALID)
    assert await over_rest(stand, tokens["refresh"]) == INVALID
    assert await at_the_upgrade(stand, tokens["refresh"]) == INVALID
    assert await on_the_socket(stand, tokens["refresh"]) == INVALID
    assert await stand.rows() == before
    assert {forgery.expected for forgery in TABLE} == {INVALID, EXPIRED, FINE}


async def test_a_refresh_token_used_again_ends_everything_of_its_session(stand: Stand) -> None:
    tokens = await signed_in(stand, stand.cast.guests[1])
    other = await signed_in(stand, stand.cast.guests[1])
    async with live(stand.server.url, Guest(1, tokens["access"])) as ws:
        status, new = await stand.api.call(
            "POST", "/auth/refresh", json={"refresh_token": tokens["refresh"]}
        )
        assert status == 200
        assert await over_rest(stand, new["access_token"]) == FINE
        status, _ = await stand.api.call(
            "POST", "/auth/refresh", json={"refresh_token": tokens["refresh"]}
        )
        assert status == 401
        async with asyncio.timeout(15):
            while (await ws.receive_json())["type"] != "session_expired":
                pass
        answer = await ask(ws, type="subscribe_user", ref=1)
        assert answer["code"] == "AUTH_REQUIRED"
    for token in (tokens["access"], new["access_token"]):
        assert await over_rest(stand, token) == INVALID
        assert await at_the_upgrade(stand, token) == INVALID
        assert await on_the_socket(stand, token) == INVALID
    status, _ = await stand.api.call(
        "POST", "/auth/refresh", json={"refresh_token": new["refresh_token"]}
    )
    assert status == 401
    assert await over_rest(stand, other["access"]) == FINE, "another session is another matter"


@pytest.mark.parametrize("way", ["logout", "logout-all", "deleted"])
async def test_the_tokens_of_a_session_that_is_over_are_over(stand: Stand, way: str) -> None:
    tokens = await signed_in(stand, stand.cast.guests[2])
    by = Guest(1, tokens["access"])
    if way == "deleted":
        sid = claims_of(tokens["access"])["sid"]
        await stand.database.execute("delete from session where id = $1::uuid", sid)
    else:
        body = {"refresh_token": tokens["refresh"]} if way == "logout" else None
        status, _ = await stand.api.call("POST", f"/auth/{way}", by=by, json=body)
        assert status == 204
        assert await over_rest(stand, tokens["access"]) == INVALID
        assert await at_the_upgrade(stand, tokens["access"]) == INVALID
        assert await on_the_socket(stand, tokens["access"]) == INVALID
    for _ in range(2):
        status, problem = await stand.api.call(
            "POST", "/auth/refresh", json={"refresh_token": tokens["refresh"]}
        )
        assert (status, problem["code"]) == (401, INVALID)
