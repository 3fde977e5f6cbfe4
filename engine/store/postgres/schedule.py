"""What the supervisor asks the database for: coming starts, unattended seats, and the sweeping.

Reads auctions as rows and never moves a fence. Must never return more than it was asked for.
"""

from collections.abc import Sequence

from engine.ports.commit import Due
from engine.store.postgres.lane import Lane
from engine.store.records import CARRIED_LIFE_MS, CODE_OUTLIVES_CLASS_MS, KEY_ANSWER_LIFE_MS

# By the partial index auction_due; the keyset's row comparison is one of its conditions. As columns
# of numbers: 100,000 rows cost half of what they do as records of instants.
_DUE = """
select array_agg(id) as ids, array_agg(starts_at_ms) as starts_at_ms, array_agg(live) as live
from (
    select id, status = 'ACTIVE' as live,
        (date_part('epoch', starts_at) * 1000)::bigint as starts_at_ms
    from auction
    where status in ('SCHEDULED', 'ACTIVE') and starts_at < $1
      and (starts_at, id) > ($2::timestamptz, $3::bigint)
      and id % $4::bigint = any ($5::bigint[])
    order by starts_at, id limit $6
) due
"""
_UNATTENDED = """
select a.id as auction_id, r.id as reservation_id
from reservation r join auction a on a.id = r.auction_id
where r.status = 'PENDING_ON_SITE' and a.class_at < $1
order by a.id, r.id limit $2
"""
_RETIRE_CODES = """
update reservation set code_live = false where id = any (array(
    select r.id from reservation r join auction a on a.id = r.auction_id
    where r.code_live and a.class_at < $1 limit $2 for no key update of r skip locked))
"""
_FORGET_ANSWERS = """
delete from idempotency_key where ctid = any (array(
    select ctid from idempotency_key
    where created_at < $1 order by created_at limit $2 for update skip locked))
"""
_FORGET_CARRIED = """
delete from outbox where id = any (array(
    select id from outbox
    where done_at < $1 order by done_at limit $2 for update skip locked))
"""
_CODES_IN_USE = "select count(*) from reservation where code_live"
_BEFORE_ALL = (-62_135_596_800_000, 0)
"""The year 1, in milliseconds since the epoch: a start that no sale has."""


class PostgresScheduleStore:
    """What the supervisor asks for, and nothing more."""

    def __init__(self, lane: Lane, *, shards: int, sweep_batch_max: int) -> None:
        self._lane = lane
        self._shards = shards
        self._sweep_batch_max = sweep_batch_max

    async def due_before(
        self, horizon_ms: int, shards: frozenset[int], after: tuple[int, int] | None, limit: int
    ) -> Sequence[Due]:
        """SCHEDULED and ACTIVE sales with starts_at < horizon_ms, in order of (starts_at, id), from
        after that key on; at most `limit`. Raises Unavailable."""
        key = _BEFORE_ALL if after is None else after
        async with self._lane.reading() as connection:
            row = await connection.fetchrow(
                _DUE, horizon_ms, *key, self._shards, sorted(shards), limit
            )
        assert row is not None, "an aggregate has one row"
        ids, starts_at_ms, live = row
        return [] if ids is None else list(map(Due, ids, starts_at_ms, live))

    async def unattended(self, class_before_ms: int, limit: int) -> Sequence[tuple[int, int]]:
        """(auction id, reservation id) of PENDING_ON_SITE seats of classes before that instant.

        Raises Unavailable.
        """
        async with self._lane.reading() as connection:
            rows = await connection.fetch(_UNATTENDED, class_before_ms, limit)
        return [(row["auction_id"], row["reservation_id"]) for row in rows]

    async def sweep(self, now_ms: int) -> int:
        """Retire codes a day after the class, answers of keys after a day, carried outbox rows
        after a week, at most `sweep_batch_max` of each; how many codes are in use then. Raises
        Unavailable."""
        bound = self._sweep_batch_max
        async with self._lane.reading() as connection:
            await connection.execute(_RETIRE_CODES, now_ms - CODE_OUTLIVES_CLASS_MS, bound)
            await connection.execute(_FORGET_ANSWERS, now_ms - KEY_ANSWER_LIFE_MS, bound)
            await connection.execute(_FORGET_CARRIED, now_ms - CARRIED_LIFE_MS, bound)
            in_use: int = await connection.fetchval(_CODES_IN_USE)
        return in_use
