"""What waits for one auction: bounded, in order of arrival, for a single consumer.

A message is stamped when it enters, and that stamp decides its price and its place; the stamps
never decrease. A full mailbox says so at once. The last places are kept for staff, so that they can
cancel, check in or trigger turbo in the middle of a rush.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from engine.domain.messages import Arrival, Book, GiveBack, Look, Message, Reply
from engine.errors import Busy, HotHourError

_FROM_ANYBODY = (Book, GiveBack, Look)


@dataclass(slots=True)
class Envelope:
    """A message, its stamp, and who waits for the reply."""

    message: Message
    arrival: Arrival
    reply: asyncio.Future[Reply]

    def answer(self, reply: Reply | HotHourError) -> None:
        """Say it, unless the asker has been answered or has gone."""
        if self.reply.done():
            return
        if isinstance(reply, HotHourError):
            self.reply.set_exception(reply)
        else:
            self.reply.set_result(reply)


class Mailbox:
    """Put at one end, take at the other. An empty one costs next to nothing."""

    __slots__ = ("_last_ms", "_seq", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[Envelope] | None = None
        self._last_ms = 0
        self._seq = 0

    def __len__(self) -> int:
        return len(self._waiting) if self._waiting else 0

    def put(
        self, message: Message, now_ms: int, *, depth_max: int, reserve: int
    ) -> asyncio.Future[Reply]:
        """Stamp and queue; the future gets the reply. Raises Busy when there is no place."""
        places = depth_max if isinstance(message, _FROM_ANYBODY) else depth_max + reserve
        if len(self) >= places:
            raise Busy()
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(Envelope(message, self.stamp(now_ms), reply))
        return reply

    def stamp(self, now_ms: int) -> Arrival:
        """The next arrival's: for what is put here, or answered without waiting."""
        self._last_ms = max(self._last_ms, now_ms)
        self._seq += 1
        return Arrival(self._last_ms, self._seq)

    def take(self, most: int) -> list[Envelope]:
        """Up to `most` messages, in order, without those whose asker has gone."""
        taken: list[Envelope] = []
        while self._waiting and len(taken) < most:
            envelope = self._waiting.popleft()
            if not envelope.reply.done():
                taken.append(envelope)
        self._forget_if_empty()
        return taken

    def put_back(self, envelopes: Iterable[Envelope]) -> None:
        """Return what was taken last, with its stamps, to the front."""
        back = list(envelopes)
        if back:
            if self._waiting is None:
                self._waiting = deque()
            self._waiting.extendleft(reversed(back))

    def lift(self, high_water_ms: int) -> None:
        """Nothing here is decided at an instant before `high_water_ms`: an earlier owner, whose
        clock was a little ahead, has sold up to there."""
        self._last_ms = max(self._last_ms, high_water_ms)
        for envelope in self._waiting or ():
            if envelope.arrival.at_ms < high_water_ms:
                envelope.arrival = Arrival(high_water_ms, envelope.arrival.seq)

    def expire(self, arrived_by_ms: int, why: HotHourError) -> None:
        """Answer everything that arrived by then."""
        while self._waiting and self._waiting[0].arrival.at_ms <= arrived_by_ms:
            self._waiting.popleft().answer(why)
        self._forget_if_empty()

    def fail(self, why: HotHourError) -> None:
        """Answer everything that waits."""
        for envelope in self.take(len(self)):
            envelope.answer(why)

    def unanswered(self) -> list[asyncio.Future[Reply]]:
        """What those who wait are waiting for."""
        return [e.reply for e in self._waiting or () if not e.reply.done()]

    def _forget_if_empty(self) -> None:
        if not self._waiting:
            self._waiting = None
