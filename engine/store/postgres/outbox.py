"""Committed facts on their way onward: handed over at least once, dropped by nobody.

Several carriers may claim at once; each row goes to one of them. Must never delete a row: the sweep
does, once it was carried and kept for a while.
"""

from collections.abc import Sequence

from engine.domain.decision import NoticeKind
from engine.ports.outbox import OutboxRow
from engine.store.postgres.lane import Lane
from engine.store.records import NOTICE_OVERLAP_MS

_CLAIM = """
with due as materialized (
    select id, due_at from outbox where done_at is null and due_at <= now()
    order by due_at, id limit $1 for no key update skip locked),
claimed as (
    update outbox o set due_at = now() + $2::bigint * interval '1 millisecond'
    from due where o.id = due.id
    returning o.id, o.topic, o.user_id, o.auction_id, o.payload, o.attempts, due.due_at)
select id, topic, user_id, auction_id, payload, attempts from claimed order by claimed.due_at, id
"""
_DONE = """
update outbox set done_at = now() where id = any ($1::bigint[]) and done_at is null
"""
_AGAIN = """
update outbox set attempts = attempts + 1, due_at = now() + $2::bigint * interval '1 millisecond'
where id = $1 and done_at is null
"""
# Mails (which may hold a token) are rows of the same user and are never shown as notices.
_MISSED = """
select id, topic, user_id, auction_id, payload, attempts from outbox
where user_id = $1 and topic = any ($2::text[])
  and created_at >= coalesce(
      (select created_at - $4::bigint * interval '1 millisecond' from outbox
       where id = $3 and user_id = $1), '-infinity')
order by created_at, id limit $5
"""
_LATEST = """
select coalesce(max(id), 0) from outbox where user_id = $1 and topic = any ($2::text[])
"""
_NOTICES = [kind.value for kind in NoticeKind]


class PostgresOutboxStore:
    """Rows are handed over at least once. Every method raises Unavailable."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    async def claim(self, limit: int, lease_ms: int) -> Sequence[OutboxRow]:
        """Rows that are due, oldest first, hidden from other claims for `lease_ms`."""
        async with self._lane.reading() as connection:
            rows = await connection.fetch(_CLAIM, limit, lease_ms)
        return [OutboxRow(*row) for row in rows]

    async def done(self, ids: Sequence[int]) -> None:
        """Carried; kept a week for guests who ask for what they missed."""
        async with self._lane.reading() as connection:
            await connection.execute(_DONE, sorted(ids))

    async def again(self, row_id: int, in_ms: int) -> None:
        """Could not be carried now: one more attempt counted, due again in `in_ms`."""
        async with self._lane.reading() as connection:
            await connection.execute(_AGAIN, row_id, in_ms)

    async def missed(self, user_id: int, since: int, limit: int) -> Sequence[OutboxRow]:
        """A user's notices from about the one named `since` on, oldest first; all that are kept
        when there is no such notice (any more)."""
        async with self._lane.reading() as connection:
            rows = await connection.fetch(
                _MISSED, user_id, _NOTICES, since, NOTICE_OVERLAP_MS, limit
            )
        return [OutboxRow(*row) for row in rows]

    async def latest(self, user_id: int) -> int:
        """The highest id of a user's notices; 0 if there is none."""
        async with self._lane.reading() as connection:
            highest: int = await connection.fetchval(_LATEST, user_id, _NOTICES)
        return highest
