"""A studio's desk: looks up the codes that guests show, and checks them in."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from edge.demo.account import Account
from edge.demo.api import Refusal, Unreachable, insist
from edge.demo.scene import Scene

QUEUE_MAX: Final = 20
"""Guests waiting at a desk; more of them go for a tea instead."""
ON_THE_WAY_S: Final = (3.0, 10.0)


@dataclass(frozen=True, slots=True)
class Visit:
    """A guest before the desk of a studio, with a code to show."""

    studio: str
    who: str
    title: str
    code: str


class Door:
    """`run` it; `arrives` is a guest at the desk."""

    def __init__(
        self, account: Account, scene: Scene, server_ms: Callable[[], float], rng: Random
    ) -> None:
        """`account`: of the desk."""
        self._account = account
        self._scene = scene
        self._server_ms = server_ms
        self._rng = rng
        self._queue: asyncio.Queue[Visit] = asyncio.Queue(QUEUE_MAX)

    @property
    def waiting(self) -> int:
        """How many stand in the queue."""
        return self._queue.qsize()

    def arrives(self, visit: Visit) -> None:
        """A guest comes in."""
        if not self._queue.full():
            self._queue.put_nowait(visit)

    async def run(self) -> None:
        """Serve one after the other until cancelled."""
        while True:
            visit = await self._queue.get()
            await asyncio.sleep(self._rng.uniform(*ON_THE_WAY_S))
            try:
                await self.serve(visit)
            except (Refusal, Unreachable):
                continue  # not found, gave it back, no answer: the next one, please

    async def serve(self, visit: Visit) -> None:
        """Check one guest in. Raises Refusal, Unreachable."""
        ask = self._account.ask
        found = await insist(lambda: ask("POST", f"/reservations/{visit.code}/trigger-manual"))
        await insist(lambda: ask("POST", f"/reservations/{found['id']}/check-in"))
        self._scene.checked_in(visit.who, visit.title, visit.studio, self._server_ms())
