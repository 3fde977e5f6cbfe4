"""Keeps the shop full: studio admins enter the next auctions so that there is always something on.

Rows grow slowly (some hundred auctions an hour) and are never deleted, as in a real shop.
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from edge.demo import catalogue
from edge.demo.account import Account
from edge.demo.api import Fields, Refusal, Unreachable, insist
from edge.demo.people import HOUSES
from edge.demo.scene import Scene
from edge.demo.window import Window
from edge.wire.base import parse_instant

LIST: Final = "/auctions/?limit=100&sort=end_time"
LIVE: Final = (6, 8)
UPCOMING: Final = (3, 4)
ROUND_S: Final = 1.0
BETWEEN_S: Final = 0.2
SOON_MS: Final = 12_000
OPENING_WINDOW_S_MAX: Final = 100
"""The first sales are short, so that something happens at once."""
_HEAD_START_MS: Final = 25_000
_NOTICE_MS: Final = 6_000
"""So long before its start a sale is announced."""
_GAPS_MS: Final = ((LIVE[0], (3_000, 6_000)), (LIVE[1], (8_000, 14_000)))
_GAP_WHEN_FULL_MS: Final = (15_000, 25_000)
_ON_SALE: Final = (None, "SCHEDULED", "ACTIVE")
"""None: while nothing is heard of it, nothing else should take its place."""


def next_start_ms(
    rng: Random, now_ms: int, live: int, starts_ms: Sequence[int], *, opening: bool = False
) -> int | None:
    """When one more sale should start; None: there are enough. `starts_ms`: those to come.

    While there is too little to see it starts at once; at the `opening` even a little in the past,
    so that the first look is not at a row of start prices.
    """
    soon = sum(each - now_ms < SOON_MS for each in starts_ms)
    if live + soon < LIVE[0]:
        return now_ms - (rng.randint(0, _HEAD_START_MS) if opening else 0)
    enough = UPCOMING[0] if live >= LIVE[1] else UPCOMING[1]
    if len(starts_ms) >= enough:
        return None
    gap = next((gap for below, gap in _GAPS_MS if live < below), _GAP_WHEN_FULL_MS)
    return max(now_ms + _NOTICE_MS, max(starts_ms, default=now_ms) + rng.randint(*gap))


@dataclass(frozen=True, slots=True)
class _Run:
    starts_ms: int
    ends_ms: int


class Playbill:
    """`run` it."""

    def __init__(
        self,
        admins: Mapping[str, Account],
        scene: Scene,
        window: Window,
        offered: Callable[[Fields], None],
        rng: Random,
    ) -> None:
        """`admins` by the key of their house; `offered` is told of each new sale."""
        self._admins = admins
        self._scene = scene
        self._window = window
        self.clock = window.channel
        self._offered = offered
        self._rng = rng
        self._ours: dict[int, _Run] = {}
        """Sales entered here that are not over."""
        self._entered = 0

    @property
    def _opening(self) -> bool:
        """Are these the first sales of all?"""
        return self._entered < LIVE[0]

    async def run(self) -> None:
        """Enter auctions until cancelled."""
        await self.clock.greeted.wait()
        await self._take_up()
        houses = itertools.cycle(self._admins)
        while True:
            starts_ms = self._next()
            if starts_ms is None:
                await asyncio.sleep(ROUND_S)
                continue
            try:
                await self.enter(next(houses), starts_ms)
            except (Refusal, Unreachable):
                await asyncio.sleep(ROUND_S)
            await asyncio.sleep(BETWEEN_S)

    async def enter(self, house: str, starts_ms: int) -> Fields:
        """Enter one auction; its row. Raises Refusal, Unreachable."""
        ask = self._admins[house].ask
        window_s_max = OPENING_WINDOW_S_MAX if self._opening else catalogue.WINDOW_S[1]
        body = catalogue.offer(self._rng, house, starts_ms, window_s_max)
        if catalogue.is_planned(body):
            wanted = catalogue.plan_of(body)
            body = catalogue.with_plan(
                body, await insist(lambda: ask("POST", "/auctions/plan", wanted))
            )
        key = f"demo-{self._rng.getrandbits(128):032x}"
        row: Fields = await insist(lambda: ask("POST", "/auctions/", body, key=key))
        self._open(row)
        return row

    async def _take_up(self) -> None:
        """Go on with what an earlier run has left on sale."""
        ask = next(iter(self._admins.values())).ask
        rows: list[Fields] = await insist(lambda: ask("GET", LIST))
        names = {house.name for house in HOUSES if house.key in self._admins}
        for row in rows:
            if row["studio"]["name"] in names and catalogue.is_short(row):
                self._open(row)

    def _open(self, row: Fields) -> None:
        self._entered += 1
        starts_ms, ends_ms = parse_instant(row["start_time"]), parse_instant(row["end_time"])
        self._ours[row["id"]] = _Run(starts_ms, ends_ms)
        self._window.show([row])
        self._offered(row)

    def _next(self) -> int | None:
        now_ms = int(self.clock.server_ms())
        self._ours = {id_: run for id_, run in self._ours.items() if now_ms < run.ends_ms}
        to_come = [run.starts_ms for run in self._ours.values() if now_ms < run.starts_ms]
        live = sum(
            run.starts_ms <= now_ms and self._scene.status(id_) in _ON_SALE
            for id_, run in self._ours.items()
        )
        return next_start_ms(self._rng, now_ms, live, to_come, opening=self._opening)
