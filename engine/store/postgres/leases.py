"""Heartbeats and shards, by the database's clock.

A member's row is locked while it beats and while its shards are taken from it, so a late beat and a
claim come one after the other: whoever is second sees what the first did. Must never guard a
commit: the fence does.
"""

from collections.abc import Mapping

from engine.ports.leases import Joined, LeaseLost
from engine.store.postgres.lane import Lane
from engine.store.postgres.pool import Connection

_JOIN = """
insert into node as n (id, incarnation, lease_until, high_water)
values ($1, 1, now() + $2::bigint * interval '1 millisecond', 'epoch')
on conflict (id) do update set
    incarnation = n.incarnation + 1, lease_until = excluded.lease_until, started_at = now()
returning incarnation
"""
_CLOCKS = "select max(high_water) as high_water, clock_timestamp() as now from node"
_BEAT = """
update node set lease_until = now() + $3::bigint * interval '1 millisecond',
    high_water = greatest(high_water, $4)
where id = $1 and incarnation = $2
returning true
"""
# Members that are gone, unless one of them is beating at this very moment. The lock is held until
# the claim is durable: a beat that comes late waits, and then finds its shards gone.
_GONE = """
select id from node where lease_until <= now() and id <> $1 order by id
for no key update skip locked
"""
_CLAIM = """
update shard set node_id = $1, claims = claims + 1 where no = any (array(
    select no from shard where node_id is null or node_id = any ($2::text[])
    order by no for no key update skip locked))
"""
_MINE = "select no, claims from shard where node_id = $1"
_LEAVE = "update node set lease_until = now() where id = $1 and incarnation = $2 returning true"
_RELEASE = "update shard set node_id = null where node_id = $1"


class PostgresLeaseStore:
    """Heartbeats and shards. Expiry is judged by the database's own clock."""

    def __init__(self, lane: Lane) -> None:
        """`lane`: one that nobody else keeps busy, or a lease is lost to a queue."""
        self._lane = lane

    async def join(self, node_id: str, ttl_ms: int) -> Joined:
        """Become a member; an earlier process of the same name is superseded at once, and its
        shards are ours with the first renewal.

        Raises Unavailable, or Ambiguous (then join again).
        """
        async with self._lane.writing() as connection:
            incarnation = await connection.fetchval(_JOIN, node_id, ttl_ms)
            clocks = await connection.fetchrow(_CLOCKS)
        assert clocks is not None, "an aggregate has a row"
        return Joined(incarnation, clocks["high_water"], clocks["now"])

    async def renew(
        self, node_id: str, incarnation: int, ttl_ms: int, high_water_ms: int
    ) -> Mapping[int, int]:
        """Beat, claim the shards of members that are gone, and answer the shards that are ours,
        each with the number of its claim.

        Raises LeaseLost when this incarnation is not the newest; Unavailable when nothing was
        done, Ambiguous when that is not known.
        """
        async with self._lane.writing() as connection, connection.transaction():
            newest = await connection.fetchval(_BEAT, node_id, incarnation, ttl_ms, high_water_ms)
            mine = await _claim(connection, node_id) if newest else None
        if mine is None:
            raise LeaseLost(f"{node_id}: incarnation {incarnation} is not the newest")
        return mine

    async def leave(self, node_id: str, incarnation: int) -> None:
        """Give everything up at once; what was superseded has nothing to give up.

        Raises Unavailable or Ambiguous: then the others wait for the lease to run out.
        """
        async with self._lane.writing() as connection, connection.transaction():
            if await connection.fetchval(_LEAVE, node_id, incarnation):
                await connection.execute(_RELEASE, node_id)


async def _claim(connection: Connection, node_id: str) -> Mapping[int, int]:
    gone = [row["id"] for row in await connection.fetch(_GONE, node_id)]
    await connection.execute(_CLAIM, node_id, gone)
    return {row["no"]: row["claims"] for row in await connection.fetch(_MINE, node_id)}
