"""What the supervisor asks for, on rows in memory."""

from collections.abc import Sequence

from engine.domain.auction import Status
from engine.domain.ledger import ReservationStatus
from engine.ports.commit import Due
from engine.store.memory.database import MemoryDatabase
from engine.store.records import CARRIED_LIFE_MS, CODE_OUTLIVES_CLASS_MS

_DUE = frozenset({Status.SCHEDULED, Status.ACTIVE})


class MemoryScheduleStore:
    """As PostgresScheduleStore; answers of keys are the catalog's, which has no memory store."""

    def __init__(self, database: MemoryDatabase, *, sweep_batch_max: int) -> None:
        self._database = database
        self._sweep_batch_max = sweep_batch_max

    async def due_before(
        self, horizon_ms: int, shards: frozenset[int], after: tuple[int, int] | None, limit: int
    ) -> Sequence[Due]:
        """SCHEDULED and ACTIVE sales with starts_at < horizon_ms, in order of (starts_at, id), from
        after that key on; at most `limit`."""
        number = self._database.shards_number
        keys = sorted(
            (row.auction.terms.starts_at_ms, auction_id)
            for auction_id, row in self._database.auctions.items()
            if row.auction.status in _DUE
            and row.auction.terms.starts_at_ms < horizon_ms
            and auction_id % number in shards
        )
        page = [key for key in keys if after is None or key > after][:limit]
        return [
            Due(auction_id, starts_at_ms, self._is_live(auction_id))
            for starts_at_ms, auction_id in page
        ]

    async def unattended(self, class_before_ms: int, limit: int) -> Sequence[tuple[int, int]]:
        """(auction id, reservation id) of PENDING_ON_SITE seats of classes before that instant."""
        found = sorted(
            (row.reservation.auction_id, reservation_id)
            for reservation_id, row in self._database.reservations.items()
            if row.reservation.status is ReservationStatus.PENDING_ON_SITE
            and self._class_at_ms(row.reservation.auction_id) < class_before_ms
        )
        return found[:limit]

    async def sweep(self, now_ms: int) -> int:
        """Retire codes a day after the class, and carried outbox rows after a week."""
        left = self._sweep_batch_max
        for reservation_id in list(self._database.codes.values()):
            row = self._database.reservations[reservation_id]
            over_ms = self._class_at_ms(row.reservation.auction_id) + CODE_OUTLIVES_CLASS_MS
            if over_ms < now_ms and left > 0:
                row.code_live = False
                del self._database.codes[row.reservation.code]
                left -= 1
        old = [
            notice.row.id
            for notice in self._database.outbox.values()
            if notice.done_at_ms is not None and notice.done_at_ms + CARRIED_LIFE_MS < now_ms
        ]
        for notice_id in old[: self._sweep_batch_max]:
            del self._database.outbox[notice_id]
        return len(self._database.codes)

    def _is_live(self, auction_id: int) -> bool:
        return self._database.auctions[auction_id].auction.status is Status.ACTIVE

    def _class_at_ms(self, auction_id: int) -> int:
        return self._database.auctions[auction_id].auction.terms.class_at_ms
