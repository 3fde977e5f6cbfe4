"""One guest's socket on the live channel: questions and answers, frames, and the server's clock.

websocket-client reads when it is asked to, so each socket has a thread that does (in Locust a
greenlet, as every thread there is); whoever asks waits for the answer with their own `ref`.

All of it is counted: questions as LIVE, frames as FRAME with their lateness, which is how long
after the instant they tell of they were here, by the guest's own idea of the server's clock.
"""

import json
import time
from collections.abc import Callable
from itertools import count
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, Protocol

from websocket import WebSocket, WebSocketException, create_connection

from loadtests.scenarios.offset import Exchange, Offset
from loadtests.scenarios.schedule import Fields, instant_ms

CONNECT_TIMEOUT_S: Final = 10.0
ANSWER_TIMEOUT_S: Final = 15.0
"""Longer than the server takes to say that it does not know (10 s)."""
SILENCE_S: Final = 120.0
"""The server pings before that."""
PINGS_FIRST: Final = 4
PING_EVERY_S: Final = 30.0


class Lost(Exception):
    """There is no socket, or no answer on it."""


def now_ms() -> float:
    """By a clock of our own that runs evenly."""
    return time.perf_counter() * 1_000


class Told(Protocol):
    """Where it all goes: the run."""

    @property
    def host(self) -> str:
        """The server's address."""

    def allow(self, name: str, answer: str) -> bool:
        """Whether that answer is no failure."""

    def fire(
        self, kind: str, name: str, took_ms: float, wrong: str | None = None, size: int = 0
    ) -> None:
        """Count it."""


class Live:
    """`open` it; `heard` gets each frame about an auction and the server's instant at which it
    came, and says what is wrong with it."""

    def __init__(self, run: Told, heard: Callable[[Fields, float], str | None]) -> None:
        self._run = run
        self._heard = heard
        self._socket: WebSocket | None = None
        self._offset = Offset()
        self._refs = count(1)
        self._waiting: dict[int, SimpleQueue[Fields | None]] = {}
        self._pinged_ms = 0.0

    @property
    def open_(self) -> bool:
        """There is a socket."""
        return self._socket is not None

    def server_ms(self) -> float:
        """What the server's clock shows now."""
        return self._offset.server_ms(now_ms())

    def open(self, token: str) -> None:
        """Connect, learn the server's clock, say who this is. Raises Lost."""
        url = self._run.host.replace("http", "ws", 1) + "/ws"
        began_ms = now_ms()
        try:
            socket = create_connection(
                url, timeout=CONNECT_TIMEOUT_S, skip_utf8_validation=True, enable_multithread=True
            )
            greeting = json.loads(socket.recv())
        except (WebSocketException, OSError, ValueError) as error:
            self._run.fire("LIVE", "connect", now_ms() - began_ms, f"{type(error).__name__}")
            raise Lost from error
        wrong = None if greeting.get("type") == "hello" else "no hello"
        self._run.fire("LIVE", "connect", now_ms() - began_ms, wrong)
        socket.settimeout(SILENCE_S)
        self._socket = socket
        Thread(target=self._read, args=(socket,), daemon=True).start()
        for _ in range(PINGS_FIRST):
            self._ping()
        self.ask("authenticate", token=token)

    def keep_time(self) -> None:
        """Ping, if it is time to. Raises Lost."""
        if now_ms() - self._pinged_ms > PING_EVERY_S * 1_000:
            self._ping()

    def ask(self, kind: str, **fields: Any) -> Fields:
        """Send a message; what answers it, an error too. Raises Lost."""
        ref = next(self._refs)
        answered = self._waiting[ref] = SimpleQueue()
        began_ms = now_ms()
        told: Fields | None = None
        try:
            if self._socket is None:
                raise Lost
            self._socket.send(json.dumps({"type": kind, "ref": ref, **fields}))
            told = answered.get(timeout=ANSWER_TIMEOUT_S)
        except (WebSocketException, OSError, Empty) as error:
            raise Lost from error
        finally:
            self._waiting.pop(ref, None)
            name = _name(told)
            wrong = None if self._run.allow(f"LIVE {kind}", name) else name
            self._run.fire("LIVE", kind, now_ms() - began_ms, wrong)
        if told is None:
            raise Lost
        return told

    def close(self) -> None:
        """Hang up."""
        socket, self._socket = self._socket, None
        if socket is not None:
            # Not `close`: that waits for an answer which the reading greenlet would take.
            socket.shutdown()

    def _ping(self) -> None:
        sent_ms = now_ms()
        told = self.ask("ping", client_ms=sent_ms)
        if told["type"] == "pong":
            exchange = Exchange(sent_ms, told["received_ms"], told["sent_ms"], now_ms())
            self._offset.learn(exchange)
            self._pinged_ms = sent_ms

    def _read(self, socket: WebSocket) -> None:
        reason = "closed by the server"
        try:
            while text := socket.recv():
                self._take(json.loads(text), now_ms(), len(text))
        except (WebSocketException, OSError) as error:
            reason = type(error).__name__
        if socket is not self._socket:
            return  # hung up by us
        self._socket = None
        socket.shutdown()
        self._run.fire("LIVE", "closed", 0.0, reason)
        for answered in list(self._waiting.values()):
            answered.put(None)

    def _take(self, fields: Fields, heard_ms: float, size: int) -> None:
        ref = fields.get("ref")
        if ref is not None:
            if answered := self._waiting.get(ref):
                answered.put(fields)
        elif "auction_id" in fields and "revision" in fields and "at" in fields:
            server_ms = self._offset.server_ms(heard_ms)
            late_ms = max(0.0, server_ms - instant_ms(fields["at"]))
            self._run.fire("FRAME", fields["type"], late_ms, self._heard(fields, server_ms), size)


def _name(told: Fields | None) -> str:
    """An answer as the thresholds know it."""
    if told is None:
        return "NO_ANSWER"
    return str(told["code"]) if told["type"] == "error" else "ok"
