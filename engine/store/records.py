"""What entries are made of when they are stored, whatever the store: both build from this.

Must never decide anything: an entry that breaks its own rules is refused, not mended.
"""

from collections.abc import Sequence
from typing import Any, Final

from engine.domain.auction import Auction
from engine.domain.decision import Event, Notice
from engine.domain.money import format_minor
from engine.frames import notice_fields
from engine.ports.commit import Entry

HAND_OVER_MS: Final = 5_000
"""A new outbox row is left to the hand-over in memory this long. Whatever is due after it was left
by a crash, and is what a poll finds."""

SEQUENCE_BLOCK: Final = 1_000
"""Ids a node draws at once; the increment of the sequences in schema.sql."""

NOTICE_OVERLAP_MS: Final = 10_000
"""Notices are ordered by the start of the transaction that wrote them, which may end later than one
that started after it; none lasts this long."""

_DAY_MS: Final = 86_400_000
CODE_OUTLIVES_CLASS_MS: Final = _DAY_MS
"""A booking code is not drawn again until this long after its class."""
KEY_ANSWER_LIFE_MS: Final = _DAY_MS
"""The answer under an Idempotency-Key is kept this long (a booking's is on the reservation)."""
CARRIED_LIFE_MS: Final = 7 * _DAY_MS
"""A carried notice is kept this long for guests who ask for what they missed."""


def ordered(entries: Sequence[Entry]) -> list[Entry]:
    """A batch in the order in which its rows are locked. A caller that breaks a rule of `Entry`
    hears of it here, before anything is sent."""
    batch = sorted(entries, key=lambda entry: entry.auction_id)
    assert len({entry.auction_id for entry in batch}) == len(batch), "one entry an auction"
    for entry in batch:
        assert entry.after.revision == entry.expected + len(entry.events), "one revision an event"
        assert entry.events or not (entry.booked or entry.edited), "what is public has a revision"
        touched = [new.id for new in entry.booked] + [move.after.id for move in entry.moved]
        assert len(set(touched)) == len(touched), "a statement writes a reservation once"
    return batch


def seats_freed(entry: Entry) -> int:
    """How many stored reservations it cancels."""
    return sum(not move.after.holds_seat for move in entry.moved)


def event_payload(event: Event) -> dict[str, Any]:
    """What the studio's history shows of an event."""
    return {
        "type": event.kind.value,
        "price": format_minor(event.price),
        "actor": event.actor,
        "seats_left": event.after.seats_left,
        **(event.detail or {}),
    }


def notice_payload(notice: Notice, auction: Auction) -> dict[str, Any]:
    """What its guest is shown of a notice."""
    return notice_fields(notice, auction)
