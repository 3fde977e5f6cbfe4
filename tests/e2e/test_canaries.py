"""Nothing personal reaches whoever did not sign in, another guest, or the log.

Everybody here has a name, an address, a number and an id that occur nowhere else. They do all that
can be done while strangers watch and ask; then everything that strangers heard is searched.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import orjson

from tests.e2e.program import Api, Cast, Guest, ask, client, instant, live, seed, serving
from tests.engine.world import eventually

FIRST_ID = 7_340_921_000
"""Long enough not to be part of an instant, a price or another number."""
KEY = "canary-key-of-the-first-press"
SETTINGS = {"HOTHOUR_LOG_LEVEL": "debug"}


@dataclass(slots=True)
class Ear:
    """Everything a stranger or another guest has heard."""

    heard: list[str] = field(default_factory=list)

    async def listen(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for message in ws:
            self.heard.append(str(message.data))

    def types(self) -> set[str]:
        return {orjson.loads(text)["type"] for text in self.heard if text.startswith('{"')}

    def found(self, canaries: set[str]) -> list[tuple[str, str]]:
        """(canary, what it was heard in), of all that was heard."""
        return [(bird, text) for text in self.heard for bird in canaries if bird in text]


@asynccontextmanager
async def listening(
    url: str, auctions: list[int], mode: str, by: Guest | None = None
) -> AsyncIterator[Ear]:
    """An ear on a socket that watches these sales and the lobby."""
    ear = Ear()
    async with live(url, by) as ws:
        await ws.send_json(
            {"type": "subscribe_auction", "ref": 1, "auction_ids": auctions, "mode": mode}
        )
        await ws.send_json({"type": "subscribe_lobby", "ref": 2})
        if by is not None:
            await ws.send_json({"type": "subscribe_user", "ref": 3})
        hears = asyncio.ensure_future(ear.listen(ws))
        await eventually(lambda: len(ear.heard) >= (2 if by is None else 3))
        yield ear
        await ws.close()
        await hears


@dataclass(slots=True)
class World:
    """A server, who is there, and what nobody else may hear of them."""

    api: Api
    cast: Cast
    database: asyncpg.Connection
    owners: Ear = field(default_factory=Ear)

    async def canaries(self) -> set[str]:
        """Everything personal or secret that the database and the tokens hold."""
        people = await self.database.fetch("select * from account")
        seats = await self.database.fetch("select * from reservation")
        birds = {str(person["id"]) for person in people}
        for name in ("email", "phone", "full_name", "password_hash"):
            birds |= {person[name] for person in people if person[name]}
        for name in ("code", "qr_token", "key"):
            birds |= {str(seat[name]) for seat in seats if seat[name]}
        birds |= {str(each["id"]) for each in await self.database.fetch("select id from session")}
        return birds | {guest.token for guest in [*self.cast.guests, self.cast.admin]}

    async def do(self, method: str, path: str, by: Guest, **request: Any) -> Any:
        """Something that works, heard by its owner."""
        status, body = await self.api.call(method, path, by=by, **request)
        assert status < 300, (method, path, body)
        self.owners.heard.append(orjson.dumps(body).decode())
        return body


@asynccontextmanager
async def peopled(folder: Path, database: str) -> AsyncIterator[World]:
    """A server on a database in which everybody is unmistakable."""
    db = await asyncpg.connect(database)
    await db.execute(f"alter table account alter column id restart with {FIRST_ID}")
    settings = {**SETTINGS, "HOTHOUR_DATABASE_URL": database}
    try:
        async with serving(folder, **settings) as server, client(server.url) as api:
            cast = await seed(folder, 6, **settings)
            world = World(api, cast, db)
            for guest in [*cast.guests, cast.admin]:
                mark = uuid.uuid4().hex[:10]
                await db.execute(
                    "update account set full_name = $2, phone = $3 where id = $1",
                    guest.id,
                    f"Kanarya{mark}",
                    f"+90{5_300_000_000 + guest.id % 1_000}",
                )
            yield world
            birds = await world.canaries()
            assert len(birds) > 40
            log = Ear([server.log])
            assert "draining" not in server.log
            assert log.found(birds) == []
            assert "Traceback" not in server.log
    finally:
        await db.close()


async def everything_happens(world: World, sale: int, turbo: int, doomed: int) -> None:
    """Bookings both ways, a cancel that relists, a check-in, turbo, a class that is called off."""
    one, two, three, four = world.cast.guests[:4]
    admin = world.cast.admin
    booked = await world.do("POST", "/reservations/book", one, json={"auction_id": sale}, key=KEY)
    async with live(world.api.url, two) as ws:
        answer = await ask(
            ws, type="book", ref="r", auction_id=sale, idempotency_key=f"canary-{uuid.uuid4().hex}"
        )
        assert answer["type"] == "ok", answer
        world.owners.heard.append(orjson.dumps(answer).decode())
        await world.do("DELETE", f"/reservations/{answer['result']['id']}", two)
    await world.do("POST", f"/auctions/{sale}/broadcast-price", admin)
    await world.do("POST", "/reservations/book", three, json={"auction_id": sale})
    await world.do("POST", f"/auctions/{turbo}/trigger-turbo", admin, json={"force": True})
    await world.do("POST", "/reservations/book", four, json={"auction_id": doomed})
    await world.do("POST", f"/auctions/{doomed}/cancel", admin, json={"reason": "Eğitmen hasta"})
    await world.do("POST", f"/reservations/{booked['id']}/check-in", admin)
    await world.do("GET", "/auth/me", one)


async def strangers_ask(world: World, auctions: list[int], ear: Ear) -> None:
    """Every public route, and the others without a token."""
    studio = world.cast.studio_id
    paths = [
        *(f"/auctions/{auction}" for auction in auctions),
        *(f"/auctions/{auction}?include_computed=true" for auction in auctions),
        *(f"/auctions/{auction}/history" for auction in auctions),
        "/auctions/",
        "/auctions/?include_computed=true",
        *(f"/auctions/?status={each}" for each in ("ACTIVE", "SOLD", "CANCELLED", "EXPIRED")),
        f"/auctions/?studio_id={studio}&q=yoga",
        "/studios",
        f"/studios/{studio}",
        "/health",
        "/health/ready",
        "/metrics",
        "/openapi.json",
        "/reservations/my/all",
        "/reservations/1",
        "/studios/me/reservations",
        "/auth/me",
    ]
    for path in paths:
        async with world.api.session.get(f"{world.api.url}/api/v1{path}") as answer:
            ear.heard.append(f"{path} {dict(answer.headers)} {await answer.text()}")


async def test_no_stranger_and_no_other_guest_hears_anything_personal(
    tmp_path: Path, database: str
) -> None:
    async with peopled(tmp_path, database) as world, AsyncExitStack() as stack:
        admin, url = world.cast.admin, world.api.url
        sale = (await world.api.sale(admin, seats=2))["id"]
        doomed = (await world.api.sale(admin, title="Pilates"))["id"]
        turbo = (
            await world.api.sale(
                admin,
                turbo_enabled=True,
                turbo_drop_amount="10.00",
                turbo_trigger_secs=600,
                turbo_interval_secs=1,
                drop_interval_secs=2,
            )
        )["id"]
        auctions = [sale, doomed, turbo]
        strangers = [
            await stack.enter_async_context(listening(url, auctions, mode))
            for mode in ("ticks", "schedule")
        ]
        bystander = world.cast.guests[5]
        other = await stack.enter_async_context(listening(url, auctions, "ticks", bystander))
        await everything_happens(world, sale, turbo, doomed)
        asked = Ear()
        await strangers_ask(world, auctions, asked)
        expected = {"auction_booked", "auction_updated", "turbo_triggered", "lobby_update"}
        await eventually(lambda: expected | {"price_update"} <= strangers[0].types(), 10)
        await eventually(lambda: expected <= strangers[1].types() & other.types(), 10)
        birds = await world.canaries()
        await _owners_do_hear(world, birds)
        for ear in (*strangers, asked):
            assert ear.found(birds) == []
        own = await _own_canaries(world, bystander)
        assert other.found(birds - own) == []


async def _owners_do_hear(world: World, birds: set[str]) -> None:
    """The search finds what is there: guests are told their own codes, ids and names."""
    codes = {row["code"] for row in await world.database.fetch("select code from reservation")}
    assert len(codes) == 4
    assert {bird for bird, _ in world.owners.found(codes)} == codes
    heard = {bird for bird, _ in world.owners.found(birds)}
    assert str(world.cast.guests[0].id) in heard
    assert world.cast.guests[0].email in heard
    assert any(bird.startswith("Kanarya") for bird in heard)


async def _own_canaries(world: World, guest: Guest) -> set[str]:
    row = await world.database.fetchrow("select * from account where id = $1", guest.id)
    assert row is not None
    return {str(guest.id), row["email"], row["full_name"], guest.token}


async def test_what_belongs_to_another_guest_is_not_there(tmp_path: Path, database: str) -> None:
    async with peopled(tmp_path, database) as world:
        owner, other = world.cast.guests[:2]
        sale = (await world.api.sale(world.cast.admin, start_time=instant(-60)))["id"]
        booked = await world.do("POST", "/reservations/book", owner, json={"auction_id": sale})
        number, code = booked["id"], booked["booking_code"]
        foreign = [
            ("GET", f"/reservations/{number}"),
            ("DELETE", f"/reservations/{number}"),
            ("GET", f"/reservations/{number}/qr.svg"),
            ("GET", f"/reservations/{number}/calendar.ics"),
            ("POST", f"/reservations/{code}/trigger-manual"),
        ]
        for method, path in foreign:
            status, problem = await world.api.call(method, path, by=other)
            assert (status, problem["code"]) == (404, "NOT_FOUND"), path
            absent = path.replace(str(number), str(number + 1)).replace(code, "HOT-2222")
            _, of_nothing = await world.api.call(method, absent, by=other)
            same = ("type", "title", "status", "detail", "code", "errors")
            assert [problem[each] for each in same] == [of_nothing[each] for each in same]
        status, problem = await world.api.call(
            "POST",
            "/reservations/book",
            by=other,
            json={"auction_id": sale, "user_id": owner.id},
        )
        assert (status, problem["code"]) == (403, "FORBIDDEN")
        status, mine = await world.api.call("GET", "/reservations/my/all", by=other)
        assert (status, mine["reservations"], mine["count"]) == (200, [], 0)
        status, _ = await world.api.call("GET", f"/reservations/{number}", by=owner)
        assert status == 200, "it was there all the time"
