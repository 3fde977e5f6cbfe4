"""The way from guests and watchers to the members, and back.

A question goes to the member that answered last, sometimes to any; it may get lost, and so may its
answer. Whoever asks gives up on a connection after a while, and hears `Gone`.
"""

import asyncio
from random import Random

from engine.domain.auction import Auction
from engine.domain.messages import Message
from engine.simulation.faults import Armed
from engine.simulation.loop import VirtualLoop, on
from engine.simulation.member import Answer, Gone, Member
from engine.store.memory.database import MemoryDatabase

_MS = 1_000_000
_TRIP_NS = (80_000, 700_000)
_PATIENCES_MS = (700, 3_000, 12_500)
"""A client gives up on a connection after this long, and asks again."""
_WANDERS = 0.3
"""So often a question goes to any member, as a balancer that knows nothing would have it."""


class Network:
    """What lies between everybody and the members."""

    def __init__(
        self,
        loop: VirtualLoop,
        rng: Random,
        armed: Armed,
        members: list[Member],
        database: MemoryDatabase,
    ) -> None:
        self.loop = loop
        self.rng = rng
        self.armed = armed
        self.members = members
        self.database = database
        self._favourite = 0

    def _trip_ns(self) -> int:
        return self.rng.randrange(*_TRIP_NS)

    async def ask(self, auction_id: int, message: Message, *, at_once: bool = False) -> Answer:
        """Ask the member that answered last, or any; the next time another, if it could not."""
        wanders = len(self.members) > 1 and self.rng.random() < _WANDERS
        no = self.rng.randrange(len(self.members)) if wanders else self._favourite
        member, loop = self.members[no], self.loop
        answer: asyncio.Future[Answer] = loop.create_future()

        def hear(said: Answer) -> None:
            if not answer.done():
                answer.set_result(said)

        def come_back(said: Answer) -> None:
            fault = None if isinstance(said, Gone) else self.armed.take("answer")
            at_ns = loop.now_ns + (0 if at_once else self._trip_ns())
            loop.at_ns(at_ns, hear, Gone() if fault else said, context=on(None))

        def arrive() -> None:
            if self.armed.take("ask") is not None:
                hear(Gone())
            else:
                member.ask(auction_id, message, come_back)

        if at_once:
            arrive()
        else:
            loop.at_ns(loop.now_ns + self._trip_ns(), arrive, context=on(None))
        patience_ms = self.rng.choice(_PATIENCES_MS)
        loop.at_ns(loop.now_ns + patience_ms * _MS, hear, Gone(), context=on(None))
        said = await answer
        if isinstance(said, Gone) or getattr(said, "code", "") in ("NO_OWNER", "DRAINING"):
            self._favourite = (no + 1) % len(self.members)
        return said

    def snapshot(self, auction_id: int) -> Auction | None:
        """What some member has in memory, else what is stored."""
        for member in self.members:
            auction = member.peek(auction_id)
            if auction is not None and auction == self.database.auctions[auction_id].auction:
                return auction
        return self.database.auctions[auction_id].auction

    def now_ms(self) -> int:
        """The true time."""
        return self.loop.true_ns() // _MS
