"""Where Prometheus reads: on the main port for this machine alone, or on a port of its own.

Behind a proxy every peer looks local, so with a trusted proxy the main port tells nobody.
"""

from collections.abc import Callable

from aiohttp import web

from edge.addresses import Addresses, is_loopback
from edge.metrics import CONTENT_TYPE
from edge.routing import Access, Call, Reply, Route
from engine.errors import NotFound

Exposition = Callable[[], bytes]


def routes(exposition: Exposition, addresses: Addresses) -> tuple[Route, ...]:
    """The route on the main port: 404 for whoever is not this machine."""

    async def metrics(call: Call) -> Reply:
        if not addresses.trusts_nobody or not is_loopback(call.address):
            raise NotFound
        return Reply(body=exposition(), content_type=CONTENT_TYPE)

    return (
        Route(
            method="GET",
            path="/metrics",
            handler=metrics,
            access=Access.PUBLIC,
            summary="Metrics for Prometheus, for this machine alone",
            tag="operation",
            content_type=CONTENT_TYPE,
        ),
    )


def application(exposition: Exposition) -> web.Application:
    """A server of its own, for METRICS_PORT: whoever reaches that port may read."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=exposition(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app
