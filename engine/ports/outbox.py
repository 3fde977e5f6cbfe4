"""Committed facts on their way onward."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One fact for one receiver. `topic` is a NoticeKind or a mail such as "mail.verify_email"."""

    id: int
    topic: str
    user_id: int | None
    auction_id: int | None
    payload: Mapping[str, object]
    attempts: int = 0


class OutboxStore(Protocol):
    """Rows are handed over at least once."""

    async def claim(self, limit: int, lease_ms: int) -> Sequence[OutboxRow]:
        """Rows that are due, oldest first, hidden from other claims for `lease_ms`."""

    async def done(self, ids: Sequence[int]) -> None:
        """Carried; kept a week for guests who ask for what they missed."""

    async def again(self, row_id: int, in_ms: int) -> None:
        """Could not be carried now; due again in `in_ms`."""

    async def missed(self, user_id: int, since: int, limit: int) -> Sequence[OutboxRow]:
        """A user's notices from about the one named `since` on, oldest first: overlapping rather
        than skipping, since ids are drawn in blocks."""

    async def latest(self, user_id: int) -> int:
        """The highest id of a user's notices; 0 if there is none."""
