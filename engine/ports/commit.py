"""Where decisions become durable, and where an actor's state comes from.

The guard of everything is the compare-and-set on (revision, fence) in the commit; what is said here
about failures is what the commit protocol in engine/committer.py builds on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from engine.domain.auction import Auction
from engine.domain.decision import Event, Move, Notice, State
from engine.domain.ledger import Reservation
from engine.ports.leases import Tenure


@dataclass(frozen=True, slots=True)
class Entry:
    """All that one turn of one auction changes. At most one entry an auction in any batch."""

    expected: int
    """The revision this turn was decided on."""
    fence: int
    after: Auction
    high_water_ms: int
    """The latest instant this turn decided at."""
    events: tuple[Event, ...] = ()
    """Revisions expected + 1 ... expected + k, in order; none only if nothing public changes."""
    booked: tuple[Reservation, ...] = ()
    moved: tuple[Move, ...] = ()
    notices: tuple[Notice, ...] = ()
    edited: bool = False
    """Title, terms and the rest are written too, from `after`."""

    @property
    def auction_id(self) -> int:
        return self.after.id


class Why(StrEnum):
    """What an offending row ran into."""

    KEY = "key"
    USER = "user"
    SEAT = "seat"
    CODE = "code"
    ACCOUNT = "account"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Offender:
    """One row for which its entry was left out. `old`: the reservation that holds the key (KEY) or
    has another status than was assumed (STATUS); `old_auction_id`: the auction of a KEY's."""

    why: Why
    user_id: int | None = None
    seat_no: int | None = None
    code: str | None = None
    old: int | None = None
    old_auction_id: int | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """Durable, whole. `fence` is the token the next entry needs.

    Not `still_ours`: it was found durable after another owner had taken the auction over.
    """

    fence: int
    still_ours: bool = True


@dataclass(frozen=True, slots=True)
class Offended:
    """Nothing of the entry was written: these rows are in the way, the state is the newest."""

    offenders: tuple[Offender, ...]


@dataclass(frozen=True, slots=True)
class Superseded:
    """Nothing of the entry was written: the auction has moved on under another owner."""


Outcome = Committed | Offended | Superseded


class Rejection(StrEnum):
    """Why a whole batch was rolled back."""

    CONFLICT = "conflict"
    """Two transactions met on a unique constraint: the same batch again names the offender."""
    RETRY = "retry"
    """Deadlock or serialisation: the same batch again."""
    BROKEN = "broken"
    """One entry breaks a constraint or a guard: each one alone tells which."""


class StoreError(Exception):
    """Something between us and the database."""


class Unavailable(StoreError):
    """There is no connection; nothing was sent."""


class Rejected(StoreError):
    """Definitely rolled back."""

    def __init__(self, rejection: Rejection, cause: str) -> None:
        super().__init__(f"{rejection}: {cause}")
        self.rejection = rejection


class Ambiguous(StoreError):
    """It was sent and nobody knows what became of it."""


class Verdict(StrEnum):
    """What became of an ambiguous entry, once the fence was moved."""

    COMMITTED = "committed"
    """Durable; the new token is the fence."""
    NEVER = "never"
    """Not written and never will be; the new token is the fence, run it again."""
    COMMITTED_THEN_LOST = "committed_then_lost"
    """Durable, and then another owner took the auction over."""
    LOST = "lost"
    """Not written; another owner has the auction."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """An auction whose fence is ours from now on, as it was after the fence moved."""

    state: State
    fence: int
    high_water_ms: int


class Flight(Protocol):
    """One connection that commits, one batch at a time."""

    async def commit(self, commit_id: UUID, entries: Sequence[Entry]) -> Mapping[int, Outcome]:
        """Write all entries that can be written, in one transaction; an outcome per auction id.

        Raises Unavailable, Rejected or Ambiguous for the batch as a whole.
        """

    async def close(self) -> None:
        """Let go of the connection."""


class CommitStore(Protocol):
    """The durable side of all auctions."""

    async def open_flight(self) -> Flight:
        """A connection, prepared and warmed. Raises Unavailable."""

    async def resolve(
        self, token: int, commit_id: UUID, entries: Sequence[Entry]
    ) -> Mapping[int, Verdict]:
        """Move the fences of an ambiguous batch to `token` and tell what became of each entry.

        May be asked again with the same token until it answers. Raises Unavailable or Ambiguous.
        """

    async def take_over(
        self, auction_ids: Sequence[int], tenure: Tenure | None = None
    ) -> Sequence[Loaded]:
        """Move the fences, then read auctions and ledgers. Drafts and unknown ids are left out, and
        with a `tenure` those whose shards are not its own at that very moment: a node that has lost
        a shard without knowing must not take an auction from under its new owner, who would go on
        answering from what it remembers.

        Raises Unavailable or Ambiguous (then nothing may be assumed, ask again).
        """

    async def look(self, auction_ids: Sequence[int]) -> Sequence[Auction]:
        """The public facts as stored, without moving a fence. Drafts and unknown ids are left out.

        Raises Unavailable.
        """

    async def next_token(self) -> int:
        """A fencing token nobody else has. Raises Unavailable or Ambiguous."""

    async def next_block(self, sequence: str) -> range:
        """Ids of "reservation_id" or "outbox_id" that are ours alone. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Due:
    """A published sale that the clock will change."""

    auction_id: int
    starts_at_ms: int
    live: bool
    """It is ACTIVE already."""


class ScheduleStore(Protocol):
    """What the supervisor asks for, and nothing more."""

    async def due_before(
        self, horizon_ms: int, shards: frozenset[int], after: tuple[int, int] | None, limit: int
    ) -> Sequence[Due]:
        """SCHEDULED and ACTIVE sales with starts_at < horizon_ms, in order of (starts_at, id), from
        after that key on; at most `limit`. Raises Unavailable."""

    async def unattended(self, class_before_ms: int, limit: int) -> Sequence[tuple[int, int]]:
        """(auction id, reservation id) of PENDING_ON_SITE seats of classes before that instant."""

    async def sweep(self, now_ms: int) -> int:
        """Retire codes a day after the class, answers of keys after a day, carried outbox rows
        after a week; how many codes are in use then. Bounded work a call. Raises Unavailable."""
