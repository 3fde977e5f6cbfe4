"""The shop window: one anonymous visitor who watches everything on sale, as any visitor may.

Follows the lobby to learn what there is, reads the list over REST when something new turns up, and
watches each sale on one socket.
"""

import asyncio
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from edge.demo.api import Api, Fields, Refusal, Unreachable
from edge.demo.channel import Channel
from edge.demo.sale import Took
from edge.demo.scene import Scene

ROUND_S: Final = 1.0
LOOK_AGAIN_ROUNDS: Final = 5
"""How many people watch is told in snapshots only, and the server counts them every 5 s."""
LIST_MAX: Final = 100
IDS_A_MESSAGE_MAX: Final = 100


class Window:
    """`run` it; the scene then shows what the server says."""

    def __init__(self, api: Api, scene: Scene, mono_ms: Callable[[], float], rng: Random) -> None:
        self._api = api
        self._scene = scene
        self._stale = True
        """The list has something that is not in the scene."""
        self._wanted: set[int] = set()
        """Sales to look at again, since something of them was missed."""
        self.channel = Channel(
            api,
            mono_ms=mono_ms,
            rng=rng,
            hear=self._hear,
            opened=self._opened,
            punctuality=scene.punctuality,
        )

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.channel.run())
            tasks.create_task(self._rounds())

    async def _rounds(self) -> None:
        await self.channel.greeted.wait()
        rounds = 0
        while True:
            await asyncio.sleep(ROUND_S)
            rounds += 1
            gone = self._scene.tidy(self.channel.server_ms())
            all_again = rounds % LOOK_AGAIN_ROUNDS == 0
            try:
                for batch in _batches(gone):
                    await self.channel.ask("unsubscribe_auction", auction_ids=batch)
                if self._stale:
                    await self.read_list()
                elif all_again:
                    await self._watch(list(self._scene.shown))
                elif self._wanted:
                    await self._watch(list(self._wanted))
            except (Refusal, Unreachable):
                continue  # the next round is soon

    async def read_list(self) -> None:
        """Show and watch what is on sale. Raises Refusal, Unreachable."""
        self._stale = False
        rows = await self._api.ask("GET", f"/auctions/?limit={LIST_MAX}&sort=end_time")
        self.show(rows)
        await self._watch(list(self._scene.shown))

    def show(self, rows: list[Fields]) -> None:
        """Put these rows of the list into the scene; they are watched from the next round on."""
        now_ms = self.channel.server_ms()
        for row in rows:
            self._scene.show(row, now_ms)
            self._wanted.add(row["id"])

    async def _opened(self) -> None:
        await self.channel.ask("subscribe_lobby")
        await self.read_list()

    async def _watch(self, auction_ids: list[int]) -> None:
        for batch in _batches(auction_ids):
            await self.channel.ask("subscribe_auction", auction_ids=batch, mode="ticks")
            self._wanted.difference_update(batch)

    def _hear(self, fields: Fields, late_ms: float | None) -> None:
        now_ms = self.channel.server_ms()
        match fields["type"]:
            case "subscribed":
                for snapshot in fields["snapshots"]:
                    self._scene.snapshot(snapshot, now_ms)
            case "price_update" | "turbo_triggered" | "auction_booked" | "auction_updated":
                if self._scene.frame(fields, late_ms, now_ms) is Took.GAP:
                    self._wanted.add(fields["auction_id"])
            case "lobby_update":
                changed = {row["auction_id"] for row in fields["changed"]}
                self._stale = self._stale or not changed <= self._scene.shown.keys()
            case _:
                pass


def _batches(ids: list[int]) -> Iterator[list[int]]:
    """As many as one message may name."""
    for start in range(0, len(ids), IDS_A_MESSAGE_MAX):
        yield ids[start : start + IDS_A_MESSAGE_MAX]
