"""aiohttp with nothing in it: an empty answer over HTTP, an echo over a WebSocket, on uvloop.

`python -m loadtests.limits.bare_aiohttp`. The routes are the product's, so that the same bytes may
be sent to both; neither body nor header is looked at.
"""

import asyncio
import signal

import uvloop
from aiohttp import web


async def empty(_: web.Request) -> web.Response:
    """200 and no body."""
    return web.Response()


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Every message goes back as it came."""
    ws: web.WebSocketResponse = web.WebSocketResponse(compress=False)
    await ws.prepare(request)
    async for message in ws:
        await ws.send_str(message.data)
    return ws


def application() -> web.Application:
    """Both."""
    app = web.Application()
    app.router.add_post("/api/v1/reservations/book", empty)
    app.router.add_get("/ws", echo)
    return app


async def serve() -> None:
    """On a port of loopback that is free, until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    runner = web.AppRunner(application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    print(f"ready http://{host}:{port}", flush=True)
    await ended.wait()
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(serve())
