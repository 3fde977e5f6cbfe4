"""The shop behind a real socket: /auctions and /studios, the pipeline, signed tokens.

Every answer is compared with what the OpenAPI document says of its route, so no test can be right
about an answer that the document is wrong about.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from openapi_schema_validator import OAS31Validator

from edge import openapi, pipeline
from edge.addresses import Addresses
from edge.answering import Answers
from edge.endpoint import Tools
from edge.incoming import RequestIds
from edge.metrics import Metrics
from edge.ratelimit import RateLimits
from edge.reading import Limits
from edge.remembering import Remembering
from edge.rest import auctions, studios
from edge.routing import Principal, Reply
from edge.tokens import TokenMint
from engine.catalog.sharing import Shared
from engine.frames import instant
from engine.ports.accounts import Account
from engine.ports.studios import Staff
from engine.settings import Settings
from engine.store.postgres.keys import PostgresKeys
from tests.accounts import KEY
from tests.shop import HOUR_MS, Shop, open_shop

LOBBY_VERSION = 42


class Bearers:
    """Believes our signatures; sessions are not looked up here."""

    def __init__(self, mint: TokenMint) -> None:
        self._mint = mint

    def principal(self, authorization: str) -> Principal:
        return self._mint.read_access(authorization.removeprefix("Bearer "))


@dataclass(slots=True)
class Answered:
    """What came back."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        """Of a problem."""
        found: str = self.body["code"]
        return found

    @property
    def fields(self) -> list[tuple[str, str]]:
        """(field, code) of each error of a problem."""
        return [(each["field"], each["code"]) for each in self.body["errors"]]


@dataclass(slots=True)
class Shopfront:
    """A client, and the shop that it comes to."""

    shop: Shop
    client: TestClient[web.Request, web.Application]
    mint: TokenMint
    document: dict[str, Any]

    async def ask(
        self,
        method: str,
        path: str,
        *,
        by: Staff | str | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """Ask /api/v1 as staff, as somebody of a role, or as nobody."""
        sent = {"Accept-Language": "en", **(headers or {})}
        if by is not None:
            sent["Authorization"] = f"Bearer {self.token(by)}"
        url = f"/api/v1{path}"
        async with self.client.request(method, url, json=body, headers=sent) as response:
            is_json = response.content_type.endswith("json")
            found = await response.json() if is_json else await response.text()
            answered = Answered(response.status, found, response.headers.copy())
        self._must_be_documented(method, path.partition("?")[0], answered)
        return answered

    async def get(self, path: str, **more: Any) -> Answered:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> Answered:
        return await self.ask("POST", path, body=body, **more)

    async def put(self, path: str, body: Any = None, **more: Any) -> Answered:
        return await self.ask("PUT", path, body=body, **more)

    def token(self, by: Staff | str) -> str:
        """A token of staff of the shop, or of somebody with a role: desk is of its studio."""
        if isinstance(by, Staff):
            role = "platform_admin" if by.platform else "studio_admin"
            account = _account(by.user_id, role, by.studio_id)
        else:
            account = _account(999, by, self.shop.studio_id if by == "desk" else None)
        return self.mint.access(account, "00000000-0000-4000-8000-000000000000", 900)

    def form(self, **changes: Any) -> dict[str, Any]:
        """A body for POST /auctions/: four hours from now on, 100.00 to 10.00."""
        now_ms = self.shop.clock.now_ms()
        plain = {
            "title": "Sabah Yogası",
            "start_price": "100.00",
            "floor_price": "10.00",
            "drop_amount": "5.00",
            "drop_interval_secs": 1_800,
            "start_time": instant(now_ms),
            "end_time": instant(now_ms + 4 * HOUR_MS),
        }
        return {name: value for name, value in (plain | changes).items() if value is not ...}

    def _must_be_documented(self, method: str, path: str, answered: Answered) -> None:
        template = re.sub(r"/\d+", "/{id}", path.rstrip("/"))
        spelling = {re.sub(r"\{\w+\}", "{id}", known): known for known in self.document["paths"]}
        if template not in spelling or answered.status == 304:
            return
        operation = self.document["paths"][spelling[template]][method.lower()]
        assert str(answered.status) in operation["responses"], f"{answered} is not documented"
        content = operation["responses"][str(answered.status)].get("content", {})
        for media_type in content.values():
            schema = {**media_type["schema"], "components": self.document["components"]}
            wrong = [error.message for error in OAS31Validator(schema).iter_errors(answered.body)]
            assert not wrong, wrong


@asynccontextmanager
async def open_shopfront(dsn: str) -> AsyncIterator[Shopfront]:
    """A shop on a fresh database, served."""
    async with open_shop(dsn) as shop:
        mint = TokenMint(KEY, shop.clock)
        settings = Settings(reads_burst=1_000_000)
        lists: Shared[Reply] = Shared(count().__next__, shop.clock, settings)
        routes = (
            *auctions.routes(shop.auctions, shop.listings, lambda: LOBBY_VERSION, lists),
            *studios.routes(shop.studios),
        )
        tools = _tools(shop, mint)
        app = web.Application()
        pipeline.install(app, routes, tools)
        pipeline.fallback(app, tools)
        async with TestClient(TestServer(app)) as client:
            yield Shopfront(shop, client, mint, openapi.document(routes))


def _tools(shop: Shop, mint: TokenMint) -> Tools:
    settings, log = Settings(), structlog.get_logger()
    return Tools(
        authenticator=Bearers(mint),
        answers=Answers(),
        addresses=Addresses(),
        rate_limits=RateLimits(settings, shop.clock.mono_ns, enabled=False),
        remembering=Remembering(PostgresKeys(shop.pool), log),
        metrics=Metrics("test"),
        request_ids=RequestIds("shop-tests"),
        body_limits=Limits(
            body_bytes_max=settings.body_bytes_max,
            body_timeout_s=settings.body_timeout_s,
            json_depth_max=settings.json_depth_max,
        ),
        mono_ns=shop.clock.mono_ns,
        log=log,
    )


def _account(user_id: int, role: str, studio_id: int | None) -> Account:
    return Account(user_id, "x@example.org", "X", None, None, role, studio_id, True)
