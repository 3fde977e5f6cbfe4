"""A key's request is carried out once, whatever is sent twice, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from edge.remembering import fingerprint
from edge.routing import Access, Call, Reply, Route
from edge.wire.base import Body
from engine.errors import Busy, NotStarted, UnknownOutcome
from engine.ports.keys import Kept
from engine.store.postgres.keys import PostgresKeys
from engine.store.postgres.pool import ConnectSettings, Pool, open_pool
from tests.edge.rig import Answer, Rig, rig

KEY = "k" * 16


class Title(Body):
    title: str = ""
    nested: dict[str, int] | None = None


@dataclass(slots=True)
class Desk:
    """Carries out what it is asked, as it is told to."""

    done: int = 0
    fails_with: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def create(self, call: Call) -> Reply:
        self.begun.set()
        await self.gate.wait()
        if self.fails_with is not None:
            raise self.fails_with
        self.done += 1
        return Reply(201, {"id": self.done, "title": call.body.title})

    async def empty(self, _: Call) -> Reply:
        self.done += 1
        return Reply(204)

    async def stale(self, _: Call) -> Reply:
        self.done += 1
        return Reply(304)

    def routes(self) -> tuple[Route, ...]:
        def route(path: str, handler: Any, **options: Any) -> Route:
            return Route(
                method="POST",
                path=path,
                handler=handler,
                summary="",
                tag="test",
                remembers_key=True,
                **{"access": Access.STAFF, **options},
            )

        return (
            route("/things", self.create, body=Title),
            route("/others", self.create, body=Title),
            route("/things/{thing_id}/publish", self.empty),
            route("/stale", self.stale),
            route("/public", self.empty, access=Access.PUBLIC),
        )


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database, ConnectSettings())
    await opened.execute(
        "insert into account (email, full_name) values ('a@x.tr', 'A'), ('b@x.tr', 'B')"
    )
    yield opened
    await opened.close()


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.gate.set()
    return desk


async def ask(server: Rig, path: str = "/things", body: Any = None, **options: Any) -> Answer:
    headers = {"Idempotency-Key": KEY, **options.pop("headers", {})}
    options = {"token": "studio_admin:1", "json": body or {"title": "Yoga"}, **options}
    return await server.ask("POST", path, headers=headers, **options)


async def test_the_second_request_hears_the_first_ones_answer(pool: Pool, desk: Desk) -> None:
    async with rig(*desk.routes(), keys=PostgresKeys(pool)) as server:
        first, second = await ask(server), await ask(server)
    assert (first.status, first.json) == (201, {"id": 1, "title": "Yoga"})
    assert (second.status, second.raw) == (first.status, first.raw)
    assert second.headers["Content-Type"] == "application/json"
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert desk.done == 1


async def test_an_empty_answer_is_given_again_as_well(pool: Pool, desk: Desk) -> None:
    async with rig(*desk.routes(), keys=PostgresKeys(pool)) as server:
        first = await ask(server, "/things/7/publish")
        second = await ask(server, "/things/7/publish/")
    assert (first.status, second.status, second.raw) == (204, 204, b"")
    assert second.headers["Idempotency-Replayed"] == "true"
    assert desk.done == 1


async def test_without_a_key_everything_is_done_again(pool: Pool, desk: Desk) -> None:
    async with rig(*desk.routes(), keys=PostgresKeys(pool)) as server:
        for _ in range(2):
            got = await server.ask("POST", "/things", token="studio_admin:1", json={})
            assert got.status == 201
    assert desk.done == 2


async def test_another_user_and_another_key_are_other_requests(pool: Pool, desk: Desk) -> None:
    async with rig(*desk.routes(), keys=PostgresKeys(pool)) as server:
        await ask(server)
        await ask(server, token="studio_admin:2")
        await ask(server, headers={"Idempotency-Key": "m" * 16})
    assert desk.done == 3


@pytest.mark.parametrize(
    ("path", "body"), [("/things", {"title": "Pilates"}), ("/others", {"title": "Yoga"})]
)
async def test_the_same_key_for_another_request_is_refused(
    pool: Pool, desk: Desk, path: str, body: Any
) -> None:
    async with rig(*desk.routes(), keys=PostgresKeys(pool)) as server:
        await ask(server)
        got = await ask(server, path, body)
    assert (got.status, got.json["code"]) == (422, "KEY_REUSED")
    assert desk.done == 1


async def test_a_refusal_is_decided_anew(pool: Pool, desk: Desk) -> None:
    desk.fails_with = NotStarted()
    async with rig(*desk.routes(), keys=PostgresKeys(pool)) as server:
        assert (await ask(server)).json["code"] == "NOT_STARTED"
        desk.fails_with = None
        assert (await ask(server)).status == 201


async def test_what_broke_may_be_tried_again(pool: Pool, desk: Desk) -> None:
    desk.fails_with = RuntimeError("inside")
    async with rig(*desk.routes(), keys=PostgresKeys(pool)) as server:
        assert (await ask(server)).status == 500
        desk.fails_with = None
        assert (await ask(server)).status == 201


async def test_what_may_have_been_done_is_not_done_again(pool: Pool, desk: Desk) -> None:
    desk.fails_with = UnknownOutcome()
    async with rig(*desk.routes(), keys=PostgresKeys(pool)) as server:
        assert (await ask(server)).json["code"] == "UNKNOWN_OUTCOME"
        desk.fails_with = None
        assert (await ask(server)).json["code"] == "BUSY"
    assert desk.done == 0


async def test_an_answer_that_changed_nothing_is_not_kept(pool: Pool, desk: Desk) -> None:
    async with rig(*desk.routes(), keys=PostgresKeys(pool)) as server:
        await ask(server, "/stale")
        await ask(server, "/stale")
    assert desk.done == 2


async def test_two_at_once_are_carried_out_once(pool: Pool, desk: Desk) -> None:
    desk.gate.clear()
    async with rig(*desk.routes(), keys=PostgresKeys(pool)) as server:
        first = asyncio.create_task(ask(server))
        await desk.begun.wait()
        second = await ask(server)
        desk.gate.set()
        assert (await first).status == 201
        third = await ask(server)
    assert (second.status, second.json["code"]) == (503, "BUSY")
    assert second.headers["Retry-After"] == "1"
    assert (third.status, third.json["id"]) == (201, 1)
    assert desk.done == 1


async def test_a_key_is_looked_at_after_token_and_role(pool: Pool, desk: Desk) -> None:
    async with rig(*desk.routes(), keys=PostgresKeys(pool)) as server:
        await ask(server)
        assert (await ask(server, token="customer:1")).status == 403
        assert (await ask(server, token=None)).status == 401


async def test_whoever_has_no_account_has_no_keys(pool: Pool, desk: Desk) -> None:
    async with rig(*desk.routes(), keys=PostgresKeys(pool)) as server:
        for _ in range(2):
            assert (await ask(server, "/public", token=None)).status == 204
    assert desk.done == 2


class Forgetful:
    """A store that claims and then loses its database."""

    async def claim(self, account_id: int, key: str, fingerprint: bytes, ms: int) -> Kept | None:
        return None

    async def settle(self, account_id: int, key: str, answer: Kept) -> None:
        raise Busy

    async def release(self, account_id: int, key: str) -> None:
        raise Busy


async def test_what_was_done_is_answered_even_if_it_cannot_be_kept(desk: Desk) -> None:
    async with rig(*desk.routes(), keys=Forgetful()) as server:
        assert (await ask(server)).status == 201
        desk.fails_with = NotStarted()
        assert (await ask(server)).json["code"] == "NOT_STARTED"
        assert [line["log_level"] for line in server.lines] == ["warning", "warning"]


async def test_without_a_database_nothing_is_begun(database: str, desk: Desk) -> None:
    closed = await open_pool(database, ConnectSettings())
    await closed.close()
    async with rig(*desk.routes(), keys=PostgresKeys(closed)) as server:
        got = await ask(server)
    assert (got.status, got.json["code"]) == (503, "BUSY")
    assert desk.done == 0


def test_requests_are_told_apart_by_what_they_mean() -> None:
    def of(body: bytes, path: str = "/a", query: str = "", method: str = "POST") -> bytes:
        return fingerprint(method, path, query, body)

    assert len(of(b"")) == 32
    assert of(b'{"a":1,"b":{"c":2,"d":3}}') == of(b'{ "b": {"d": 3, "c": 2},\n "a": 1 }')
    assert of(b"{}", "/a/") == of(b"{}", "/a")
    different = [
        of(b"{}"),
        of(b'{"a":1}'),
        of(b'{"a":"1"}'),
        of(b""),
        of(b"{}", "/b"),
        of(b"{}", query="x=1"),
        of(b"{}", method="PUT"),
        of(b"", "/a", "{}"),
    ]
    assert len(set(different)) == len(different)
