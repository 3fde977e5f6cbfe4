"""Starts actors that are due or asked for, restarts those that broke, retires the rest.

Sales that start within the horizon are on the timers' heap and cost a row there; nothing else is
kept of them until shortly before they start. Actors are loaded in batches: whoever is wanted while
a batch is on its way travels with the next. Whom the clock wants is brought until it is there; whom
somebody asks for is loaded once. A shard gained means a look at our sales, a shard lost that its
actors stop. An actor that ends by itself is loaded again soon, and after too many crashes only when
it has cooled down.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from functools import partial

from engine.actor import AuctionActor, Breath, Ending, House
from engine.directory import Directory
from engine.domain.auction import Auction, Status
from engine.errors import Busy, Draining, HotHourError, Internal, NoOwner, NotFound
from engine.leases import Membership
from engine.ports.commit import CommitStore, Due, Loaded, ScheduleStore, StoreError
from engine.settings import Settings
from engine.timers import Timer

_log = logging.getLogger(__name__)

_APPOINTED_AT_ONCE = 100
"""Due sales, which is a tenth of a millisecond of work."""


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
        self._wanted: dict[int, AuctionActor] = {}
        """Made, and waiting to be loaded."""
        self._loading: asyncio.Task[None] | None = None
        self._appointments: dict[int, Timer] = {}
        self._due: set[int] = set()
        """Being loaded because the clock wants them."""
        self._crashes: dict[int, list[int]] = {}
        self._gained = asyncio.Event()
        self._draining = False

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
        """An actor for whoever asks: it queues messages until it is loaded.

        Raises Busy while the auction cools down after crashes, and when a whole batch waits to be
        loaded already.
        """
        if len(self._wanted) >= self._settings.activate_batch_max:
            raise Busy()
        return self._make(auction_id)

    def _make(self, auction_id: int) -> AuctionActor:
        self._refuse_while_cooling(auction_id)
        actor = AuctionActor(auction_id, self._open_house)
        self._directory.add(actor)
        self._wanted[auction_id] = actor
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
        if self._draining:
            return

        come = partial(self._come, auction_id)  # 100,000 at a start: a closure is twice as much
        self._appointments[auction_id] = self._open_house.timers.at(at_ms, come)

    def _come(self, auction_id: int) -> None:
        del self._appointments[auction_id]
        if self._membership.owns(auction_id):
            self._bring(auction_id)

    def _appoint_in(self, auction_id: int, in_ms: int) -> None:
        self._appoint(auction_id, self._open_house.clock.now_ms() + in_ms)

    def _bring(self, auction_id: int) -> None:
        """The clock wants this auction: load it, or see to it that it will be."""
        actor = self._directory.get(auction_id)
        if actor is None:
            try:
                self._make(auction_id)
                self._due.add(auction_id)
            except Busy as cooling:
                self._appoint_in(auction_id, cooling.retry_after_ms)
        elif actor.auction is None:
            # Somebody has asked for it. Whether they get it is not known yet, so look again.
            self._appoint_in(auction_id, self._settings.backoff_ms_max)

    # --- loading ---------------------------------------------------------------------------------

    async def _load_wanted(self) -> None:
        try:
            while self._wanted:
                ids = list(self._wanted)[: self._settings.activate_batch_max]
                await self._load([self._wanted.pop(auction_id) for auction_id in ids])
        finally:
            self._loading = None

    async def _load(self, actors: list[AuctionActor]) -> None:
        """Take over the auctions of those who are still here, and start them."""
        actors = [actor for actor in actors if self._is_here(actor)]
        if not actors:
            return
        ids = [actor.auction_id for actor in actors]
        try:
            loaded = await self._commits.take_over(ids, self._membership.tenure)
            found = {each.state.auction.id: each for each in loaded}
            elsewhere = await self._elsewhere([no for no in ids if no not in found])
        except StoreError:
            for actor in actors:
                self._put_off(actor)
        except Exception as error:
            await self._load_apart(actors, error)
        else:
            breath = Breath(self._open_house.clock, self._settings.yield_after_ms)
            for actor in actors:
                why = NoOwner() if actor.auction_id in elsewhere else NotFound()
                self._begin(actor, found.get(actor.auction_id), why)
                await breath.taken()

    async def _elsewhere(self, auction_ids: list[int]) -> set[int]:
        """Which of those that were not to be had exist: another member has their shards by now."""
        if not auction_ids:
            return set()
        return {auction.id for auction in await self._commits.look(auction_ids)}

    async def _load_apart(self, actors: list[AuctionActor], error: Exception) -> None:
        """One of them cannot be read: find out which, the others are not to blame."""
        if len(actors) == 1:
            self._broken(actors[0], error)
            return
        half = len(actors) // 2
        await self._load(actors[:half])
        await self._load(actors[half:])

    def _begin(self, actor: AuctionActor, loaded: Loaded | None, why_not: HotHourError) -> None:
        if not self._is_here(actor):
            return
        clock_wants_it = actor.auction_id in self._due
        self._due.discard(actor.auction_id)
        if loaded is None:
            self._drop(actor, why_not)
            if clock_wants_it and why_not.retryable:
                self._appoint_in(actor.auction_id, self._settings.backoff_ms_max)
            return
        try:
            actor.start(loaded)
        except Exception as error:
            self._broken(actor, error)

    def _broken(self, actor: AuctionActor, error: Exception) -> None:
        """It could not be started: as if it had crashed."""
        if self._is_here(actor):
            self._drop(actor, Internal())
            self.ended(actor, Ending(superseded=False, error=error))

    def _put_off(self, actor: AuctionActor) -> None:
        """The store is away. Who asked may ask again; the clock will not."""
        if not self._is_here(actor):
            return
        clock_wants_it = actor.auction_id in self._due
        self._drop(actor, Busy())
        if clock_wants_it:
            self._appoint_in(actor.auction_id, self._settings.backoff_ms_max)

    def _is_here(self, actor: AuctionActor) -> bool:
        """It was not let go while it waited."""
        return self._directory.get(actor.auction_id) is actor

    def _drop(self, actor: AuctionActor, why: HotHourError) -> None:
        self._directory.remove(actor)
        self._due.discard(actor.auction_id)
        actor.stop(why)

    # --- looking ahead ---------------------------------------------------------------------------

    async def scan(self, shards: frozenset[int]) -> None:
        """Find the sales of these shards that the clock will change soon. Raises StoreError."""
        settings, clock = self._settings, self._open_house.clock
        breath = Breath(clock, settings.yield_after_ms)
        async with aclosing(self._due_pages(clock.now_ms() + settings.horizon_ms, shards)) as pages:
            async for page in pages:
                for first in range(0, len(page), _APPOINTED_AT_ONCE):
                    self._appoint_due(page[first : first + _APPOINTED_AT_ONCE])
                    await breath.taken()

    async def _due_pages(
        self, horizon_ms: int, shards: frozenset[int]
    ) -> AsyncGenerator[Sequence[Due], None]:
        """Page after page; the database makes the next one while the caller looks at the last."""
        most, loop = self._settings.horizon_page_max, asyncio.get_running_loop()

        def read(after: tuple[int, int] | None) -> asyncio.Task[Sequence[Due]]:
            return loop.create_task(self._read_due(horizon_ms, shards, after))

        coming = read(None)
        try:
            while len(page := await coming) == most:
                coming = read((page[-1].starts_at_ms, page[-1].auction_id))
                yield page
            yield page
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    async def _read_due(
        self, horizon_ms: int, shards: frozenset[int], after: tuple[int, int] | None
    ) -> Sequence[Due]:
        most = self._settings.horizon_page_max
        return await self._schedule.due_before(horizon_ms, shards, after, most)

    def _appoint_due(self, sales: Sequence[Due]) -> None:
        now_ms, lead_ms = self._open_house.clock.now_ms(), self._settings.activate_lead_ms
        for due in sales:
            actor = self._directory.get(due.auction_id)
            if actor is None or actor.auction is None:
                self._appoint(due.auction_id, now_ms if due.live else due.starts_at_ms - lead_ms)

    def shards_changed(self, gained: frozenset[int], lost: frozenset[int]) -> None:
        """Let go what is not ours any more, or was somebody else's for a while, and look for what
        is new to us soon."""
        if lost:
            for actor in self._directory:
                if self._membership.shard_of(actor.auction_id) in lost:
                    self._drop(actor, NoOwner())
        if gained:
            self._gained.set()

    async def watch(self) -> None:
        """For ever: look ahead every half horizon and at once for what we gained, retire who is
        not needed."""
        half_s = self._settings.horizon_ms / 2_000
        rest_s = min(self._settings.passivate_after_ms / 4_000, half_s)
        loop = asyncio.get_running_loop()
        next_scan = loop.time() + half_s
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(rest_s):
                    await self._gained.wait()
            if self._gained.is_set() or loop.time() >= next_scan:
                self._gained.clear()
                await self._scan_if_possible()
                next_scan = loop.time() + half_s
            await self._retire()

    async def _scan_if_possible(self) -> None:
        backoff_s = self._settings.backoff_ms_max / 1000
        while True:
            try:
                await self.scan(self._membership.shards)
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
        remembered_ms = max(self._settings.crash_window_ms, self._settings.cooldown_ms)
        since_ms = house.clock.now_ms() - remembered_ms
        self._crashes = {i: at for i, at in self._crashes.items() if at[-1] > since_ms}

    def _passivate(self, actor: AuctionActor, auction: Auction) -> None:
        at_ms = auction.next_transition_ms()
        if at_ms is not None:
            lead_ms = at_ms - self._settings.activate_lead_ms
            now_ms = self._open_house.clock.now_ms()
            if auction.status is Status.ACTIVE or lead_ms <= now_ms + self._settings.lease_ttl_ms:
                return
            if at_ms < now_ms + self._settings.horizon_ms:
                self._appoint(auction.id, lead_ms)
        self._drop(actor, Busy())

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
        self._draining = True
        self._directory.close()
        for timer in self._appointments.values():
            timer.cancel()
        self._appointments.clear()
        for actor in self._directory:
            await actor.finished()
        for actor in self._directory:
            self._drop(actor, Draining())
