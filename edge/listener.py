"""Listens: aiohttp's server with what it lacks towards strangers.

A deadline for headers, one typed answer without a traceback for what is no HTTP, the C parser or
nothing. aiohttp has no public hook for these, so its connection is extended: `data_received`,
`connection_made`, `handle_error` and `finish_response`; the tests of this module are what tells
when a new aiohttp moves them.
"""

import asyncio
import logging
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import http_parser, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler, _ErrInfo
from structlog.typing import FilteringBoundLogger

from edge import problems
from edge.answering import NO_STORE, SECURITY
from edge.express import Express
from edge.incoming import RequestIds
from edge.metrics import Metrics
from edge.reading import ClientGone
from edge.whole import Whole, header_lines
from engine.errors import HotHourError, Internal, Invalid, NotFound, RequestTimeout

KEEPALIVE_S: Final = 75.0
"""An idle connection is closed after this long."""
SWEEP_EVERY_S: Final = 1.0
LINE_BYTES_MAX: Final = 8_190
HEADERS_MAX: Final = 128

_HEAD: Final = header_lines({**SECURITY, **NO_STORE, "Content-Type": problems.CONTENT_TYPE})


class Runner(web.AppRunner):
    """Runs an application on connections that are guarded; sites are aiohttp's."""

    def __init__(
        self,
        app: web.Application,
        *,
        header_timeout_s: float,
        metrics: Metrics,
        request_ids: RequestIds,
        log: FilteringBoundLogger,
        shutdown_timeout_s: float = 15.0,
    ) -> None:
        """Raises RuntimeError when aiohttp runs without its C parser."""
        require_c_parser()
        super().__init__(
            app,
            access_log=None,
            logger=logging.getLogger("aiohttp.server"),
            keepalive_timeout=KEEPALIVE_S,
            max_line_size=LINE_BYTES_MAX,
            max_field_size=LINE_BYTES_MAX,
            max_headers=HEADERS_MAX,
            auto_decompress=False,
            shutdown_timeout=shutdown_timeout_s,
        )
        self.guard = Guard(header_timeout_s, metrics, request_ids, log)

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        plain.request_handler = Express(self.app, plain.request_handler)
        self.guard.start(asyncio.get_running_loop())
        return _Listener(plain, self.guard)

    async def _cleanup_server(self) -> None:
        self.guard.stop()
        await super()._cleanup_server()


class Guard:
    """Knows the connections that still owe their headers, and what strangers are told."""

    def __init__(
        self,
        header_timeout_s: float,
        metrics: Metrics,
        request_ids: RequestIds,
        log: FilteringBoundLogger,
    ) -> None:
        self._header_timeout_s = header_timeout_s
        self._metrics = metrics
        self._request_ids = request_ids
        self._log = log
        self._owing: dict[Connection, float] = {}
        """Connection -> when it began to owe. All wait equally long, so the oldest stand first."""
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __len__(self) -> int:
        return len(self._owing)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look around once a second from now on."""
        self._loop = loop
        self._timer = loop.call_later(SWEEP_EVERY_S, self._sweep)

    def stop(self) -> None:
        """Let everybody be."""
        if self._timer is not None:
            self._timer.cancel()
        self._owing.clear()

    def owes(self, connection: "Connection", at_s: float) -> None:
        """This connection's headers are awaited from now on."""
        self._owing[connection] = at_s

    def paid(self, connection: "Connection") -> None:
        """This connection's headers are here, or it is gone."""
        self._owing.pop(connection, None)

    def _sweep(self) -> None:
        assert self._loop is not None, "it was started"
        before_s = self._loop.time() - self._header_timeout_s
        late = []
        for connection, since_s in self._owing.items():
            if since_s > before_s:
                break
            late.append(connection)
        for connection in late:
            self.paid(connection)
            connection.give_up(self.plain_refusal(RequestTimeout()))
            self._metrics.late_headers()
        self._timer = self._loop.call_later(SWEEP_EVERY_S, self._sweep)

    def plain_refusal(self, error: HotHourError) -> bytes:
        """A whole HTTP answer, for a connection that has no request yet."""
        status = HTTPStatus(problems.row_of(error).status)
        body = self._body(error, status)
        head = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Length: {len(body)}\r\n"
        return head.encode() + _HEAD + b"Connection: close\r\n\r\n" + body

    def count_malformed(self) -> None:
        """What came was no HTTP."""
        self._metrics.malformed()

    def malformed(self) -> web.StreamResponse:
        """The answer to what is no HTTP, counted: 400, whatever VALIDATION is elsewhere."""
        self.count_malformed()
        return Whole(400, _HEAD, self._body(Invalid(), 400), close=True)

    def unroutable(self) -> web.StreamResponse:
        """The answer to a target that is no path (`OPTIONS *`, `CONNECT host:port`), counted. What
        follows could be a body or a request, so nothing does."""
        self.count_malformed()
        return Whole(404, _HEAD, self._body(NotFound(), 404), close=True)

    def broken(self, error: BaseException | None) -> web.StreamResponse:
        """The answer when a handler outside the pipeline raised."""
        self._log.error("request failed", route="unknown", exc_info=error)
        return Whole(500, _HEAD, self._body(Internal(), 500), close=True)

    def _body(self, error: HotHourError, status: int) -> bytes:
        request_id = self._request_ids.of(None)
        body = problems.problem(error, language="tr", request_id=request_id, instance="/")
        return orjson.dumps({**body, "status": status})


class Connection(RequestHandler):
    """One connection, guarded."""

    __slots__ = ("_guard", "_owes", "_spoke")

    def __init__(self, server: web.Server, guard: Guard, **options: Any) -> None:
        super().__init__(server, **options)
        self._guard = guard
        self._owes = False
        self._spoke = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._owe()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._pay()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        requests = self._request_count
        super().data_received(data)
        if self._request_count != requests:
            if self._owes:
                self._pay()
            if self._current_request is not None:
                self._break_off(self._current_request)
        elif not requests or ((waiter := self._waiter) is not None and not waiter.done()):
            # Nobody is being served, so this is the beginning of headers that are not whole yet.
            self._spoke = True
            if not self._owes:
                self._owe()

    def _break_off(self, request: web.BaseRequest) -> None:
        """What follows in a body is no HTTP: tell whoever waits for the rest, it never comes.

        aiohttp would queue the error behind the request, which waits until its deadline.
        """
        body = request.content
        if body.is_eof() or not isinstance(self._messages[-1][0], _ErrInfo):
            return
        self._guard.count_malformed()
        body.set_exception(web.RequestPayloadError("the body is broken off"))
        body.feed_eof()
        self.close()

    def resume_reading(self, resume_parser: bool = True) -> None:
        # Whoever takes a body asks for this, and it parses again; nearly always for nothing.
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)

    def _owe(self) -> None:
        self._owes = True
        self._guard.owes(self, self._loop.time())

    def _pay(self) -> None:
        self._owes = self._spoke = False
        self._guard.paid(self)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if isinstance(exc, ClientGone):
            raise exc  # aiohttp lets go of the connection
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun, so there cannot be another one")
        if isinstance(exc, HttpProcessingError) and status == 400:
            return self._guard.malformed()
        return self._guard.broken(exc)

    def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> Coroutine[Any, Any, tuple[web.StreamResponse, bool]]:
        # Routes answer every path, so aiohttp's own 404 is that of a target which is none.
        if type(resp) is web.HTTPNotFound:  # isinstance asks an abstract class, which takes long
            resp = self._guard.unroutable()
        return super().finish_response(request, resp, start_time)

    def give_up(self, farewell: bytes) -> None:
        """Close; whoever has begun to speak is told why."""
        if self._spoke and self.transport is not None and not self.transport.is_closing():
            self.transport.write(farewell)
        self.force_close()


class _Listener(web.Server):
    """Makes guarded connections instead of plain ones."""

    def __init__(self, plain: web.Server, guard: Guard) -> None:
        super().__init__(
            plain.request_handler,
            request_factory=plain.request_factory,
            handler_cancellation=plain.handler_cancellation,
            **plain._kwargs,
        )
        self._guard = guard

    def __call__(self) -> RequestHandler:
        return Connection(self, self._guard, loop=self._loop, **self._kwargs)


def require_c_parser() -> None:
    """Raises RuntimeError if aiohttp parses in Python: several times slower and less strict."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise RuntimeError("aiohttp runs without its C parser: install a wheel that has it.")
