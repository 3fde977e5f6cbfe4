"""Chance and numbering for a node: ids from blocks that are ours alone, codes that do not repeat.

Ids are known before a commit, so events and frames are complete when it is sent. Codes are not
drawn again while they may still be in flight: two transactions that insert crossing codes would
wait for each other until the deadlock timeout.
"""

import asyncio
from collections import deque
from random import Random

from engine.domain import codes
from engine.errors import Busy
from engine.ports.commit import CommitStore, StoreError

_BLOCKS_KEPT = 4
CROWDED = 0.2
"""Share of all codes of a length that may be in use; from there on codes are a letter longer."""


class Numbers:
    """One sequence's ids: a few blocks ahead, refilled before they run out."""

    def __init__(self, store: CommitStore, sequence: str) -> None:
        self._store = store
        self._sequence = sequence
        self._blocks: deque[range] = deque()
        self._next = 0
        self._left = 0
        self._refilling: asyncio.Task[None] | None = None

    def next(self) -> int:
        """An id nobody else has. Raises Busy when none is at hand."""
        if not self._left:
            self._refill()
            raise Busy()
        block = self._blocks[0]
        number = block[self._next]
        self._next += 1
        self._left -= 1
        if self._next == len(block):
            self._blocks.popleft()
            self._next = 0
            if len(self._blocks) < _BLOCKS_KEPT:
                self._refill()
        return number

    async def fill(self) -> None:
        """Have all blocks at hand. Raises StoreError."""
        while len(self._blocks) < _BLOCKS_KEPT:
            block = await self._store.next_block(self._sequence)
            self._blocks.append(block)
            self._left += len(block)

    def _refill(self) -> None:
        if self._refilling is None or self._refilling.done():
            self._refilling = asyncio.get_running_loop().create_task(self._fill_if_possible())

    async def _fill_if_possible(self) -> None:
        try:
            await self.fill()
        except StoreError:
            return  # the next draw asks again


class NodeDraw:
    """The Draw of a node's actors."""

    def __init__(self, store: CommitStore, rng: Random, *, codes_recent_max: int) -> None:
        self._rng = rng
        self._reservations = Numbers(store, "reservation_id")
        self._notices = Numbers(store, "outbox_id")
        self._recent: set[str] = set()
        self._order: deque[str] = deque()
        self._recent_max = codes_recent_max
        self._length = codes.LENGTH

    async def fill(self) -> None:
        """Have ids at hand. Raises StoreError."""
        await self._reservations.fill()
        await self._notices.fill()

    def reservation_id(self) -> int:
        return self._reservations.next()

    def notice_id(self) -> int:
        return self._notices.next()

    def make_room(self, in_use: int) -> None:
        """Draw codes long enough that few draws hit one of those in use."""
        self._length = codes.LENGTH
        while in_use > CROWDED * len(codes.ALPHABET) ** self._length:
            self._length += 1

    def code(self) -> str:
        code = codes.draw(self._rng, self._length)
        while code in self._recent:
            code = codes.draw(self._rng, self._length)
        self._recent.add(code)
        self._order.append(code)
        if len(self._order) > self._recent_max:
            self._recent.discard(self._order.popleft())
        return code
