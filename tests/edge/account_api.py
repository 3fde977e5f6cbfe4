"""/auth behind a real socket: the pipeline, the pages and a real PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from edge import pipeline
from edge.auth import Authenticator
from edge.ratelimit import RateLimits
from edge.rest import auth, auth_pages
from engine.catalog.sessions import SignedIn
from tests.accounts import World, account_world
from tests.edge.rig import make_tools

REGISTER = {
    "email": "ada@example.com",
    "full_name": "Ada Yılmaz",
    "phone": "0532 111 00 01",
    "gender": "FEMALE",
    "password": "correct horse",
}
LOGIN = {"email": "ada@example.com", "password": "correct horse"}


@dataclass(slots=True)
class Answered:
    """What came back."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str:
        found: str = self.body["code"]
        return found


@dataclass(slots=True)
class Api:
    """A client of /auth, and the world behind it."""

    world: World
    authenticator: Authenticator
    client: TestClient[web.Request, web.Application]

    async def post(
        self, name: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> Answered:
        return await self.ask("POST", f"/api/v1/auth/{name}", body, token, headers)

    async def get(self, name: str, *, token: str | None = None) -> Answered:
        return await self.ask("GET", f"/api/v1/auth/{name}", None, token, {})

    async def ask(
        self, method: str, path: str, body: Any, token: str | None, headers: dict[str, str]
    ) -> Answered:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        async with self.client.request(method, path, json=body, headers=sent) as response:
            is_json = response.content_type.endswith("json")
            answer = await response.json() if is_json else await response.text()
            return Answered(response.status, answer, dict(response.headers))

    async def guest(self) -> SignedIn:
        """Ada, registered, verified and logged in."""
        return await self.world.guest()


@asynccontextmanager
async def account_api(dsn: str, *, rate_limits: bool = False, **world: Any) -> AsyncIterator[Api]:
    """Serve the accounts of a database."""
    async with account_world(dsn, **world) as made:
        authenticator = Authenticator(made.mint, made.store, made.clock, made.settings)
        made.on_ended = authenticator.revoke
        mono_ns = made.clock.mono_ns
        tools = replace(
            make_tools(structlog.get_logger(), settings=made.settings),
            authenticator=authenticator,
            rate_limits=RateLimits(made.settings, mono_ns, enabled=rate_limits),
            mono_ns=mono_ns,
        )
        app = web.Application()
        pipeline.install(app, auth.routes(made.accounts, made.sessions), tools)
        auth_pages.install(app, made.accounts, made.mint, tools)
        pipeline.fallback(app, tools)
        await authenticator.start()
        async with TestClient(TestServer(app)) as client:
            yield Api(made, authenticator, client)
        await authenticator.stop()
