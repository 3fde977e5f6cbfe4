"""Everybody of the demo together: who there is, started one after the other, kept on their feet.

Whatever goes wrong with one of them is told in the feed and ends nobody else.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, Final

from edge.demo.account import Account
from edge.demo.api import Api, Refusal, Unreachable
from edge.demo.channel import SentAway
from edge.demo.door import Door, Visit
from edge.demo.feed import Kind
from edge.demo.guest import Guest
from edge.demo.people import GUESTS, HOUSES
from edge.demo.playbill import Playbill
from edge.demo.scene import Scene
from edge.demo.temper import Manner
from edge.demo.window import Window

GUESTS_AT_FIRST: Final = 6
GUEST_EVERY_S: Final = 3.0
"""The others come one by one: the server lets one address sign in only so often."""
UP_AGAIN_S: Final = 5.0
PATIENCE_S: Final = 10.0
"""The server is in this very process: if it cannot be reached by then, somebody should know."""
QUICK_EVERY: Final = 3
"""Every third guest knows the schedule by heart."""

_log = logging.getLogger(__name__)


class Show:
    """`run` it on a server's address; the scene says what is on."""

    def __init__(self, api: Api, scene: Scene, mono_ms: Callable[[], float], rng: Random) -> None:
        self._scene = scene
        self._url = api.url
        self.window = Window(api, scene, mono_ms, rng)
        self._doors = {
            house.name: Door(Account(api, house.desk.email, mono_ms), scene, self.server_ms, rng)
            for house in HOUSES
        }
        self._guests = [
            Guest(
                login,
                Manner.QUICK if number % QUICK_EVERY == 0 else Manner.WATCHING,
                api,
                scene,
                self._arrives,
                mono_ms,
                rng,
            )
            for number, login in enumerate(GUESTS)
        ]
        admins = {house.key: Account(api, house.admin.email, mono_ms) for house in HOUSES}
        self._playbill = Playbill(admins, scene, self.window, self._offered, rng)

    def server_ms(self) -> float:
        """The server's clock, as the window sees it."""
        return self.window.channel.server_ms()

    async def run(self) -> None:
        """Go on until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._on_their_feet("the window", self.window.run))
            await self._connected()
            tasks.create_task(self._on_their_feet("the playbill", self._playbill.run))
            for name, door in self._doors.items():
                tasks.create_task(self._on_their_feet(name, door.run))
            for number, (login, guest) in enumerate(zip(GUESTS, self._guests, strict=True)):
                if number >= GUESTS_AT_FIRST:
                    await asyncio.sleep(GUEST_EVERY_S)
                tasks.create_task(self._on_their_feet(login.short, guest.run))

    async def _connected(self) -> None:
        greeted = self.window.channel.greeted
        try:
            async with asyncio.timeout(PATIENCE_S):
                await greeted.wait()
        except TimeoutError:
            text = f"no live channel at {self._url} yet"
            self._scene.feed.add(self.server_ms(), Kind.WARNING, text)
            await greeted.wait()

    def _offered(self, row: Any) -> None:
        for guest in self._guests:
            guest.offered(row)

    def _arrives(self, visit: Visit) -> None:
        self._doors[visit.studio].arrives(visit)

    async def _on_their_feet(self, who: str, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        def tell(text: str) -> None:
            self._scene.feed.add(self.server_ms(), Kind.WARNING, text)

        await keep_up(who, act, tell)


async def keep_up(
    who: str, act: Callable[[], Coroutine[Any, Any, None]], tell: Callable[[str], None]
) -> None:
    """Let somebody act, again and again whenever they fall, until cancelled or until the server
    wants them no more."""
    while True:
        try:
            await act()
        except* (Refusal, SentAway) as errors:
            error = innermost(errors)
            tell(f"{who} does not come back: {type(error).__name__} {error}")
            wanted = False
        except* Unreachable:
            wanted = True
        except* Exception:
            _log.exception("%s fell over", who)
            wanted = True
        else:
            wanted = False
        if not wanted:
            return
        await asyncio.sleep(UP_AGAIN_S)


def innermost(error: BaseException) -> BaseException:
    """The first error of a group, of its first group, and so on."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
