"""Heartbeats and shards, on rows in memory and by the memory's own clock."""

from collections.abc import Mapping

from engine.ports.leases import Joined, LeaseLost
from engine.store.memory.database import MemoryDatabase, NodeRow


class MemoryLeaseStore:
    """As PostgresLeaseStore."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def join(self, node_id: str, ttl_ms: int) -> Joined:
        """Become a member; an earlier process of the same name is superseded at once."""
        nodes = self._database.nodes
        earlier = nodes.get(node_id)
        incarnation, high_water_ms = 1, 0
        if earlier is not None:
            incarnation, high_water_ms = earlier.incarnation + 1, earlier.high_water_ms
        now_ms = self._database.clock.now_ms()
        nodes[node_id] = NodeRow(incarnation, now_ms + ttl_ms, high_water_ms)
        return Joined(incarnation, max(node.high_water_ms for node in nodes.values()), now_ms)

    async def renew(
        self, node_id: str, incarnation: int, ttl_ms: int, high_water_ms: int
    ) -> Mapping[int, int]:
        """Beat, claim the shards of members that are gone, and answer the shards that are ours,
        each with the number of its claim.

        Raises LeaseLost when this incarnation is not the newest.
        """
        nodes, shards = self._database.nodes, self._database.shards
        node = nodes.get(node_id)
        if node is None or node.incarnation != incarnation:
            raise LeaseLost(f"{node_id}: incarnation {incarnation} is not the newest")
        now_ms = self._database.clock.now_ms()
        node.lease_until_ms = now_ms + ttl_ms
        node.high_water_ms = max(node.high_water_ms, high_water_ms)
        for no, owner in shards.items():
            if owner is None or (owner != node_id and nodes[owner].lease_until_ms <= now_ms):
                shards[no] = node_id
                self._database.claims[no] += 1
        return {no: self._database.claims[no] for no, owner in shards.items() if owner == node_id}

    async def leave(self, node_id: str, incarnation: int) -> None:
        """Give everything up at once; what was superseded has nothing to give up."""
        node = self._database.nodes.get(node_id)
        if node is None or node.incarnation != incarnation:
            return
        node.lease_until_ms = self._database.clock.now_ms()
        for no, owner in self._database.shards.items():
            if owner == node_id:
                self._database.shards[no] = None
