"""`python -m loadtests.peers.seed_stack --dsn DSN --secret SECRET [--look-first]`."""

import argparse
import signal
import socket
import sys

import uvicorn

from loadtests.peers.seed_stack.app import application


class Announced(uvicorn.Server):
    """Says `ready URL` when it takes requests."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As it does, and then one line."""
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()
            print(f"ready http://{host}:{port}", flush=True)


def main() -> None:
    """The program's entry."""
    parser = argparse.ArgumentParser("python -m loadtests.peers.seed_stack")
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--look-first", action="store_true")
    wanted = parser.parse_args()
    # uvicorn stops in order and then raises the signal again for whoever was there before it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    config = uvicorn.Config(
        application(wanted.dsn, wanted.secret, look_first=wanted.look_first),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",  # of the three it knows the fastest here, by a fifth or more
        ws_per_message_deflate=False,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    listener = socket.create_server(("127.0.0.1", 0), backlog=config.backlog)
    Announced(config).run([listener])


if __name__ == "__main__":
    main()
