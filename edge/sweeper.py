"""One timer for the deadlines of all sockets.

A wheel: sockets lie in buckets by the instant at which they are to be looked at, and only the
nearest bucket has a timer. Activity moves nothing: a socket that was busy is looked at when it is
due, and then gets a later instant. So an idle socket costs a few looks a minute and no timer, and
ten thousand that connected in the same second are looked at in slices.
"""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush

from edge.connection import Socket
from edge.slices import Slices
from engine.ports.clock import Clock
from engine.timers import Timer, Timers

BUCKET_MS = 100
"""Deadlines are kept to this; whatever depends on them is decided by the clock."""

Look = Callable[[Socket, int], int]
"""(socket, now) -> when to look at it again."""


class Sweeper:
    """`watch` each socket, `forget` it when it is gone."""

    def __init__(self, *, look: Look, clock: Clock, timers: Timers, slices: Slices) -> None:
        self._look = look
        self._clock = clock
        self._timers = timers
        self._slices = slices
        self._buckets: dict[int, set[Socket]] = {}
        self._order: list[int] = []
        self._alarm: Timer | None = None

    def watch(self, socket: Socket, at_ms: int) -> None:
        """Look at this socket at `at_ms`, and not at the instant named before."""
        self.forget(socket)
        bucket = -(-at_ms // BUCKET_MS) * BUCKET_MS
        socket.due_ms = bucket
        sockets = self._buckets.get(bucket)
        if sockets is None:
            sockets = self._buckets[bucket] = set()
            heappush(self._order, bucket)
            self._arm()
        sockets.add(socket)

    def forget(self, socket: Socket) -> None:
        """Look at it no more; harmless if it is not watched."""
        self._buckets.get(socket.due_ms, set()).discard(socket)

    def _arm(self) -> None:
        first = self._order[0]
        if self._alarm is not None:
            if self._alarm.waiting and self._alarm.at_ms <= first:
                return
            self._alarm.cancel()
        self._alarm = self._timers.at(first, self._wake)

    def _wake(self) -> None:
        now_ms = self._clock.now_ms()
        while self._order and self._order[0] <= now_ms:
            sockets = self._buckets.pop(heappop(self._order))
            if sockets:
                self._slices.add(self._sweep(sockets))
        if self._order:
            self._arm()

    def _sweep(self, sockets: set[Socket]) -> Iterator[None]:
        # Whoever is forgotten meanwhile may still be in this set: a look at the gone does nothing.
        while sockets:
            socket = sockets.pop()
            if not socket.transport.is_closing():
                self.watch(socket, self._look(socket, self._clock.now_ms()))
            yield
