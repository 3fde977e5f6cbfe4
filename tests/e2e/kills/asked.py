"""What guests asked for and what they were told: the other side of every claim about the database.

A press is one key of one guest for one auction, however often it was sent. Must never be filled
from anything but what guests sent and heard.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a press."""

    code: str
    """"BOOKED", or the code of the refusal."""
    body: dict[str, Any]
    replayed: bool = False
    retryable: bool = False

    @property
    def booked(self) -> bool:
        return self.code == "BOOKED"


@dataclass(slots=True)
class Press:
    """One key, from the first time it was sent until it was settled."""

    user_id: int
    auction_id: int
    key: str
    sent: int = 0
    lost: int = 0
    """Times it was sent and no answer came, or one that says that nobody knows."""
    given_up: bool = False
    """Nobody will press again to know."""
    answers: list[Answer] = field(default_factory=list)
    """All definite ones."""

    @property
    def booked(self) -> Answer | None:
        return next((answer for answer in self.answers if answer.booked), None)


@dataclass(slots=True)
class Asked:
    """Everything that was asked for, and every promise that was heard."""

    presses: dict[tuple[int, str], Press] = field(default_factory=dict)
    cancels: dict[int, bool] = field(default_factory=dict)
    """Reservation -> has its guest heard that it is cancelled?"""
    refusals: dict[str, int] = field(default_factory=dict)
    """Retryable ones, by code."""

    def press(self, user_id: int, auction_id: int, key: str) -> Press:
        """A new press; a key is used once."""
        assert (user_id, key) not in self.presses
        press = self.presses[user_id, key] = Press(user_id, auction_id, key)
        return press

    def refused(self, code: str) -> None:
        """Somebody was asked to come again."""
        self.refusals[code] = self.refusals.get(code, 0) + 1

    def of(self, auction_ids: set[int]) -> Iterator[Press]:
        """The presses for these auctions."""
        return (press for press in self.presses.values() if press.auction_id in auction_ids)
