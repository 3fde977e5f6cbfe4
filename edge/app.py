"""Composition root: builds the node and the HTTP side on their adapters, starts and stops both.

A `Server` is one process' whole life: `start` returns when it can book, `stop` when nothing that
was accepted is left undone. Who needs what is told here, once, in constructors.
"""

import asyncio
import resource
import secrets
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, fields
from random import SystemRandom
from typing import Any, Final

from aiohttp import web
from structlog.typing import FilteringBoundLogger

from edge import openapi, pipeline
from edge.adapters import Stores, prepare
from edge.addresses import Addresses
from edge.answering import Answers
from edge.auth import Authenticator
from edge.binding import bind, opened
from edge.config import Config
from edge.endpoint import Tools
from edge.garbage import look_again, spared
from edge.hashing import HashLane
from edge.hub import Hub
from edge.incoming import RequestIds, language_of
from edge.lag import LoopLag
from edge.listener import Runner
from edge.live import LiveChannel
from edge.mailer import HouseMailer
from edge.mails_accounts import AccountLinks
from edge.metrics import Metrics
from edge.posting import FolderPost, Post, SmtpPost, smtp_server
from edge.ratelimit import RateLimits
from edge.reading import Limits
from edge.remembering import Remembering
from edge.rest import (
    auctions,
    auth,
    auth_pages,
    booking,
    docs,
    health,
    metrics,
    reservations,
    studios,
    tickets,
)
from edge.rest.health import Checks, Readiness
from edge.routing import Reply, Route
from edge.tokens import TokenMint
from engine.bus.local import LocalBus
from engine.catalog.accounts import Accounts
from engine.catalog.auctions import Auctions
from engine.catalog.listings import Listings
from engine.catalog.login_delays import LoginDelays
from engine.catalog.reservations import Reservations
from engine.catalog.sessions import Sessions
from engine.catalog.sharing import Shared
from engine.catalog.studios import Studios
from engine.clock import AnchoredClock
from engine.directory import Directory
from engine.errors import HotHourError
from engine.node import Node, Ports
from engine.settings import Settings

DATABASE_TIMEOUT_S: Final = 1.0
"""A database that takes longer to say anything is not there, as far as readiness goes."""
DESCRIPTORS_KEPT: Final = 200
"""Of the process' descriptors, for the database, files and ordinary requests."""
NODE_STOP_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """What the routes stand on."""

    accounts: Accounts
    sessions: Sessions
    sales: Auctions
    listings: Listings
    seats: Reservations
    studios: Studios
    directory: Directory
    lobby_version: Callable[[], int]
    lists: Shared[Reply]
    readiness: Readiness


def table(cases: UseCases) -> tuple[Route, ...]:
    """Every route under /api/v1 but health and metrics, which are at the root, too."""
    return (
        *auth.routes(cases.accounts, cases.sessions),
        *auctions.routes(cases.sales, cases.listings, cases.lobby_version, cases.lists),
        *booking.routes(cases.directory),
        *reservations.routes(cases.seats),
        *tickets.routes(cases.seats),
        *studios.routes(cases.studios),
    )


def document() -> dict[str, Any]:
    """The OpenAPI document. It is made from the table alone, so nobody has to stand behind it."""
    nobody: Any = None
    cases = UseCases(**{field.name: nobody for field in fields(UseCases)})
    everywhere = (*health.routes(nobody), *metrics.routes(nobody, nobody))
    return openapi.document((*table(cases), *everywhere))


def clock_for(settings: Settings, metrics_: Metrics) -> AnchoredClock:
    """The one clock of a process."""
    return AnchoredClock(
        step_ms_max=settings.clock_step_ms_max,
        slew_ppm=settings.clock_slew_ppm,
        ahead_ms_max=settings.high_water_ahead_ms_max,
        telemetry=metrics_,
    )


class Server:
    """Build it with what it needs, `start`, later `stop`. `superseded` is set when this process
    must end because another one bears its name or a part of it broke."""

    def __init__(
        self,
        config: Config,
        *,
        url: str,
        dsn: str,
        node_id: str,
        key: str,
        listener: socket.socket,
        log: FilteringBoundLogger,
        show: Callable[[str], object],
        metrics_: Metrics,
    ) -> None:
        """`url`: how guests reach us. `listener`: bound, not listening yet. `key`: signs tokens.
        `show`: a line for whoever sits at the terminal, which the log must not hold."""
        self._config = config
        self._url = url
        self._dsn = dsn
        self._node_id = node_id
        self._key = key
        self._listener = listener
        self._log = log
        self._show = show
        self._metrics = metrics_
        self._clock = clock_for(config.engine, metrics_)
        self._lag = LoopLag(self._clock.mono_ns, metrics_.loop_lag)
        self._stack = AsyncExitStack()
        self.superseded = asyncio.Event()

    async def start(self) -> None:
        """Become bookable and listen. Raises StoreUnavailable, UnsafeDatabase, MigrationError,
        ClockWrong, StoreError; what was opened by then is closed again."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop(self) -> None:
        """Drain and end: no accepted press is lost, sockets are told when to come back.

        While this runs the listener stays open, so that readiness can say 503.
        """
        self._log.info("draining", sockets=self._live.open_sockets)
        await asyncio.gather(self._drain_node(), self._live.drain())
        await self._stack.aclose()
        self._log.info("stopped")

    async def _drain_node(self) -> None:
        try:
            async with asyncio.timeout(NODE_STOP_TIMEOUT_S):
                await self._node.drain()
        except TimeoutError:
            self._log.error("a commit's outcome is still unknown; a retry with its key will tell")

    async def _start(self) -> None:
        config, settings, stack = self._config, self._config.engine, self._stack
        await prepare(self._dsn, allow_unsafe=config.allow_unsafe_database)
        stores = self._stores = await Stores.open(self._dsn, settings)
        stack.push_async_callback(stores.close)
        mint = TokenMint(self._key, self._clock)
        mailer = self._mailer(mint)
        stack.push_async_callback(mailer.close)
        node = self._node = Node(
            self._node_id,
            Ports(
                commits=stores.commits,
                schedule=stores.schedule,
                leases=stores.leases,
                outbox=stores.outbox,
                bus=LocalBus(),
                mailer=mailer,
                clock=self._clock,
                rng=SystemRandom(),
                telemetry=self._metrics,
            ),
            settings,
            superseded=self.superseded.set,
        )
        hub = Hub(
            views=node.directory,
            settings=settings,
            clock=self._clock,
            timers=node.timers,
            meters=self._metrics,
        )
        node.bus.attach(hub)
        authenticator = Authenticator(mint, stores.accounts, self._clock, settings)
        await authenticator.start()
        stack.push_async_callback(authenticator.stop)
        stack.push_async_callback(self._stop_node)
        stack.callback(look_again)
        with spared():
            await node.start()
        await self._serve(hub, authenticator, mint)

    def _mailer(self, mint: TokenMint) -> HouseMailer:
        config = self._config
        if config.smtp_url:
            post: Post = SmtpPost(smtp_server(config.smtp_url), self._clock)
        else:
            post = FolderPost(config.data_dir / "mail", self._show)
        return HouseMailer(
            self._stores.accounts,
            self._stores.reservations,
            AccountLinks(self._url, mint, config.engine),
            post,
            self._clock,
            sender=config.mail_from,
            counted=self._metrics.mailed,
        )

    async def _stop_node(self) -> None:
        try:
            async with asyncio.timeout(NODE_STOP_TIMEOUT_S):
                await self._node.stop()
        except TimeoutError:
            self._log.error("gave up waiting for the node to stop")

    async def _serve(self, hub: Hub, authenticator: Authenticator, mint: TokenMint) -> None:
        settings, stack = self._config.engine, self._stack
        tools = self._tools(authenticator)
        live = self._live = await self._live_channel(hub, authenticator, tools)
        authenticator.on_revoked(live.revoked)
        stack.push_async_callback(live.stop)
        hashing = HashLane(settings)
        stack.callback(hashing.close)
        app = web.Application()
        cases = self._cases(hub, authenticator, mint, hashing)
        everywhere = health.routes(cases.readiness)
        if not self._config.metrics_port:
            everywhere += metrics.routes(self._metrics.exposition, tools.addresses)
        pipeline.install(app, (*table(cases), *everywhere), tools)
        pipeline.install(app, everywhere, tools, prefix="")
        pipeline.mount(app, "/ws", {"GET": live.handle}, tools)
        docs.install(app, document, tools)
        auth_pages.install(app, cases.accounts, mint, tools)
        pipeline.fallback(app, tools)
        self._lag.start(asyncio.get_running_loop())
        stack.callback(self._lag.stop)
        await self._listen(app, tools)

    async def _listen(self, app: web.Application, tools: Tools) -> None:
        settings = self._config.engine
        runner = Runner(
            app,
            header_timeout_s=settings.header_timeout_s,
            metrics=self._metrics,
            request_ids=tools.request_ids,
            log=self._log,
            shutdown_timeout_s=settings.drain_abort_s,
        )
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        if self._config.metrics_port:
            own = web.AppRunner(metrics.application(self._metrics.exposition))
            await own.setup()
            self._stack.push_async_callback(own.cleanup)
            await opened(own, bind(self._config.host, self._config.metrics_port))
        await opened(runner, self._listener, settings.listen_backlog)

    def _tools(self, authenticator: Authenticator) -> Tools:
        config, settings = self._config, self._config.engine
        return Tools(
            authenticator=authenticator,
            answers=Answers(
                allowed_origins=config.allowed_origins,
                secure=self._url.startswith("https://"),
            ),
            addresses=Addresses(config.trusted_proxies),
            rate_limits=RateLimits(settings, self._clock.mono_ns, enabled=config.rate_limits),
            remembering=Remembering(self._stores.keys, self._log),
            metrics=self._metrics,
            request_ids=RequestIds(secrets.token_hex(6)),
            body_limits=Limits(
                body_bytes_max=settings.body_bytes_max,
                body_timeout_s=settings.body_timeout_s,
                json_depth_max=settings.json_depth_max,
            ),
            mono_ns=self._clock.mono_ns,
            log=self._log,
        )

    async def _live_channel(
        self, hub: Hub, authenticator: Authenticator, tools: Tools
    ) -> LiveChannel:
        settings = self._config.engine

        def refuse(error: HotHourError, request: web.Request) -> web.StreamResponse:
            language = language_of(request.headers.get("Accept-Language"))
            request_id = tools.request_ids.of(request.headers.get("X-Request-ID"))
            return tools.answers.refusal(error, request, request_id, language)

        return LiveChannel(
            hub=hub,
            asks=self._node.directory,
            outbox=self._stores.outbox,
            bearer=authenticator.bearer,
            refuse=refuse,
            address_of=lambda request: tools.addresses.client(request.remote, request.headers),
            origins=self._config.allowed_origins,
            epoch=await self._stores.epoch(),
            sockets_max=sockets_max(settings),
            counts_clients=self._config.rate_limits,
            settings=settings,
            clock=self._clock,
            timers=self._node.timers,
            meters=self._metrics,
        )

    def _cases(
        self, hub: Hub, authenticator: Authenticator, mint: TokenMint, hashing: HashLane
    ) -> UseCases:
        stores, node, clock, settings = self._stores, self._node, self._clock, self._config.engine
        delays = LoginDelays(clock, settings, enabled=self._config.rate_limits)
        studios_ = Studios(stores.studios)

        def changes() -> tuple[int, int]:
            return hub.lobby.changes, studios_.edits

        return UseCases(
            accounts=Accounts(
                stores.accounts,
                hashing,
                mint,
                delays,
                clock,
                settings,
                verification=self._config.email_verification,
                ended=authenticator.revoke,
                mailed=node.outbox.wake,
            ),
            sessions=Sessions(
                stores.accounts, hashing, mint, delays, clock, settings, ended=authenticator.revoke
            ),
            sales=Auctions(stores.auctions, node.directory, node.supervisor, node.bus, clock),
            listings=Listings(
                stores.auctions,
                clock,
                present=node.directory.present,
                changes=changes,
                settings=settings,
            ),
            seats=Reservations(stores.reservations, node.directory),
            studios=studios_,
            directory=node.directory,
            lobby_version=lambda: hub.lobby.version,
            lists=Shared(changes, clock, settings),
            readiness=self,
        )

    # --- readiness -------------------------------------------------------------------------------

    async def check(self) -> Checks:
        """How this process is (health.Readiness)."""
        return Checks(
            database=await self._stores.answers(DATABASE_TIMEOUT_S),
            lease=self._node.membership.valid,
            lag_ms=self._lag.worst_ms,
            draining=self._node.draining,
        )


def sockets_max(settings: Settings) -> int:
    """As many as are allowed, or as the process has descriptors for."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return settings.live_sockets_max
    return max(1, min(settings.live_sockets_max, descriptors - DESCRIPTORS_KEPT))
