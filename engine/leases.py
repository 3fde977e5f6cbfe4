"""This node's membership: one heartbeat row, the shards it routes, and how long its no counts.

A hint and a licence, never the guard: a commit is guarded by revision and fence. The licence runs
by our own monotonic clock from the moment a renewal was *sent*, so it ends before anybody else may
believe that it has.
"""

import asyncio
from collections.abc import Callable, Mapping

from engine.clock import ClockApart
from engine.ports.clock import Clock
from engine.ports.commit import StoreError
from engine.ports.leases import LeaseLost, LeaseStore, Tenure
from engine.settings import Settings


class Membership:
    """`join`, then keep `beat`ing in a task of the node's, then `leave`."""

    def __init__(self, node_id: str, store: LeaseStore, clock: Clock, settings: Settings) -> None:
        self.node_id = node_id
        self.shards: frozenset[int] = frozenset()
        self._claims: Mapping[int, int] = {}
        self._store = store
        self._clock = clock
        self._settings = settings
        self._incarnation = 0
        self._valid_until_ns = 0
        self._beaten_ns = 0

    async def join(self) -> None:
        """Become a member and take what is free. Raises StoreError, and ClockWrong: this clock is
        far from the database's, or from instants an earlier process has sold at."""
        asked_ms = self._clock.now_ms()
        joined = await self._store.join(self.node_id, self._settings.lease_ttl_ms)
        self._compare(asked_ms, joined.store_now_ms)
        self._clock.at_least(joined.high_water_ms)
        self._incarnation = joined.incarnation
        await self.renew()

    def _compare(self, asked_ms: int, store_now_ms: int) -> None:
        """A clock that is ahead would end sales early, and tell every later process to do so. The
        database looked at its own between our asking and now: a slow answer is no difference."""
        ahead_ms, behind_ms = asked_ms - store_now_ms, store_now_ms - self._clock.now_ms()
        apart_ms = max(ahead_ms, 0) - max(behind_ms, 0)
        if abs(apart_ms) > self._settings.clock_apart_ms_max:
            where = "ahead of" if apart_ms > 0 else "behind"
            raise ClockApart(
                f"The system clock is {abs(apart_ms) / 1000:.0f} s {where} the database's; "
                "set it right and start again."
            )

    async def renew(self) -> tuple[frozenset[int], frozenset[int]]:
        """One beat; the shards gained and lost by it. A shard that was somebody else's for a while,
        whether we heard of it or not, is both. Raises LeaseLost and StoreError."""
        ttl_ms = self._settings.lease_ttl_ms
        sent_ns = self._beaten_ns = self._clock.mono_ns()
        claims = await self._store.renew(
            self.node_id, self._incarnation, ttl_ms, self._clock.now_ms()
        )
        self._valid_until_ns = sent_ns + ttl_ms * 1_000_000
        before, self._claims, self.shards = self._claims, claims, frozenset(claims)
        kept = {no for no, claim in claims.items() if before.get(no) == claim}
        return self.shards - kept, frozenset(before) - kept

    async def beat(
        self,
        changed: Callable[[frozenset[int], frozenset[int]], None],
        superseded: Callable[[], None],
    ) -> None:
        """Renew for ever; `changed` hears of shards gained and lost, `superseded` that another
        process has taken this node's name."""
        while True:
            await asyncio.sleep(self._until_next_s())
            try:
                gained, gone = await self.renew()
            except LeaseLost:
                self._valid_until_ns = 0
                self.shards = frozenset()
                superseded()
                return
            except StoreError:
                continue  # the licence runs out by itself
            if gained or gone:
                changed(gained, gone)

    def _until_next_s(self) -> float:
        """Beats are counted from start to start: a slow answer must not make the next one late."""
        since_ns = self._clock.mono_ns() - self._beaten_ns
        return max(0.0, self._settings.lease_renew_ms / 1e3 - since_ns / 1e9)

    async def leave(self) -> None:
        """Others may take over at once. Raises StoreError."""
        self._valid_until_ns = 0
        self.shards = frozenset()
        await self._store.leave(self.node_id, self._incarnation)

    @property
    def tenure(self) -> Tenure:
        """Who we are, as a shard's row may say."""
        return Tenure(self.node_id, self._incarnation)

    def shard_of(self, auction_id: int) -> int:
        """The shard an auction belongs to."""
        return auction_id % self._settings.shards

    def owns(self, auction_id: int) -> bool:
        """Is the auction's shard routed here?"""
        return self.shard_of(auction_id) in self.shards

    @property
    def valid(self) -> bool:
        """Has the lease not run out, by our own clock?"""
        return self._clock.mono_ns() < self._valid_until_ns

    def may_refuse(self, auction_id: int) -> bool:
        """Does this node's no count for that auction?"""
        return self.valid and self.owns(auction_id)
