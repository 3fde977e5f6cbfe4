"""Bad input of every kind: a typed error, nothing written, the connection's loop alive."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.e2e.malformed import (
    AMOUNTS,
    INSTANTS,
    KEYS,
    MALFORMED_BODIES,
    MESSAGES,
    TEXTS,
)
from tests.e2e.program import Api, Cast, Guest, Program, ask, client, instant, live, seed, serving

KEY = "a-good-key-for-a-press"
TABLES = [
    "account",
    "session",
    "account_token",
    "idempotency_key",
    "auction",
    "reservation",
    "event",
    "outbox",
]


@dataclass(slots=True)
class World:
    """One server for all of these, a sale that nobody manages to book, and who tries."""

    server: Program
    api: Api
    cast: Cast
    auction: int
    database: asyncpg.Connection

    @property
    def guest(self) -> Guest:
        return self.cast.guests[0]

    async def rows(self) -> dict[str, int]:
        """How many there are of everything that can be written."""
        counts = {}
        for table in TABLES:
            counts[table] = await self.database.fetchval(f"select count(*) from {table}")
        return counts

    async def refused(self, method: str, path: str, **request: Any) -> tuple[int, str]:
        """Status and code of a problem that is one in every part."""
        status, problem = await self.api.call(method, path, **request)
        assert isinstance(problem, dict), (status, path)
        assert problem["status"] == status
        assert {"type", "title", "detail", "instance", "request_id"} <= problem.keys()
        return status, problem["code"]

    def sale(self, **changes: Any) -> dict[str, Any]:
        """The body of a sale that would be accepted without `changes`."""
        return {
            "title": "Yoga",
            "start_price": "200.00",
            "floor_price": "50.00",
            "drop_amount": "5.00",
            "drop_interval_secs": 30,
            "start_time": instant(60),
            "end_time": instant(3_600),
            **changes,
        }


@pytest.fixture(scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[World]:
    """The server; whoever it was asked by, it never broke."""
    folder: Path = tmp_path_factory.mktemp("bad_input")
    async with serving(folder) as server, client(server.url) as api:
        cast = await seed(folder, 2)
        auction = (await api.sale(cast.admin))["id"]
        dsn = json.loads((folder / "data" / "postgres.lock").read_text())["dsn"]
        database = await asyncpg.connect(dsn)
        yield World(server, api, cast, auction, database)
        await database.close()
        assert server.process.returncode is None
        assert "Traceback" not in server.log
        assert "request failed" not in server.log


@pytest.fixture
async def world(shared: World) -> AsyncIterator[World]:
    """The same for one test, which must leave no trace; and the server still sells."""
    before = await shared.rows()
    yield shared
    assert await shared.rows() == before
    status, _ = await shared.api.call("GET", f"/auctions/{shared.auction}")
    assert status == 200


async def test_the_same_requests_without_the_mistakes_do_write(shared: World) -> None:
    """The tests below prove something only if their bodies are right but for one thing."""
    before = await shared.rows()
    await shared.api.sale(shared.cast.admin, **shared.sale())
    other = (await shared.api.sale(shared.cast.admin))["id"]
    status, _ = await shared.api.book(shared.guest, other, key=KEY, body={"max_price": "200.00"})
    assert status == 201
    after = await shared.rows()
    assert after["auction"] == before["auction"] + 2
    assert after["reservation"] == before["reservation"] + 1


@pytest.mark.parametrize("kind", MALFORMED_BODIES)
async def test_a_malformed_body_is_422(world: World, kind: str) -> None:
    for path, by in (
        ("/reservations/book", world.guest),
        ("/auctions/", world.cast.admin),
        ("/auth/login", None),
    ):
        headers = {"Content-Type": "application/json"}
        answer = await world.refused(
            "POST", path, by=by, data=MALFORMED_BODIES[kind], headers=headers
        )
        assert answer == (422, "VALIDATION"), path


@pytest.mark.parametrize("value", INSTANTS, ids=str)
@pytest.mark.parametrize("field", ["start_time", "end_time"])
async def test_an_instant_that_is_none_is_422(world: World, field: str, value: Any) -> None:
    body = world.sale(**{field: value})
    answer = await world.refused("POST", "/auctions/", by=world.cast.admin, json=body)
    assert answer == (422, "VALIDATION")


@pytest.mark.parametrize(("value", "status", "code"), AMOUNTS, ids=str)
async def test_an_amount_that_is_none_is_refused(
    world: World, value: Any, status: int, code: str
) -> None:
    for field in ("start_price", "drop_amount"):
        body = world.sale(**{field: value})
        answer = await world.refused("POST", "/auctions/", by=world.cast.admin, json=body)
        assert answer[0] == status
        if field == "start_price":
            assert answer[1] == code
    body = {"auction_id": world.auction, "max_price": value}
    answer = await world.refused("POST", "/reservations/book", by=world.guest, json=body)
    assert answer == (status, code)


async def test_an_amount_that_json_alone_can_say_is_refused(world: World) -> None:
    for amount in (b"1e400", b"-1e400", b"1e-400", b"1E+9999999", b"0.001"):
        data = b'{"auction_id": %d, "max_price": %s}' % (world.auction, amount)
        status, code = await world.refused(
            "POST",
            "/reservations/book",
            by=world.guest,
            data=data,
            headers={"Content-Type": "application/json"},
        )
        assert (status, code.partition("_")[0]) in ((422, "VALIDATION"), (400, "RULE")), amount


@pytest.mark.parametrize("key", KEYS)
async def test_a_key_that_is_none_is_422(world: World, key: str) -> None:
    answer = await world.refused(
        "POST",
        "/reservations/book",
        by=world.guest,
        key=key,
        json={"auction_id": world.auction},
    )
    assert answer == (422, "VALIDATION")


@pytest.mark.parametrize("number", ["abc", "-1", "0", "1.0", "+1", "%00", "%31x", str(2**64), "٣"])
async def test_a_path_id_that_is_none_is_404(world: World, number: str) -> None:
    for method, path, by in (
        ("GET", f"/auctions/{number}", None),
        ("GET", f"/studios/{number}", None),
        ("POST", f"/auctions/{number}/cancel", world.cast.admin),
        ("GET", f"/reservations/{number}", world.guest),
        ("DELETE", f"/reservations/{number}", world.guest),
    ):
        assert await world.refused(method, path, by=by) == (404, "NOT_FOUND"), path


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "limit=0",
        "limit=101",
        "limit=ten",
        "limit=1&limit=2",
        "sort=random()",
        "status=OPEN",
        "status=DRAFT&status=",
        "cursor=nonsense",
        "cursor=%00",
        "studio_id=-1",
        f"studio_id={2**64}",
        "price_max=NaN",
        "price_max=1e400",
        "scheduled_from=today",
        "q=%00",
        "q=%ff",
        "q=" + "a" * 101,
        "include_computed=perhaps",
    ],
)
async def test_a_query_parameter_that_means_nothing_is_422(world: World, query: str) -> None:
    assert await world.refused("GET", f"/auctions/?{query}") == (422, "VALIDATION")


@pytest.mark.parametrize(
    ("headers", "data", "answer"),
    [
        ({"Content-Type": "text/plain"}, b"{}", (415, "UNSUPPORTED_MEDIA_TYPE")),
        ({"Content-Type": "application/xml"}, b"<a/>", (415, "UNSUPPORTED_MEDIA_TYPE")),
        ({"Content-Type": "nonsense"}, b"{}", (415, "UNSUPPORTED_MEDIA_TYPE")),
        (
            {"Content-Type": "application/json; charset=utf-16"},
            b"{}",
            (415, "UNSUPPORTED_MEDIA_TYPE"),
        ),
        (
            {"Content-Type": "application/json", "Content-Encoding": "br"},
            b"{}",
            (415, "UNSUPPORTED_MEDIA_TYPE"),
        ),
        (
            {"Content-Type": "application/json", "Content-Encoding": "gzip"},
            b"no gzip",
            (415, "UNSUPPORTED_MEDIA_TYPE"),
        ),
        ({"Content-Type": "application/json"}, b" " * 65_537, (413, "PAYLOAD_TOO_LARGE")),
    ],
)
async def test_a_header_or_a_size_that_is_not_taken(
    world: World, headers: dict[str, str], data: bytes, answer: tuple[int, str]
) -> None:
    found = await world.refused(
        "POST", "/reservations/book", by=world.guest, data=data, headers=headers
    )
    assert found == answer


async def test_a_body_without_end_is_413_as_soon_as_it_is_too_large(world: World) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 8_192

    headers = {"Content-Type": "application/json"}
    answer = await world.refused("POST", "/auth/login", data=pieces(), headers=headers)
    assert answer == (413, "PAYLOAD_TOO_LARGE")


async def test_a_method_that_is_not_there_is_405(world: World) -> None:
    path = f"/auctions/{world.auction}"
    assert await world.refused("PATCH", path) == (405, "METHOD_NOT_ALLOWED")
    assert await world.refused("GET", "/nowhere") == (404, "NOT_FOUND")


def unsigned(token: str) -> str:
    """The same claims, signed by nobody."""
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{header}.{token.split('.')[1]}."


async def refresh_token(world: World) -> str:
    """A seeded guest's, who logs in for it."""
    status, body = await world.api.call(
        "POST", "/auth/login", json={"email": world.guest.email, "password": "hot-hour-seed"}
    )
    assert status == 200, body
    return str(body["refresh_token"])


async def test_a_token_that_is_none_is_401(shared: World) -> None:
    good = shared.guest.token
    tokens = {
        "garbage": "garbage",
        "three parts": "a.b.c",
        "signed by nobody": unsigned(good),
        "cut": good[:-3],
        "for refreshing": await refresh_token(shared),
        "too long": "e" * 5_000,
        "empty": "",
    }
    before = await shared.rows()
    body = {"auction_id": shared.auction}
    answer = await shared.refused("POST", "/reservations/book", json=body)
    assert answer == (401, "AUTH_REQUIRED")
    for kind, token in tokens.items():
        for method, path in (("POST", "/reservations/book"), ("GET", "/auctions/")):
            request: dict[str, Any] = {"json": body} if method == "POST" else {}
            found = await shared.refused(method, path, by=Guest(1, token), **request)
            assert found in ((401, "AUTH_INVALID"), (401, "AUTH_REQUIRED")), kind
        if token.isascii() and token:
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                async with live(shared.server.url, Guest(1, token)):
                    pass
            assert caught.value.status == 401, kind
    headers = {"Authorization": f"Basic {good}"}
    answer = await shared.refused("POST", "/reservations/book", json=body, headers=headers)
    assert answer == (401, "AUTH_INVALID")
    assert await shared.rows() == before


@pytest.mark.parametrize("kind", MESSAGES)
async def test_a_malformed_message_is_an_error_and_the_socket_goes_on(
    world: World, kind: str
) -> None:
    async with live(world.server.url, world.guest) as ws:
        await ws.send_json(MESSAGES[kind])
        frame = await ws.receive_json()
        assert (frame["type"], frame["retryable"]) == ("error", False)
        assert frame["code"] == "VALIDATION"
        assert (await ask(ws, type="ping", ref="alive", client_ms=1))["type"] == "pong"


async def test_a_frame_that_is_no_message_is_an_error_until_the_tenth(world: World) -> None:
    async with live(world.server.url) as ws:
        for number, text in enumerate(TEXTS, 1):
            await ws.send_str(text)
            if number < 10:
                frame = await ws.receive_json()
                assert (frame["type"], frame["code"], frame["ref"]) == ("error", "VALIDATION", None)
        while (message := await ws.receive()).type != aiohttp.WSMsgType.CLOSE:
            assert message.json()["code"] == "VALIDATION"
        assert message.data == 4000


@pytest.mark.parametrize(
    ("send", "code"), [(b"binary", 4000), ("x" * 4_097, 1009)], ids=["binary", "too large"]
)
async def test_a_frame_of_another_kind_closes(world: World, send: str | bytes, code: int) -> None:
    async with live(world.server.url) as ws:
        await (ws.send_bytes(send) if isinstance(send, bytes) else ws.send_str(send))
        message = await ws.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, code)
