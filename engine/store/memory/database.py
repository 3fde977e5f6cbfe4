"""The tables, as one process holds them: what schema.sql is to PostgreSQL.

Rows and their unique indexes, no rules of their own: the stores around it keep those. Nothing in
here suspends, so whatever a store does between two awaits is one transaction. It outlives the
nodes that use it, which is how a simulated node loses its memory and finds its auctions again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from engine.domain.auction import Auction, Status
from engine.domain.ledger import Reservation
from engine.ports.clock import Clock
from engine.ports.outbox import OutboxRow
from engine.store.records import SEQUENCE_BLOCK


@dataclass(slots=True)
class AuctionRow:
    """One row of `auction`."""

    auction: Auction
    fence: int = 0
    last_commit_id: UUID | None = None
    high_water_ms: int = 0


@dataclass(slots=True)
class ReservationRow:
    """One row of `reservation`."""

    reservation: Reservation
    changed_by: int | None = None
    reason: str | None = None
    late: bool = False
    code_live: bool = True


@dataclass(frozen=True, slots=True)
class EventRow:
    """One row of `event`."""

    auction_id: int
    revision: int
    kind: str
    at_ms: int
    payload: dict[str, Any]
    commit_id: UUID


@dataclass(slots=True)
class NoticeRow:
    """One row of `outbox`."""

    row: OutboxRow
    created_at_ms: int
    due_at_ms: int
    done_at_ms: int | None = None


@dataclass(slots=True)
class NodeRow:
    """One row of `node`."""

    incarnation: int
    lease_until_ms: int
    high_water_ms: int


@dataclass(slots=True)
class MemoryDatabase:
    """All tables. `clock` is the database's own, by which leases expire."""

    clock: Clock
    shards_number: int = 64
    auctions: dict[int, AuctionRow] = field(default_factory=dict)
    reservations: dict[int, ReservationRow] = field(default_factory=dict)
    events: dict[tuple[int, int], EventRow] = field(default_factory=dict)
    outbox: dict[int, NoticeRow] = field(default_factory=dict)
    nodes: dict[str, NodeRow] = field(default_factory=dict)
    shards: dict[int, str | None] = field(init=False)
    claims: Counter[int] = field(default_factory=Counter)
    guests: set[int] = field(default_factory=set)
    """Accounts that may book: in state OK, with a verified address."""

    seats: dict[tuple[int, int], int] = field(default_factory=dict)
    """reservation_one_holder_per_seat: (auction, seat) to the reservation."""
    holders: dict[tuple[int, int], int] = field(default_factory=dict)
    """reservation_one_seat_per_user: (auction, user) to the reservation."""
    codes: dict[str, int] = field(default_factory=dict)
    """reservation_code_live: codes in use."""
    keys: dict[tuple[int, str], int] = field(default_factory=dict)
    """reservation_key: (user, key) to the reservation."""
    by_auction: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    _sequences: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shards = dict.fromkeys(range(self.shards_number))

    def next_value(self, sequence: str) -> int:
        """As nextval(): 1, 2, 3 for fences, the first id of a block for the others."""
        step = 1 if sequence == "fence_token" else SEQUENCE_BLOCK
        value = self._sequences.get(sequence, 1)
        self._sequences[sequence] = value + step
        return value

    def add_auction(self, auction: Auction) -> None:
        """What the catalog does when it publishes."""
        self.auctions[auction.id] = AuctionRow(auction)

    def published(self, auction_id: int) -> AuctionRow | None:
        """The row, unless it is a draft."""
        row = self.auctions.get(auction_id)
        return None if row is None or row.auction.status is Status.DRAFT else row

    def held(self, auction_id: int) -> Iterator[Reservation]:
        """Every reservation of an auction, cancelled ones too."""
        return (self.reservations[found].reservation for found in self.by_auction[auction_id])

    def insert(self, row: ReservationRow) -> None:
        """Add a reservation whose uniqueness has been seen to."""
        new = row.reservation
        self.reservations[new.id] = row
        self.by_auction[new.auction_id].append(new.id)
        self.seats[new.auction_id, new.seat_no] = new.id
        self.holders[new.auction_id, new.user_id] = new.id
        self.codes[new.code] = new.id
        if new.key is not None:
            self.keys[new.user_id, new.key] = new.id

    def free_seat(self, cancelled: Reservation) -> None:
        """A reservation holds its seat no longer."""
        self.seats.pop((cancelled.auction_id, cancelled.seat_no), None)
        self.holders.pop((cancelled.auction_id, cancelled.user_id), None)
