"""Starts actors that are due or asked for, restarts those that broke, retires the rest.

Sales that start within the horizon are on the timers' heap and cost a row there; nothing else is
kept of them until shortly before they start. Actors are loaded in batches: whoever is wanted while
a batch is on its way travels with the next. A shard gained means a look at its sales, a shard lost
that its actors stop. An actor that ends by itself is loaded again soon, and after too many crashes
only when it has cooled down.
"""

import asyncio
import logging
from collections.abc import Iterable

from engine.actor import AuctionActor, Breath, Ending, House
from engine.directory import Directory
from engine.domain.auction import Auction, Status
from engine.errors import Busy, Draining, HotHourError, NoOwner, NotFound
from engine.leases import Membership
from engine.ports.commit import CommitStore, ScheduleStore, StoreError
from engine.settings import Settings
from engine.timers import Timer

_log = logging.getLogger(__name__)


class Supervisor:
    """`open` with the house its actors share, `scan`, `watch` in a task, `drain` at the end."""

    def __init__(
        self,
        directory: Directory,
        membership: Membership,
        commits: CommitStore,
        schedule: ScheduleStore,
        settings: Settings,
    ) -> None:
        self._directory = directory
        self._membership = membership
        self._commits = commits
        self._schedule = schedule
        self._settings = settings
        self._house: House | None = None
        self._wanted: dict[int, None] = {}
        self._loading: asyncio.Task[None] | None = None
        self._appointments: dict[int, Timer] = {}
        self._crashes: dict[int, list[int]] = {}

    def open(self, house: House) -> None:
        """From now on actors can be made."""
        self._house = house
        self._directory.open(self.activate)

    @property
    def _open_house(self) -> House:
        assert self._house is not None, "open() comes first"
        return self._house

    # --- wanted ----------------------------------------------------------------------------------

    def activate(self, auction_id: int) -> AuctionActor:
        """An actor for an auction that has none: it queues messages until it is loaded.

        Raises Busy while the auction cools down after crashes.
        """
        self._refuse_while_cooling(auction_id)
        actor = AuctionActor(auction_id, self._open_house)
        self._directory.add(actor)
        self._wanted[auction_id] = None
        if self._loading is None:
            self._loading = asyncio.get_running_loop().create_task(self._load_wanted())
        return actor

    def published(self, auction_id: int, starts_at_ms: int) -> None:
        """A draft has become a sale (the catalog says so)."""
        horizon_ms = self._open_house.clock.now_ms() + self._settings.horizon_ms
        if starts_at_ms < horizon_ms and self._membership.owns(auction_id):
            self._appoint(auction_id, starts_at_ms - self._settings.activate_lead_ms)

    def _appoint(self, auction_id: int, at_ms: int) -> None:
        """Have the auction's actor here by then."""
        earlier = self._appointments.pop(auction_id, None)
        if earlier is not None:
            earlier.cancel()

        def come() -> None:
            self._appointments.pop(auction_id, None)
            if self._membership.owns(auction_id) and self._directory.get(auction_id) is None:
                self._activate_quietly(auction_id)

        self._appointments[auction_id] = self._open_house.timers.at(at_ms, come)

    def _activate_quietly(self, auction_id: int) -> None:
        try:
            self.activate(auction_id)
        except Busy:
            self._appoint_in(auction_id, self._settings.cooldown_ms)

    def _appoint_in(self, auction_id: int, in_ms: int) -> None:
        self._appoint(auction_id, self._open_house.clock.now_ms() + in_ms)

    # --- loading ---------------------------------------------------------------------------------

    async def _load_wanted(self) -> None:
        try:
            while self._wanted:
                ids = list(self._wanted)[: self._settings.activate_batch_max]
                for auction_id in ids:
                    del self._wanted[auction_id]
                await self._load(ids)
        finally:
            self._loading = None

    async def _load(self, ids: list[int]) -> None:
        try:
            loaded = await self._commits.take_over(ids)
        except StoreError:
            for auction_id in ids:
                self._drop(auction_id, Busy())
                self._appoint_in(auction_id, self._settings.backoff_ms_max)
            return
        except Exception:
            _log.exception("loading %d auctions failed", len(ids))
            for auction_id in ids:
                self._drop(auction_id, Busy())
            return
        breath = Breath(self._open_house.clock, self._settings.yield_after_ms)
        for each in loaded:
            actor = self._directory.get(each.state.auction.id)
            if actor is not None:
                actor.start(each)
            await breath.taken()
        for auction_id in set(ids) - {each.state.auction.id for each in loaded}:
            self._drop(auction_id, NotFound())

    def _drop(self, auction_id: int, why: HotHourError) -> None:
        actor = self._directory.get(auction_id)
        if actor is not None:
            self._directory.remove(actor)
            actor.stop(why)

    # --- looking ahead ---------------------------------------------------------------------------

    async def scan(self, shards: frozenset[int]) -> None:
        """Find the sales of these shards that the clock will change soon. Raises StoreError."""
        settings, clock = self._settings, self._open_house.clock
        horizon_ms = clock.now_ms() + settings.horizon_ms
        after: tuple[int, int] | None = None
        while True:
            page = await self._schedule.due_before(
                horizon_ms, shards, after, settings.horizon_page_max
            )
            for due in page:
                if self._directory.get(due.auction_id) is None:
                    lead_ms = (
                        clock.now_ms() if due.live else due.starts_at_ms - settings.activate_lead_ms
                    )
                    self._appoint(due.auction_id, lead_ms)
            if len(page) < settings.horizon_page_max:
                return
            after = (page[-1].starts_at_ms, page[-1].auction_id)

    async def shards_changed(self, gained: frozenset[int], lost: frozenset[int]) -> None:
        """Take what is new to us, let go what is not ours any more."""
        if lost:
            for actor in self._directory:
                if not self._membership.owns(actor.auction_id):
                    self._directory.remove(actor)
                    actor.stop(NoOwner())
        if gained:
            await self._scan_if_possible(gained)

    async def watch(self) -> None:
        """For ever: look ahead every half horizon, retire who is not needed."""
        half_s = self._settings.horizon_ms / 2_000
        rest_s = min(self._settings.passivate_after_ms / 4_000, half_s)
        loop = asyncio.get_running_loop()
        next_scan = loop.time() + half_s
        while True:
            await asyncio.sleep(rest_s)
            await self._retire()
            if loop.time() >= next_scan:
                next_scan = loop.time() + half_s
                await self._scan_if_possible(self._membership.shards)

    async def _scan_if_possible(self, shards: frozenset[int]) -> None:
        backoff_s = self._settings.backoff_ms_max / 1000
        while True:
            try:
                await self.scan(shards)
                return
            except StoreError:
                await asyncio.sleep(backoff_s)

    # --- retiring and endings --------------------------------------------------------------------

    async def _retire(self) -> None:
        """Forget actors nobody has asked and the clock will not change soon."""
        house = self._open_house
        breath = Breath(house.clock, self._settings.yield_after_ms)
        unused_by_ms = house.clock.now_ms() - self._settings.passivate_after_ms
        for actor in self._directory:
            auction = actor.auction
            if auction is not None and actor.idle and actor.used_ms < unused_by_ms:
                self._passivate(actor, auction)
            await breath.taken()
        window_ms = house.clock.now_ms() - self._settings.crash_window_ms
        self._crashes = {i: at for i, at in self._crashes.items() if at[-1] > window_ms}

    def _passivate(self, actor: AuctionActor, auction: Auction) -> None:
        at_ms = auction.next_transition_ms()
        if at_ms is not None:
            lead_ms = at_ms - self._settings.activate_lead_ms
            now_ms = self._open_house.clock.now_ms()
            if auction.status is Status.ACTIVE or lead_ms <= now_ms + self._settings.lease_ttl_ms:
                return
            if at_ms < now_ms + self._settings.horizon_ms:
                self._appoint(auction.id, lead_ms)
        self._directory.remove(actor)
        actor.stop(Busy())

    def ended(self, actor: AuctionActor, ending: Ending) -> None:
        """An actor has stopped by itself: have it back soon, if it is still ours."""
        self._directory.remove(actor)
        auction_id = actor.auction_id
        if ending.superseded:
            self._appoint_in(auction_id, self._settings.backoff_ms_min)
            return
        _log.error("auction %d broke", auction_id, exc_info=ending.error)
        self._open_house.telemetry.crashed()
        now_ms = self._open_house.clock.now_ms()
        recent = [
            at
            for at in self._crashes.get(auction_id, [])
            if at > now_ms - self._settings.crash_window_ms
        ]
        self._crashes[auction_id] = [*recent, now_ms][-self._settings.crashes_max - 1 :]
        cooling = len(self._crashes[auction_id]) > self._settings.crashes_max
        wait_ms = self._settings.cooldown_ms if cooling else self._settings.backoff_ms_min
        self._appoint_in(auction_id, wait_ms)

    def _refuse_while_cooling(self, auction_id: int) -> None:
        crashes = self._crashes.get(auction_id)
        if crashes is None or len(crashes) <= self._settings.crashes_max:
            return
        left_ms = crashes[-1] + self._settings.cooldown_ms - self._open_house.clock.now_ms()
        if left_ms > 0:
            raise Busy(retry_after_ms=left_ms)
        del self._crashes[auction_id]

    # --- the end ---------------------------------------------------------------------------------

    async def drain(self) -> None:
        """Take nothing more, see through what was taken, stop every actor."""
        self._directory.close()
        for timer in self._appointments.values():
            timer.cancel()
        self._appointments.clear()
        await _all_idle(self._directory)
        for actor in self._directory:
            self._directory.remove(actor)
            actor.stop(Draining())


async def _all_idle(actors: Iterable[AuctionActor]) -> None:
    for actor in actors:
        while not actor.idle:
            await actor.finished()
            await asyncio.sleep(0)
