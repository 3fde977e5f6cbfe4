"""Committed facts on their way onward, on rows in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from engine.domain.decision import NoticeKind
from engine.ports.outbox import OutboxRow
from engine.store.memory.database import MemoryDatabase, NoticeRow
from engine.store.records import NOTICE_OVERLAP_MS

_NOTICES = frozenset(kind.value for kind in NoticeKind)


class MemoryOutboxStore:
    """As PostgresOutboxStore."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def claim(self, limit: int, lease_ms: int) -> Sequence[OutboxRow]:
        """Rows that are due, oldest first, hidden from other claims for `lease_ms`."""
        now_ms = self._database.clock.now_ms()
        due = sorted(
            (
                notice
                for notice in self._database.outbox.values()
                if notice.done_at_ms is None and notice.due_at_ms <= now_ms
            ),
            key=lambda notice: (notice.due_at_ms, notice.row.id),
        )[:limit]
        for notice in due:
            notice.due_at_ms = now_ms + lease_ms
        return [notice.row for notice in due]

    async def done(self, ids: Sequence[int]) -> None:
        """Carried; kept a week for guests who ask for what they missed."""
        for row_id in ids:
            notice = self._database.outbox.get(row_id)
            if notice is not None and notice.done_at_ms is None:
                notice.done_at_ms = self._database.clock.now_ms()

    async def again(self, row_id: int, in_ms: int) -> None:
        """Could not be carried now: one more attempt counted, due again in `in_ms`."""
        notice = self._database.outbox.get(row_id)
        if notice is not None and notice.done_at_ms is None:
            notice.row = replace(notice.row, attempts=notice.row.attempts + 1)
            notice.due_at_ms = self._database.clock.now_ms() + in_ms

    async def missed(self, user_id: int, since: int, limit: int) -> Sequence[OutboxRow]:
        """A user's notices from about the one named `since` on, oldest first; all that are kept
        when there is no such notice (any more)."""
        named = self._database.outbox.get(since)
        from_ms = 0
        if named is not None and named.row.user_id == user_id:
            from_ms = named.created_at_ms - NOTICE_OVERLAP_MS
        found = sorted(
            (notice for notice in self._notices(user_id) if notice.created_at_ms >= from_ms),
            key=lambda notice: (notice.created_at_ms, notice.row.id),
        )
        return [notice.row for notice in found[:limit]]

    async def latest(self, user_id: int) -> int:
        """The highest id of a user's notices; 0 if there is none."""
        return max((notice.row.id for notice in self._notices(user_id)), default=0)

    def _notices(self, user_id: int) -> Iterator[NoticeRow]:
        return (
            notice
            for notice in self._database.outbox.values()
            if notice.row.user_id == user_id and notice.row.topic in _NOTICES
        )
