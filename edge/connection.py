"""What the server keeps of one live connection, and nothing else.

There may be tens of thousands of these, most of them idle: slots, numbers and shared values, no
task, no timer and no dictionary each. Who acts on a socket is elsewhere: reads in
live_connection.py, writes in writer.py, what it watches in hub.py, who sits behind it in
sessions.py, its deadlines in upkeep.py.
"""

import asyncio

from edge.pace import FRESH
from edge.routing import Principal
from edge.texts import Language


class Backlog:
    """A socket that does not take what is written to it, and what it misses meanwhile."""

    __slots__ = ("missed", "moved_ms", "since_ms", "waiting_bytes")

    def __init__(self, now_ms: int, waiting_bytes: int) -> None:
        self.since_ms = now_ms
        self.moved_ms = now_ms
        """When its buffer was last seen to shrink."""
        self.waiting_bytes = waiting_bytes
        self.missed: dict[int, int] = {}
        """Topic key to the number of the first delivery it did not get."""


class Socket:
    """One connection, from its upgrade to its end. Instants in milliseconds, 0: not yet."""

    __slots__ = (
        "address",
        "apart",
        "auctions",
        "authentication_pace",
        "backlog",
        "bad_messages",
        "booking_pace",
        "bookings",
        "born_ms",
        "drain_at_ms",
        "due_ms",
        "full",
        "heard_ms",
        "language",
        "leave_by_ms",
        "message_pace",
        "pinged_ms",
        "principal",
        "refused_messages",
        "sent_ms",
        "spoken",
        "transport",
        "user_id",
        "warned",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        *,
        address: str,
        language: Language,
        now_ms: int,
    ) -> None:
        self.transport = transport
        self.address = address
        self.language = language

        self.born_ms = self.heard_ms = self.sent_ms = now_ms
        self.pinged_ms = 0
        self.due_ms = 0
        """When upkeep looks at it next."""
        self.drain_at_ms = 0
        """Its own moment, once the server is draining."""
        self.leave_by_ms = 0
        """It was told to close; cut at this instant. Nothing more is written to it."""

        self.principal: Principal | None = None
        self.user_id = 0
        """Whose it is, for good: the first subject that authenticated on it; 0 while none did."""
        self.warned = False
        """It was told that its session is about to expire."""

        self.auctions: tuple[int, ...] = ()
        """What it watches. A tuple: a set of one would weigh four times as much."""
        self.full = False
        """Its transport has asked us to stop writing."""
        self.backlog: Backlog | None = None
        self.apart = False
        """It has a backlog or was told to close: what goes to many is not simply written to it."""

        self.spoken = False
        """It has said something valid."""
        self.bad_messages = 0
        self.refused_messages = 0
        self.bookings = 0
        """Presses that wait for their answer."""
        self.message_pace = self.booking_pace = self.authentication_pace = FRESH

    @property
    def writable(self) -> bool:
        """Neither told to close nor gone."""
        return not self.leave_by_ms and not self.transport.is_closing()
