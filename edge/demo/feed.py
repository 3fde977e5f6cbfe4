"""What happened, in a sentence each: the newest few, and whoever wants to hear of each as it comes.

Several who missed one seat share an entry: a race is one thing to look at.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

ENTRIES_MAX: Final = 60
"""Entries remembered; the oldest go."""
TOGETHER_MS: Final = 5_000
"""Those who miss a seat within this share an entry."""


class Kind(Enum):
    """What sort of thing happened; the value is the word for it."""

    BOOKED = "booked"
    MISSED = "missed"
    TURBO = "turbo"
    GAVE_BACK = "gave back"
    RELISTED = "on sale"
    CHECKED_IN = "checked in"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Entry:
    """One sentence. `race`: the auction whose losers share it."""

    at_ms: int
    kind: Kind
    text: str
    race: int | None = None


class Feed:
    """Newest last."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=ENTRIES_MAX)
        self._listeners: list[Callable[[Entry], None]] = []

    def listen(self, listener: Callable[[Entry], None]) -> None:
        """Hear each thing by itself, as it happens."""
        self._listeners.append(listener)

    def add(self, at_ms: float, kind: Kind, text: str) -> None:
        """Something happened."""
        entry = Entry(int(at_ms), kind, text)
        self.entries.append(entry)
        self._tell(entry)

    def missed(self, at_ms: float, auction_id: int, title: str, who: str, late_by_ms: int) -> None:
        """Somebody came too late for the last seat."""
        text = f"{who} missed {title} by {late_by_ms} ms"
        self._tell(Entry(int(at_ms), Kind.MISSED, text, auction_id))
        for index, entry in enumerate(reversed(self.entries), 1):
            if entry.race == auction_id and at_ms - entry.at_ms < TOGETHER_MS:
                more = f"{entry.text}, {who} by {late_by_ms} ms"
                self.entries[-index] = Entry(entry.at_ms, Kind.MISSED, more, auction_id)
                return
        self.entries.append(Entry(int(at_ms), Kind.MISSED, text, auction_id))

    def _tell(self, entry: Entry) -> None:
        for listener in self._listeners:
            listener(entry)
