"""Frames on their way to many sockets: the same bytes, in order, in slices, awaiting nobody.

Each topic with something to deliver is one work on `Slices`, so topics take turns and a small one
never waits behind a large one. Within a topic deliveries go out one after the other: a socket never
sees a later frame before an earlier one. Where a delivery starts is scattered, so that no socket is
always the last. A newer frame of enough weight ends older deliveries for all who have not got them.
"""

from collections.abc import Iterator

from edge.connection import Socket
from edge.meters import Meters
from edge.slices import Slices
from edge.topics import Delivery, Topic, Weight
from edge.writer import Writer

WRITES_A_STEP = 32
"""About 250 microseconds of writing, then the next topic has its turn. A step by itself costs a
microsecond and a half, half of it for looks at the clock."""
DELIVERIES_MAX = 64
"""More waiting for one topic than this: its hub sends one snapshot instead of all of them."""
_SCATTER = 2_654_435_761
"""A large odd number: consecutive deliveries start far apart."""


class Fanout:
    """Numbers deliveries and carries them. `number` is the newest one's."""

    def __init__(self, *, slices: Slices, writer: Writer, meters: Meters) -> None:
        self._slices = slices
        self._writer = writer
        self._meters = meters
        self.number = 0

    def deliver(self, topic: Topic, frame: bytes, weight: Weight) -> int:
        """Send to the topic's audience as it will be then; the delivery's number."""
        self.number += 1
        if weight is not Weight.SIGNIFICANT:
            _supersede(topic, weight)
        topic.queue.append(Delivery(frame, self.number, weight))
        if not topic.carried:
            topic.carried = True
            self._slices.add(self._carry(topic))
        return self.number

    def _carry(self, topic: Topic) -> Iterator[None]:
        try:
            while topic.queue:
                delivery = topic.queue[0]
                yield from self._write(topic, delivery)
                if topic.queue and topic.queue[0] is delivery:
                    topic.queue.popleft()
                if topic.queue:
                    yield
        finally:
            topic.carried = False

    def _write(self, topic: Topic, delivery: Delivery) -> Iterator[None]:
        frame, number, key, marks = delivery.frame, delivery.number, topic.key, topic.marks
        sockets, told = _scattered(topic, delivery), 0
        for first in range(0, len(sockets), WRITES_A_STEP):
            if first:
                yield
                if delivery.ended:
                    break
            some = sockets[first : first + WRITES_A_STEP]
            told += self._writer.spread(frame, key, number, some, marks)
        self._meters.fanned_out(delivery.weight.value, told)


def _supersede(topic: Topic, weight: Weight) -> None:
    """End what a new delivery of this weight replaces."""
    kept = []
    for delivery in topic.queue:
        if weight is Weight.FULL or delivery.weight is weight:
            delivery.ended = True
        else:
            kept.append(delivery)
    if len(kept) < len(topic.queue):
        topic.queue.clear()
        topic.queue.extend(kept)


def _scattered(topic: Topic, delivery: Delivery) -> list[Socket]:
    sockets = list(topic.audience(delivery.weight))
    if len(sockets) > WRITES_A_STEP:
        start = delivery.number * _SCATTER % len(sockets)
        return sockets[start:] + sockets[:start]
    return sockets
