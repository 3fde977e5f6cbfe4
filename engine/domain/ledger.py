"""Who holds which seat of one auction: the private half of its state.

Nothing here ever reaches a public frame. Reservations are kept for ever, cancelled ones too: they
answer retried keys and refuse guests who gave a seat back. The ledger is immutable; a booking
copies its maps, which only winners pay for and which a class of at most 500 seats keeps small.
"""

from bisect import insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType


class ReservationStatus(StrEnum):
    """A reservation holds its seat unless CANCELLED."""

    PENDING_ON_SITE = "PENDING_ON_SITE"
    COMPLETED = "COMPLETED"
    NO_SHOW = "NO_SHOW"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Reservation:
    """One seat sold: `price` minor units, fixed at `accepted_at_ms`; `revision` is its event's."""

    id: int
    auction_id: int
    user_id: int
    seat_no: int
    price: int
    max_price: int | None
    code: str
    key: str | None
    revision: int
    accepted_at_ms: int
    status: ReservationStatus = ReservationStatus.PENDING_ON_SITE
    changed_at_ms: int | None = None
    given_back: bool = False
    """Cancelled by the guest: the same guest does not book this auction again."""

    @property
    def holds_seat(self) -> bool:
        return self.status is not ReservationStatus.CANCELLED


@dataclass(frozen=True, slots=True)
class Ledger:
    """Start from `EMPTY` or `of(rows)`; every change returns a new one."""

    by_id: Mapping[int, Reservation]
    _latest: Mapping[int, int]
    """User to the id of that user's newest reservation."""
    _keys: Mapping[tuple[int, str], int]
    _freed: tuple[int, ...] = ()
    _next_seat: int = 1

    def of_user(self, user_id: int) -> Reservation | None:
        """The user's newest reservation, cancelled or not."""
        found = self._latest.get(user_id)
        return None if found is None else self.by_id[found]

    def under_key(self, user_id: int, key: str | None) -> Reservation | None:
        """What this user booked with this key."""
        found = None if key is None else self._keys.get((user_id, key))
        return None if found is None else self.by_id[found]

    def free_seat(self) -> int:
        """The lowest seat number nobody holds; whether one is left is the auction's to say."""
        return self._freed[0] if self._freed else self._next_seat

    def pending(self) -> tuple[Reservation, ...]:
        """All that still wait for their guest, in order of id."""
        waiting = ReservationStatus.PENDING_ON_SITE
        return tuple(r for _, r in sorted(self.by_id.items()) if r.status is waiting)

    def booked(self, new: Reservation) -> "Ledger":
        """With one more reservation, for the seat that `free_seat` named."""
        reused = self._freed and self._freed[0] == new.seat_no
        keys = self._keys if new.key is None else {**self._keys, (new.user_id, new.key): new.id}
        return Ledger(
            by_id={**self.by_id, new.id: new},
            _latest={**self._latest, new.user_id: new.id},
            _keys=keys,
            _freed=self._freed[1:] if reused else self._freed,
            _next_seat=self._next_seat if reused else self._next_seat + 1,
        )

    def changed(self, new: Reservation) -> "Ledger":
        """With one reservation's status changed; a cancelled one's seat is free again."""
        freed = self._freed
        if self.by_id[new.id].holds_seat and not new.holds_seat:
            seats = list(freed)
            insort(seats, new.seat_no)
            freed = tuple(seats)
        return replace(self, by_id={**self.by_id, new.id: new}, _freed=freed)


EMPTY = Ledger(MappingProxyType({}), MappingProxyType({}), MappingProxyType({}))


def of(rows: Iterable[Reservation]) -> Ledger:
    """The ledger of stored reservations, in any order."""
    ordered = sorted(rows, key=lambda r: r.id)
    if not ordered:
        return EMPTY
    held = {r.seat_no for r in ordered if r.holds_seat}
    next_seat = max(held, default=0) + 1
    # A guest's live reservation outranks a cancelled one whatever their ids (blocks of ids
    # belong to nodes, so a later booking may carry a lower id).
    newest = sorted(ordered, key=lambda r: (r.holds_seat, r.accepted_at_ms, r.id))
    return Ledger(
        by_id={r.id: r for r in ordered},
        _latest={r.user_id: r.id for r in newest},
        _keys={(r.user_id, r.key): r.id for r in ordered if r.key is not None},
        _freed=tuple(seat for seat in range(1, next_seat) if seat not in held),
        _next_seat=next_seat,
    )
