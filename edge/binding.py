"""Addresses to listen on: taken before anything else is begun, opened when the server can book.

In between the port is ours and nobody is let in. What is wrong with an address is one sentence.
"""

import socket

from aiohttp import web


class CannotListen(Exception):
    """One sentence about the address."""


def bind(host: str, port: int) -> socket.socket:
    """A socket at that address, not listening yet. Raises CannotListen."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot(host, port, error.strerror) from error
    except UnicodeError as error:
        raise _cannot(host, port, "that is no host name") from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise _cannot(host, port, error.strerror) from error
    return bound


async def opened(runner: web.BaseRunner, bound: socket.socket, backlog: int = 128) -> None:
    """Let `runner` serve who comes there. Raises CannotListen: two processes that start at the same
    time may both bind an address, and the first one to listen has it."""
    try:
        bound.listen(backlog)  # uvloop would swallow the error and serve nobody
    except OSError as error:
        host, port, *_ = bound.getsockname()
        raise _cannot(host, port, error.strerror) from error
    await web.SockSite(runner, bound, backlog=backlog).start()


def _cannot(host: str, port: int, why: str | None) -> CannotListen:
    return CannotListen(f"Cannot listen on {host}:{port}: {why}.")
