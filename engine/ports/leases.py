"""Who routes which auctions: a hint for routing and a licence to say no, never the guard."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Joined:
    """`high_water_ms`: the latest instant any member is known to have used, 0 if none has;
    `store_now_ms`: the store's own clock."""

    incarnation: int
    high_water_ms: int
    store_now_ms: int


@dataclass(frozen=True, slots=True)
class Tenure:
    """One process's time under a node's name: what a shard's row can be compared with."""

    node_id: str
    incarnation: int


class LeaseLost(Exception):
    """Another process runs under this node's name: stop."""


class LeaseStore(Protocol):
    """Heartbeats and shards. Expiry is judged by the store's own clock."""

    async def join(self, node_id: str, ttl_ms: int) -> Joined:
        """Become a member; an earlier process of the same name is superseded at once.

        No instant is told yet: what a wrong clock had told would stand for ever.
        """

    async def renew(
        self, node_id: str, incarnation: int, ttl_ms: int, high_water_ms: int
    ) -> Mapping[int, int]:
        """Beat, claim the shards of members that are gone, and answer the shards that are ours,
        each with the number of its claim: a new number means that it was somebody else's since.

        Raises LeaseLost when this incarnation is not the newest; StoreError when it is unknown.
        """

    async def leave(self, node_id: str, incarnation: int) -> None:
        """Give everything up at once, so that others need not wait for expiry."""
