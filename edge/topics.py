"""What sockets can watch: one auction each, and the lobby. Bookkeeping only, no bytes, no time.

A topic knows its sockets and, for each, a *mark*: the number of the last delivery it need not get
because something newer was handed to it directly (the snapshot of its subscription, a resync). That
one number is why nothing older ever follows a snapshot, however many frames are still on their way.
"""

import asyncio
from collections import deque
from collections.abc import Collection
from enum import Enum

from edge.connection import Socket
from engine.domain.auction import Auction
from engine.errors import HotHourError
from engine.timers import Timer


class Weight(Enum):
    """What a newer frame may replace for those who have not got the older one yet."""

    PRICE = "price"
    """Latest value: replaces older prices."""
    SIGNIFICANT = "significant"
    """Replaces nothing."""
    FULL = "full"
    """A whole snapshot: replaces everything before it."""


class Delivery:
    """One frame on its way to a topic's sockets."""

    __slots__ = ("ended", "frame", "number", "weight")

    def __init__(self, frame: bytes, number: int, weight: Weight) -> None:
        self.frame = frame
        self.number = number
        self.weight = weight
        self.ended = False
        """A newer one has replaced it for whoever is left."""


class Topic:
    """Sockets, their marks, and the deliveries they wait for, oldest first."""

    __slots__ = ("carried", "key", "marks", "queue")

    def __init__(self, key: int) -> None:
        self.key = key
        self.marks: dict[Socket, int] = {}
        self.queue: deque[Delivery] = deque()
        self.carried = False
        """Somebody is working its queue off."""

    def audience(self, weight: Weight) -> Collection[Socket]:
        """Whom frames of this weight are for."""
        return self.marks


class AuctionTopic(Topic):
    """Everybody who watches one auction, and what it looks like to them.

    Life: made for the first who asks, held (`holds`) while a view is being loaded for somebody, and
    dropped by the hub when nobody watches and nobody holds it.
    """

    __slots__ = ("alarm", "auction", "holds", "loading", "ticks", "told_ms")

    def __init__(self, auction_id: int) -> None:
        super().__init__(auction_id)
        self.auction: Auction | None = None
        """The newest view; None until the first is loaded or published."""
        self.ticks: set[Socket] = set()
        """Those who want a frame at each drop; the others of `marks` draw drops by themselves."""
        self.told_ms = 0
        """Prices up to this instant have been told to those in `ticks`."""
        self.alarm: Timer | None = None
        self.holds = 0
        self.loading: asyncio.Task[HotHourError | None] | None = None

    def audience(self, weight: Weight) -> Collection[Socket]:
        return self.ticks if weight is Weight.PRICE else self.marks

    def join(self, socket: Socket, mark: int, *, ticks: bool) -> None:
        """Watch, or watch in another mode, from after delivery `mark` on."""
        self.marks[socket] = mark
        if ticks:
            self.ticks.add(socket)
        else:
            self.ticks.discard(socket)

    def leave(self, socket: Socket) -> None:
        """Watch no more; harmless for whoever does not."""
        self.marks.pop(socket, None)
        self.ticks.discard(socket)
