"""What everybody may know of one auction, as an immutable value.

Frames, snapshots, lists and the lobby are built from `Auction` alone, and it holds no guest, no
code and no key: what is not here cannot leak. Who holds a seat stands in `ledger.py`, how the value
changes in `decide.py`. Status and revision are the durable ones; everything that depends on the
hour takes the instant as an argument and folds the clock in.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from engine.domain.pricing import Change, PriceSchedule
from engine.domain.terms import Terms

REGRET_MS = 5 * 60_000
"""A guest may give a seat back this long after booking it, cut-off or not."""


class Status(StrEnum):
    """Where a sale stands. DRAFT is the catalog's; the actor knows the other five."""

    DRAFT = "DRAFT"
    SCHEDULED = "SCHEDULED"
    ACTIVE = "ACTIVE"
    SOLD = "SOLD"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class AllowedGender(StrEnum):
    """Whom a class is open to."""

    ANY = "ANY"
    FEMALE = "FEMALE"
    MALE = "MALE"


@dataclass(frozen=True, slots=True)
class Auction:
    """The public facts. `revision` is durable: one more for every significant frame."""

    id: int
    studio_id: int
    title: str
    description: str
    currency: str
    allowed_gender: AllowedGender
    cancel_cutoff_ms: int
    no_show_grace_ms: int
    terms: Terms
    status: Status
    revision: int
    seats_left: int
    turbo_started_at_ms: int | None = None
    frozen_at_ms: int | None = None
    """The instant at which price and step stand still: the last sale, or the cancellation."""

    schedule: PriceSchedule = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "schedule", self.terms.schedule(self.turbo_started_at_ms))

    def status_at(self, now_ms: int) -> Status:
        """The stored status carried on by the schedule."""
        status = self.status
        if status is Status.SCHEDULED and now_ms >= self.terms.starts_at_ms:
            status = Status.ACTIVE
        if status is Status.ACTIVE and now_ms >= self.terms.ends_at_ms:
            status = Status.EXPIRED
        return status

    def price_at(self, now_ms: int) -> int:
        """Minor units. Before the start the start price; frozen while SOLD and once CANCELLED."""
        return self.schedule.price_at(self._priced_at(now_ms))

    def step_at(self, now_ms: int) -> int:
        """Drops that have taken effect; with the revision, the order of all frames of a sale."""
        return self.schedule.step_at(self._priced_at(now_ms))

    def counts_at(self, now_ms: int) -> tuple[int, int]:
        """(normal drops, turbo drops) that have taken effect."""
        counts = self.schedule.counts_at(self._priced_at(now_ms))
        return counts[0], counts[1] if len(counts) > 1 else 0

    def next_change_after(self, now_ms: int) -> Change | None:
        """The next lower price, while there will be one."""
        if self.status_at(now_ms) in (Status.SCHEDULED, Status.ACTIVE):
            return self.schedule.next_change_after(now_ms)
        return None

    def turbo_started_by(self, now_ms: int) -> int | None:
        """When turbo started, if it has: as committed, or due and not yet written."""
        if self.turbo_started_at_ms is not None:
            return self.turbo_started_at_ms
        due = self.terms.turbo_due_at_ms
        reached = due is not None and due <= self._priced_at(now_ms)
        return due if reached and self.status is not Status.DRAFT else None

    def next_transition_ms(self) -> int | None:
        """When the clock alone changes this auction next; None when it never will."""
        if self.status is Status.SCHEDULED:
            return self.terms.starts_at_ms
        if self.status is not Status.ACTIVE:
            return None
        turbo = self.terms.turbo_due_at_ms if self.turbo_started_at_ms is None else None
        return self.terms.ends_at_ms if turbo is None else min(turbo, self.terms.ends_at_ms)

    def cancellable_until_ms(self, accepted_at_ms: int) -> int:
        """Up to here (exclusive) the guest may give back a seat booked at `accepted_at_ms`."""
        class_at = self.terms.class_at_ms
        return min(class_at, max(class_at - self.cancel_cutoff_ms, accepted_at_ms + REGRET_MS))

    def admits(self, gender: str | None) -> bool:
        """May a guest of this gender book? Not given is admitted where all are."""
        return self.allowed_gender is AllowedGender.ANY or gender == self.allowed_gender

    def _priced_at(self, now_ms: int) -> int:
        return now_ms if self.frozen_at_ms is None else min(now_ms, self.frozen_at_ms)
