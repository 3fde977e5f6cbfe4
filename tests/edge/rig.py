"""A real aiohttp server on a real socket, with whatever routes a test brings.

Tokens read "Bearer <role>:<user id>"; the rest is the product's own.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import structlog
from aiohttp import web
from structlog.typing import FilteringBoundLogger

from edge import pipeline
from edge.addresses import Addresses
from edge.answering import Answers
from edge.endpoint import Tools
from edge.incoming import RequestIds
from edge.listener import Runner
from edge.metrics import Metrics
from edge.ratelimit import RateLimits
from edge.reading import Limits
from edge.remembering import Remembering
from edge.routing import Principal, Route
from engine.errors import AuthExpired, AuthInvalid
from engine.ports.keys import Kept
from engine.settings import Settings

HOST = "127.0.0.1"


class Tokens:
    """Believes what the token says."""

    def principal(self, authorization: str) -> Principal:
        role, _, user_id = authorization.removeprefix("Bearer ").partition(":")
        if role == "expired":
            raise AuthExpired
        if not user_id.isdigit():
            raise AuthInvalid
        return Principal(int(user_id), role, None, None, True, "session", 2**62)


class NoKeys:
    """A KeyStore for tests in which nothing is remembered."""

    async def claim(self, account_id: int, key: str, fingerprint: bytes, ms: int) -> Kept | None:
        raise AssertionError("no route here remembers keys")

    async def settle(self, account_id: int, key: str, answer: Kept) -> None:
        raise AssertionError("no route here remembers keys")

    async def release(self, account_id: int, key: str) -> None:
        raise AssertionError("no route here remembers keys")


@dataclass(frozen=True, slots=True)
class Log:
    """A logger, and the lines it was given."""

    logger: FilteringBoundLogger
    lines: list[Any]


def capturing_log() -> Log:
    """A logger that writes nothing."""
    capture = structlog.testing.LogCapture()
    logger = structlog.wrap_logger(
        structlog.PrintLogger(),
        processors=[capture],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    return Log(logger, capture.entries)


def make_tools(
    log: FilteringBoundLogger,
    *,
    settings: Settings | None = None,
    origins: Iterable[str] = (),
    proxies: Iterable[str] = (),
    rate_limits: bool = False,
    secure: bool = False,
) -> Tools:
    """Tools as the composition root makes them."""
    settings = settings or Settings()
    return Tools(
        authenticator=Tokens(),
        answers=Answers(allowed_origins=origins, secure=secure),
        addresses=Addresses(proxies),
        rate_limits=RateLimits(settings, time.monotonic_ns, enabled=rate_limits),
        remembering=Remembering(NoKeys(), log),
        metrics=Metrics("1.2.3"),
        request_ids=RequestIds("test-rig"),
        body_limits=Limits(
            settings.body_bytes_max, settings.body_timeout_s, settings.json_depth_max
        ),
        mono_ns=time.monotonic_ns,
        log=log,
    )


@dataclass(slots=True)
class Answer:
    """What came back, read to its end."""

    status: int
    headers: Mapping[str, str]
    raw: bytes
    json: Any = None


@dataclass(slots=True)
class Rig:
    """A server that is up, and ways to talk to it."""

    port: int
    tools: Tools
    runner: Runner
    session: aiohttp.ClientSession
    lines: list[Any] = field(default_factory=list)
    """What was logged."""

    async def ask(
        self, method: str, path: str, *, token: str | None = None, **options: Any
    ) -> Answer:
        """One request by a client that is not ours."""
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = f"http://{HOST}:{self.port}{path}"
        async with self.session.request(
            method, url, headers=headers, allow_redirects=False, **options
        ) as got:
            raw = await got.read()
            answer = Answer(got.status, got.headers, raw)
            if "json" in got.headers.get("Content-Type", "") and raw:
                answer.json = await got.json(content_type=None)
            return answer

    async def raw(self, *pieces: bytes, until: bytes | None = None) -> bytes:
        """Send bytes as they are; what comes back until the server closes, or until a marker."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            async with asyncio.timeout(20):
                return await (reader.read() if until is None else reader.readuntil(until))
        finally:
            writer.close()

    def metric(self, line: str) -> float:
        """The present value of a metric, named as in the exposition; 0 when it is not there."""
        for each in self.tools.metrics.exposition().decode().splitlines():
            name, _, value = each.rpartition(" ")
            if name == line:
                return float(value)
        return 0.0


@asynccontextmanager
async def rig(
    *routes: Route,
    mounts: Callable[[web.Application, Tools], None] = lambda _app, _tools: None,
    settings: Settings | None = None,
    keys: Any = None,
    prefix: str = "",
    **options: Any,
) -> AsyncIterator[Rig]:
    """A server with these routes and mounts; `options` are those of `make_tools`."""
    log = capturing_log()
    tools = make_tools(log.logger, settings=settings, **options)
    if keys is not None:
        tools = replace(tools, remembering=Remembering(keys, log.logger))
    app = web.Application()
    pipeline.install(app, routes, tools, prefix=prefix)
    mounts(app, tools)
    pipeline.fallback(app, tools)
    runner = Runner(
        app,
        header_timeout_s=(settings or Settings()).header_timeout_s,
        metrics=tools.metrics,
        request_ids=tools.request_ids,
        log=log.logger,
        shutdown_timeout_s=1.0,
    )
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=20), auto_decompress=False
        ) as session:
            yield Rig(port, tools, runner, session, log.lines)
    finally:
        await runner.cleanup()
