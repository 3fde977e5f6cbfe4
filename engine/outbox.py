"""Carries committed facts onward: personal frames at once, mail when it can.

Every fact is a row that committed together with its change; here it is only carried, at least once,
and receivers drop repeats by its id. The usual way is in memory, straight after the commit. What a
crash, a full queue or a mail server left undone is found by a poll. Nothing here ever fails or
delays a booking.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Sequence

from engine import frames
from engine.domain.decision import NoticeKind
from engine.ports.bus import Bus
from engine.ports.commit import StoreError
from engine.ports.mail import MailDelayed, Mailer
from engine.ports.outbox import OutboxRow, OutboxStore
from engine.settings import Settings

_log = logging.getLogger(__name__)

_PERSONAL = frozenset(kind.value for kind in NoticeKind)
_FIRST_RETRY_MS = 5_000
_LAST_RETRY_MS = 6 * 3_600_000


class Outbox:
    """`hand_over` after a commit; `run` in a task, which may be cancelled at any time."""

    def __init__(self, store: OutboxStore, bus: Bus, mailer: Mailer, settings: Settings) -> None:
        self._store = store
        self._bus = bus
        self._mailer = mailer
        self._settings = settings
        self._queue: deque[OutboxRow] = deque()
        self._in_hand: set[int] = set()
        self._work = asyncio.Event()

    def hand_over(self, rows: Sequence[OutboxRow]) -> None:
        """These rows are committed: tell their guests now, carry the rest when there is time."""
        for row in rows:
            self._tell(row)
            if len(self._queue) < self._settings.outbox_inflight_max:
                self._queue.append(row)
                self._in_hand.add(row.id)
        self._work.set()

    def wake(self) -> None:
        """Somebody else has committed rows: look now, not at the next poll."""
        self._work.set()

    async def run(self) -> None:
        """Carry for ever."""
        poll_s = self._settings.outbox_poll_ms / 1000
        while True:
            try:
                async with asyncio.timeout(poll_s):
                    await self._work.wait()
            except TimeoutError:
                pass
            self._work.clear()
            await self._carry_queue()
            try:
                await self._poll()
            except StoreError:
                continue  # the next poll finds them

    async def _carry_queue(self) -> None:
        while self._queue:
            most = min(len(self._queue), self._settings.outbox_batch_max)
            rows = [self._queue.popleft() for _ in range(most)]
            try:
                await self._carry(rows)
            except StoreError:
                continue  # not marked as done: the poll carries them once more
            finally:
                self._in_hand.difference_update(row.id for row in rows)

    async def _poll(self) -> None:
        while True:
            rows = await self._store.claim(
                self._settings.outbox_batch_max, self._settings.outbox_lease_ms
            )
            mine = [row for row in rows if row.id not in self._in_hand]
            for row in mine:
                if row.attempts <= 1:
                    self._tell(row)
            await self._carry(mine)
            if len(rows) < self._settings.outbox_batch_max:
                return

    async def _carry(self, rows: Iterable[OutboxRow]) -> None:
        done: list[int] = []
        try:
            for row in rows:
                if await self._mailed(row):
                    done.append(row.id)
                else:
                    await self._store.again(row.id, _pause_ms(row.attempts))
        finally:
            if done:
                await self._store.done(done)

    async def _mailed(self, row: OutboxRow) -> bool:
        """True when nothing is left to do for this row, given up included."""
        try:
            await self._mailer.carry(row)
        except MailDelayed:
            if row.attempts < self._settings.outbox_attempts_max:
                return False
            _log.error("gave up mailing outbox row %d (%s)", row.id, row.topic)
        except Exception:
            _log.exception("outbox row %d (%s) cannot be rendered", row.id, row.topic)
        return True

    def _tell(self, row: OutboxRow) -> None:
        if row.topic in _PERSONAL and row.user_id is not None:
            self._bus.tell(row.user_id, frames.personal(row.topic, row.id, row.payload))


def _pause_ms(attempts: int) -> int:
    pause = _FIRST_RETRY_MS << min(attempts, 16)
    return int(min(_LAST_RETRY_MS, pause))
