"""Entries that wait for a commit, and which of them travel together.

Owns the order: what was sent and lost goes first, then by age. Two that share an auction or a
guest's key never share a batch. Must never talk to a store: the committer carries the batches.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from math import ceil

from engine.errors import Busy
from engine.ports.commit import Entry, Outcome

_WORTH_A_FLIGHT = 32
"""Fewer are not divided: with 16 waiting, what a statement costs by itself outweighed the second
core."""


class Waiting:
    """An entry, who waits for its outcome, and since when."""

    __slots__ = ("_settle", "entry", "lost", "outcome", "queued_ns", "settled")

    def __init__(self, entry: Entry, queued_ns: int, settle: Callable[[], None]) -> None:
        """`settle` is called once, when the outcome is known."""
        self.entry = entry
        self.queued_ns = queued_ns
        self.lost = 0
        """Times it was sent and got lost. From the first on it stays until it is done."""
        self.settled = False
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        """The caller's: a caller that is cancelled cancels it, and settles nothing."""
        self._settle = settle

    @property
    def suspect(self) -> bool:
        """It was lost more than once: it may be what cuts the connection, so it travels alone."""
        return self.lost > 1

    def claim(self, claimed: set[object]) -> bool:
        """Add what it shares with no other entry of a batch: its auction (an actor that was let go
        may still have an entry here when its successor sends one), and its guests' keys. False:
        another has it."""
        entry = self.entry
        mine: list[object] = [entry.auction_id]
        mine += [(new.user_id, new.key) for new in entry.booked if new.key is not None]
        if not claimed.isdisjoint(mine):
            return False
        claimed.update(mine)
        return True

    def is_(self, outcome: Outcome) -> None:
        """What became of it; only the first word counts."""
        if self._settles() and not self.outcome.done():
            self.outcome.set_result(outcome)

    def fails(self, error: Exception) -> None:
        """There is no outcome, for that reason."""
        if self._settles() and not self.outcome.done():
            self.outcome.set_exception(error)
            self.outcome.exception()  # seen here too: the caller may go before it looks

    def _settles(self) -> bool:
        if self.settled:
            return False
        self.settled = True
        self._settle()
        return True


class Gathering:
    """`add` entries, take `next_batch`; what could not be sent is `put_back`."""

    def __init__(self) -> None:
        self._fresh: deque[Waiting] = deque()
        """Never sent, in order of age: what waits too long hears BUSY."""
        self._again: deque[Waiting] = deque()
        """Sent and lost, to be sent again before anything else."""

    @property
    def fresh(self) -> bool:
        """Does anything wait that was never sent?"""
        return bool(self._fresh)

    def add(self, waiting: Waiting) -> None:
        """To the end of its queue."""
        (self._again if waiting.lost else self._fresh).append(waiting)

    def put_back(self, batch: Sequence[Waiting]) -> None:
        """Nothing was sent of these: they are the next to travel."""
        for waiting in reversed(batch):
            if not waiting.settled:
                (self._again if waiting.lost else self._fresh).appendleft(waiting)

    def share(self, *, flying: int, flights: int, most: int) -> int:
        """Entries one flight takes: what waits and what flies, divided among the flights, `most` at
        most. If one took all that waits the others would have nothing to carry meanwhile."""
        open_ = len(self._again) + len(self._fresh) + flying
        return min(most, max(_WORTH_A_FLIGHT, ceil(open_ / max(1, flights))))

    def next_batch(self, most: int) -> list[Waiting]:
        """The oldest entries that may travel together, first those that were sent before."""
        if self._again and self._again[0].suspect:
            return [self._again.popleft()]
        batch: list[Waiting] = []
        claimed: set[object] = set()
        for queue in (self._again, self._fresh):
            later: list[Waiting] = []
            while queue and len(batch) < most:
                waiting = queue.popleft()
                if waiting.suspect or not waiting.claim(claimed):
                    later.append(waiting)
                else:
                    batch.append(waiting)
            queue.extendleft(reversed(later))
        return batch

    def expire(self, before_ns: int) -> None:
        """Who was queued before that and never sent hears so."""
        while self._fresh and self._fresh[0].queued_ns < before_ns:
            self._fresh.popleft().fails(Busy())

    def give_up(self) -> None:
        """Everybody who was never sent hears BUSY; what was lost stays until its truth is found."""
        while self._fresh:
            self._fresh.popleft().fails(Busy())
