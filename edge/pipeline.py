"""Puts a table of routes into an aiohttp application: every path with and without trailing slash,
HEAD beside GET, OPTIONS, and a typed answer for whatever is no route.

No middlewares: each route is an `Endpoint` (edge/endpoint.py) that was composed at start. Also
takes plain aiohttp handlers (pages, sockets), which get the same errors and headers around them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from aiohttp import hdrs, web

from edge import problems
from edge.endpoint import Endpoint, Tools, as_known
from edge.express import TABLE, Serve
from edge.incoming import language_of
from edge.reading import ClientGone
from edge.routing import Route
from engine.errors import Forbidden, HotHourError, Internal, MethodNotAllowed, NotFound

PREFIX: Final = "/api/v1"


def install(
    app: web.Application, routes: Iterable[Route], tools: Tools, *, prefix: str = PREFIX
) -> None:
    """Add routes under a prefix ("" for the root). Raises ValueError for a table that clashes."""
    paths: defaultdict[str, dict[str, Serve]] = defaultdict(dict)
    for route in routes:
        pattern = prefix + route.path
        if route.method in paths[pattern]:
            raise ValueError(f"{route.method} {pattern} is in the table twice")
        paths[pattern][route.method] = Endpoint(route, pattern, tools).serve
    _refuse_twins(paths)
    for pattern, handlers in paths.items():
        _add(app, pattern, handlers, tools)


def mount(app: web.Application, path: str, handlers: Mapping[str, Serve], tools: Tools) -> None:
    """Add plain aiohttp handlers by method. What they raise before an answer began is a problem."""
    wrapped = {method: _Page(handler, path, tools).serve for method, handler in handlers.items()}
    _add(app, path, wrapped, tools)


def fallback(app: web.Application, tools: Tools) -> None:
    """Answer 404 for every path that nothing else serves. Adds the last route of all."""
    app.router.add_route(hdrs.METH_ANY, "/{rest:.*}", _Elsewhere((), tools).serve)


def _refuse_twins(paths: Iterable[str]) -> None:
    """Two names for the parameter of one path would hide each other's methods."""
    seen: dict[str, str] = {}
    for path in paths:
        shape = "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
        if seen.setdefault(shape, path) != path:
            raise ValueError(f"{path} and {seen[shape]} are the same path")


def _add(app: web.Application, path: str, handlers: Mapping[str, Serve], tools: Tools) -> None:
    elsewhere = _Elsewhere(handlers, tools)
    if hdrs.METH_GET in handlers:
        handlers = {hdrs.METH_HEAD: handlers[hdrs.METH_GET], **handlers}
    for spelling in (path,) if path == "/" else (path, f"{path}/"):
        resource = app.router.add_resource(spelling)
        for method, serve in handlers.items():
            resource.add_route(method, serve, expect_handler=_go_on)
            if "{" not in path:
                app.setdefault(TABLE, {})[method, spelling] = serve
        resource.add_route(hdrs.METH_ANY, elsewhere.serve, expect_handler=_go_on)


async def _go_on(request: web.Request) -> None:
    """Answer `Expect: 100-continue`. aiohttp refuses other expectations with a plain text; a server
    may as well ignore what it does not understand."""
    if request.headers[hdrs.EXPECT].lower() == "100-continue" and request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


class _Refuser:
    """What answers outside the table of routes have in common."""

    def __init__(self, name: str, tools: Tools) -> None:
        self._name = name
        self._tools = tools

    def _refuse(
        self,
        error: Exception,
        request: web.Request,
        request_id: str,
        more: Mapping[str, str] | None = None,
    ) -> web.StreamResponse:
        known = as_known(error)
        if isinstance(known, Internal):
            self._tools.log.error(
                "request failed", request_id=request_id, route=self._name, exc_info=error
            )
        self._tools.metrics.problem(problems.code_of(known))
        language = language_of(request.headers.get("Accept-Language"))
        return self._tools.answers.refusal(known, request, request_id, language, more)

    def _count(self, request: web.Request) -> None:
        address = self._tools.addresses.client(request.remote, request.headers)
        self._tools.rate_limits.request(address)

    def _id(self, request: web.Request) -> str:
        return self._tools.request_ids.of(request.headers.get("X-Request-ID"))


class _Page(_Refuser):
    """A plain handler with the pipeline's errors and headers around it."""

    def __init__(self, handler: Serve, name: str, tools: Tools) -> None:
        super().__init__(name, tools)
        self._handler = handler

    async def serve(self, request: web.Request) -> web.StreamResponse:
        request_id = self._id(request)
        try:
            self._count(request)
            response = await self._handler(request)
        except web.HTTPNotFound:
            return self._refuse(NotFound(), request, request_id)
        except (ClientGone, web.HTTPException):  # redirects
            raise
        except Exception as error:
            return self._refuse(error, request, request_id)
        if not response.prepared:
            self._tools.answers.finish(response, request_id)
        return response


class _Elsewhere(_Refuser):
    """Methods a path does not have, or, without any, a path there is not."""

    def __init__(self, methods: Iterable[str], tools: Tools) -> None:
        super().__init__("elsewhere", tools)
        known = set(methods)
        if hdrs.METH_GET in known:
            known.add(hdrs.METH_HEAD)
        if known:
            known.add(hdrs.METH_OPTIONS)
        self._allow = ", ".join(sorted(known))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        request_id = self._id(request)
        try:
            self._count(request)
            return self._options(request, request_id)
        except HotHourError as error:
            more = {"Allow": self._allow} if isinstance(error, MethodNotAllowed) else None
            return self._refuse(error, request, request_id, more)

    def _options(self, request: web.Request, request_id: str) -> web.StreamResponse:
        if not self._allow:
            raise NotFound
        if request.method != hdrs.METH_OPTIONS:
            raise MethodNotAllowed
        response = self._tools.answers.preflight(request, request_id, self._allow)
        if response is None:
            raise Forbidden
        return response
