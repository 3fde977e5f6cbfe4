"""The door of the live channel: who may open a socket at all, judged before the upgrade.

Owns the counts of open sockets, in all and by address. What it refuses is answered over HTTP.
"""

import resource
from collections.abc import Collection
from urllib.parse import urlsplit

from aiohttp import web

from edge.ws_frames import PROTOCOL
from engine.errors import Busy, Draining, FieldError, Forbidden, Invalid, RuleBroken
from engine.settings import Settings

_DESCRIPTORS_KEPT = 256
"""Descriptors for everything that is not a socket: database, files, the listener, HTTP."""


def sockets_max(settings: Settings) -> int:
    """As many as are set, or as this process may open descriptors for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return settings.live_sockets_max
    return max(1, min(settings.live_sockets_max, soft - _DESCRIPTORS_KEPT))


class Admission:
    """`enter` before the upgrade, `leave` when the socket is gone."""

    def __init__(self, *, origins: Collection[str], most: int, most_an_address: int | None) -> None:
        """`origins`: such as "https://shop.example"; `most_an_address` None: not counted."""
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self._most = most
        self._most_an_address = most_an_address
        self._by_address: dict[str, int] = {}
        self._open = True
        self.entered = 0

    def shut(self) -> None:
        """No new sockets."""
        self._open = False

    def check(self, request: web.Request) -> None:
        """May this upgrade be tried? Raises RuleBroken, which is 400 (no protocol we know, no
        upgrade at all), or Forbidden (a page of another origin)."""
        offered = request.headers.get("Sec-WebSocket-Protocol")
        if offered is not None and PROTOCOL not in (p.strip() for p in offered.split(",")):
            raise bad_request("Sec-WebSocket-Protocol", f"This server speaks {PROTOCOL}.")
        if not _is_upgrade(request):
            raise bad_request("Upgrade", "A WebSocket upgrade is needed here.")
        host = request.host.lower()
        for origin in request.headers.getall("Origin", ()):
            if not self._allows(origin.lower(), host):
                raise Forbidden("This origin is not allowed.")

    def enter(self, address: str) -> None:
        """Count one socket more. Raises Draining or Busy."""
        if not self._open:
            raise Draining()
        if self.entered >= self._most:
            raise Busy("No more connections can be taken now.")
        here = self._by_address.get(address, 0)
        if self._most_an_address is not None and here >= self._most_an_address:
            raise Busy("Too many connections from this address.")
        self._by_address[address] = here + 1
        self.entered += 1

    def leave(self, address: str) -> None:
        """One socket less."""
        self.entered -= 1
        left = self._by_address[address] - 1
        if left:
            self._by_address[address] = left
        else:
            del self._by_address[address]

    def _allows(self, origin: str, host: str) -> bool:
        # The scheme is not compared with our own: a proxy in front may have ended TLS.
        return origin in self._origins or _host_of(origin) == host


def bad_request(header: str, message: str) -> RuleBroken:
    return RuleBroken((FieldError(header, Invalid.code, message),))


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # such as an address that is none
        return None


def _is_upgrade(request: web.Request) -> bool:
    headers = request.headers
    upgrade = headers.get("Upgrade", "").lower().strip()
    connection = headers.get("Connection", "").lower()
    return (
        request.method == "GET"
        and request.version >= (1, 1)
        and upgrade == "websocket"
        and "upgrade" in connection
        # aiohttp takes drafts, too, whose frames are others.
        and headers.get("Sec-WebSocket-Version") == "13"
        # What could be a body as well as frames is neither.
        and not request.body_exists
    )
