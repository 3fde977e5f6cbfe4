"""A CommitStore with faults before it: away, answers lost, refusals, delays. For tests alone."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

from engine.domain.auction import Auction
from engine.ports.commit import (
    Ambiguous,
    CommitStore,
    Entry,
    Flight,
    Loaded,
    Outcome,
    Rejected,
    Rejection,
    Unavailable,
    Verdict,
)
from engine.ports.leases import Tenure


class Fault(Enum):
    """What happens to one commit."""

    LOST_AFTER = "it is done, and the answer is lost"
    LOST_BEFORE = "it never arrives, and nobody knows"
    UNSENT = "there is no connection"
    CONFLICT = "two met on a unique constraint"
    RETRY = "a deadlock"


_BEFORE = {
    Fault.UNSENT: Unavailable("planned"),
    Fault.LOST_BEFORE: Ambiguous("planned"),
    Fault.CONFLICT: Rejected(Rejection.CONFLICT, "planned"),
    Fault.RETRY: Rejected(Rejection.RETRY, "planned"),
}


@dataclass(slots=True)
class Faulty:
    """A store in between. Nothing is wrong until somebody says so."""

    inner: CommitStore
    plan: list[Fault] = field(default_factory=list)
    """What happens to the next commits, in order; then all goes well."""
    away: bool = False
    """Nothing answers."""
    hold: asyncio.Event | None = None
    """Commits wait for it."""
    hold_loads: asyncio.Event | None = None
    """Takeovers wait for it."""
    lost_loads: int = 0
    """So many takeovers get lost."""
    strange: int = 0
    """So many connections fail to open in a way nobody has heard of."""
    batches: list[tuple[int, ...]] = field(default_factory=list)
    """The auction ids of every batch that was sent."""
    resolves: int = 0
    before_resolve: Callable[[], Awaitable[object]] | None = None
    broken_auctions: set[int] = field(default_factory=set)
    """Their entries break a constraint."""
    cursed_auctions: set[int] = field(default_factory=set)
    """Whatever batch they are in gets lost."""
    mute_auctions: set[int] = field(default_factory=set)
    """What became of them cannot be asked."""
    unreadable_auctions: set[int] = field(default_factory=set)
    """Their rows cannot be read."""

    async def open_flight(self) -> Flight:
        self._check()
        if self.strange:
            self.strange -= 1
            raise LookupError("a connection that fails like no other")
        return FaultyFlight(self, await self.inner.open_flight())

    async def resolve(
        self, token: int, commit_id: UUID, entries: Sequence[Entry]
    ) -> Mapping[int, Verdict]:
        self._check()
        self.resolves += 1
        if self.before_resolve is not None:
            await self.before_resolve()
        if self.mute_auctions & {entry.auction_id for entry in entries}:
            raise ValueError("planned")
        return await self.inner.resolve(token, commit_id, entries)

    async def take_over(
        self, auction_ids: Sequence[int], tenure: Tenure | None = None
    ) -> Sequence[Loaded]:
        self._check()
        if self.hold_loads is not None:
            await self.hold_loads.wait()
        if self.lost_loads:
            self.lost_loads -= 1
            raise Ambiguous("planned")
        if self.unreadable_auctions & set(auction_ids):
            raise ValueError("planned")
        return await self.inner.take_over(auction_ids, tenure)

    async def look(self, auction_ids: Sequence[int]) -> Sequence[Auction]:
        self._check()
        return await self.inner.look(auction_ids)

    async def next_token(self) -> int:
        self._check()
        return await self.inner.next_token()

    async def next_block(self, sequence: str) -> range:
        self._check()
        return await self.inner.next_block(sequence)

    def _check(self) -> None:
        if self.away:
            raise Unavailable("away")


class FaultyFlight:
    """One connection through which the plan is carried out."""

    def __init__(self, faults: Faulty, inner: Flight) -> None:
        self._faults = faults
        self._inner = inner

    async def commit(self, commit_id: UUID, entries: Sequence[Entry]) -> Mapping[int, Outcome]:
        faults = self._faults
        if faults.away:
            raise Unavailable("away")
        faults.batches.append(tuple(entry.auction_id for entry in entries))
        if faults.hold is not None:
            await faults.hold.wait()
        if faults.broken_auctions & {entry.auction_id for entry in entries}:
            raise Rejected(Rejection.BROKEN, "planned")
        if faults.cursed_auctions & {entry.auction_id for entry in entries}:
            raise RuntimeError("whatever a driver raises on what it cannot send")
        fault = faults.plan.pop(0) if faults.plan else None
        if fault in _BEFORE:
            raise _BEFORE[fault]
        outcomes = await self._inner.commit(commit_id, entries)
        if fault is Fault.LOST_AFTER:
            raise RuntimeError("whatever a driver raises on a connection that died")
        return outcomes

    async def close(self) -> None:
        await self._inner.close()
