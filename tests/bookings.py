"""Guests, a desk and /reservations over real sockets, on the shop of tests/shop.py.

The pipeline, the tokens and the database are the real ones; only the hour is the test's. Every
answer is compared with what the OpenAPI document says of its route.
"""

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from openapi_schema_validator import OAS31Validator

from edge import openapi, pipeline
from edge.auth import Authenticator
from edge.remembering import Remembering
from edge.rest import booking, reservations, tickets
from edge.routing import Route
from edge.tokens import TokenMint
from engine.catalog.reservations import Reservations
from engine.domain.messages import Book, Booked, CancelAuction
from engine.ports.accounts import Account
from engine.ports.clock import Clock
from engine.ports.reservations import Scope, Ticket
from engine.settings import Settings
from engine.store.postgres.accounts import PostgresAccounts
from engine.store.postgres.keys import PostgresKeys
from engine.store.postgres.pool import Pool
from engine.store.postgres.reservations import PostgresReservations
from tests.accounts import KEY
from tests.edge.rig import capturing_log, make_tools
from tests.shop import HOUR_MS, Shop, open_shop

Json = dict[str, Any]
SESSION_ID = "0195b7a2-5f0e-7c1a-8a7e-3f1d2c4b5a69"

_GUEST = """
insert into account (email, full_name, phone, gender, email_verified_at)
select format('ayse%s@mail.example.com', n), 'Ayşe Nur Yılmaz', format('+9053211100%s', n),
    'FEMALE', now()
from (select 10 + count(*) as n from account) numbered returning id
"""
_STAFF = """
insert into account (email, full_name, role, studio_id, email_verified_at)
select format('staff%s@example.org', count(*)), 'Staff', $1, $2, now() from account returning id
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account."""

    id: int
    role: str = "customer"
    studio_id: int | None = None
    verified: bool = True
    gender: str | None = "FEMALE"

    def account(self) -> Account:
        """What a token is made of."""
        return Account(self.id, "", "", None, self.gender, self.role, self.studio_id, self.verified)


@dataclass(slots=True)
class Api:
    """Some routes on a real socket, and tokens for whoever asks."""

    client: TestClient[web.Request, web.Application]
    mint: TokenMint
    document: Json

    def headers(self, who: Person | None, **more: str) -> dict[str, str]:
        """Of a request by somebody; names with _ for -."""
        own = {name.replace("_", "-"): value for name, value in more.items()}
        if who is not None:
            token = self.mint.access(who.account(), SESSION_ID, 900)
            own["Authorization"] = f"Bearer {token}"
        return own

    async def call(
        self,
        method: str,
        path: str,
        who: Person | None = None,
        json: object = None,
        **headers: str,
    ) -> ClientResponse:
        """Ask for a path under /api/v1."""
        response = await self.client.request(
            method, pipeline.PREFIX + path, headers=self.headers(who, **headers), json=json
        )
        await self._must_be_documented(method, path.partition("?")[0], response)
        return response

    async def get(self, path: str, who: Person | None = None, **headers: str) -> ClientResponse:
        return await self.call("GET", path, who, **headers)

    async def post(
        self, path: str, who: Person | None = None, json: object = None, **headers: str
    ) -> ClientResponse:
        return await self.call("POST", path, who, json, **headers)

    async def delete(self, path: str, who: Person | None = None, **headers: str) -> ClientResponse:
        return await self.call("DELETE", path, who, **headers)

    async def _must_be_documented(self, method: str, path: str, response: ClientResponse) -> None:
        described = self.document["paths"]
        fitting = [
            known for known in described if re.fullmatch(re.sub(r"{\w+}", "[^/]+", known), path)
        ]
        operation = described[min(fitting, key=lambda known: known.count("{"))][method.lower()]
        content = operation["responses"][str(response.status)].get("content", {})
        if not content:
            assert await response.read() == b""
            return
        schema = content[response.headers["Content-Type"].partition(";")[0]].get("schema")
        if response.content_type.endswith("json"):
            whole = {**schema, "components": self.document["components"]}
            body = await response.json()
            wrong = [error.message for error in OAS31Validator(whole).iter_errors(body)]
            assert not wrong, wrong


@dataclass(slots=True)
class Bookings:
    """A shop where guests book, and its desk."""

    shop: Shop
    store: PostgresReservations
    reservations: Reservations
    api: Api

    async def guest(self) -> Person:
        """A new verified customer."""
        return Person(await self.shop.pool.fetchval(_GUEST))

    async def staff(self, role: str, studio_id: int | None) -> Person:
        """Somebody of a studio's people, or of the platform's."""
        return Person(await self.shop.pool.fetchval(_STAFF, role, studio_id), role, studio_id)

    async def desk(self) -> Person:
        """Somebody at the desk of the shop's own studio."""
        return await self.staff("desk", self.shop.studio_id)

    async def sale(self, **changes: Any) -> int:
        """A sale of three seats; its class is a day after its beginning."""
        class_at_ms = self.shop.clock.now_ms() + 24 * HOUR_MS
        return await self.shop.sale(**({"seats": 3, "class_at_ms": class_at_ms} | changes))

    async def booked(self, guest: Person, auction_id: int | None = None) -> Ticket:
        """What a guest holds after a press; without an auction, in a new one."""
        auction_id = auction_id or await self.sale()
        reply = await self.shop.directory.ask(auction_id, Book(guest.id, guest.gender))
        assert isinstance(reply, Booked)
        return await self.reservations.one(reply.reservation.id, Scope(user_id=guest.id))

    async def cancel_class(self, auction_id: int, reason: str | None = None) -> None:
        """The studio cancels the whole class."""
        owner = self.shop.owner.user_id
        await self.shop.directory.ask(auction_id, CancelAuction(owner, reason))


@asynccontextmanager
async def open_api(pool: Pool, clock: Clock, routes: Iterable[Route]) -> AsyncIterator[Api]:
    """Serve routes through the real pipeline on a socket of this machine."""
    routes, settings, mint = tuple(routes), Settings(), TokenMint(KEY, clock)
    log = capturing_log().logger
    tools = replace(
        make_tools(log),
        authenticator=Authenticator(mint, PostgresAccounts(pool), clock, settings),
        remembering=Remembering(PostgresKeys(pool), log),
    )
    app = web.Application()
    pipeline.install(app, routes, tools)
    async with TestClient(TestServer(app)) as client:
        yield Api(client, mint, openapi.document(routes))


@asynccontextmanager
async def open_bookings(dsn: str) -> AsyncIterator[Bookings]:
    """A shop with its reservations served."""
    async with open_shop(dsn) as shop:
        store = PostgresReservations(shop.pool)
        catalog = Reservations(store, shop.directory)
        routes = (
            *booking.routes(shop.directory),
            *reservations.routes(catalog),
            *tickets.routes(catalog),
        )
        async with open_api(shop.pool, shop.clock, routes) as api:
            yield Bookings(shop, store, catalog, api)
