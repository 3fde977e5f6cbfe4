"""What has to be tidied now and then: old codes, old keys, carried rows, guests who never came."""

import asyncio
import logging
from collections.abc import Callable

from engine.directory import Directory
from engine.domain.messages import NoShow
from engine.errors import HotHourError
from engine.ports.clock import Clock
from engine.ports.commit import ScheduleStore, StoreError
from engine.settings import Settings

_log = logging.getLogger(__name__)

UNATTENDED_AFTER_MS = 86_400_000
"""A day after the class, who was not checked in has not come."""


class Housekeeping:
    """`run` in a task; each round is bounded, what is left over waits for the next."""

    def __init__(
        self,
        schedule: ScheduleStore,
        directory: Directory,
        clock: Clock,
        settings: Settings,
        codes_in_use: Callable[[int], None],
    ) -> None:
        """`codes_in_use` hears each round how many booking codes are."""
        self._schedule = schedule
        self._directory = directory
        self._clock = clock
        self._settings = settings
        self._codes_in_use = codes_in_use

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(self._settings.sweep_every_ms / 1000)
            try:
                await self.round()
            except StoreError:
                continue  # the database is away; the next round does it

    async def round(self) -> None:
        """Once. Raises StoreError."""
        now_ms = self._clock.now_ms()
        self._codes_in_use(await self._schedule.sweep(now_ms))
        unattended = await self._schedule.unattended(
            now_ms - UNATTENDED_AFTER_MS, self._settings.sweep_batch_max
        )
        for auction_id, reservation_id in unattended:
            try:
                await self._directory.ask(auction_id, NoShow(reservation_id, by=None))
            except HotHourError:
                # Another node's, or moved meanwhile: whoever owns it does it in its own round.
                continue
