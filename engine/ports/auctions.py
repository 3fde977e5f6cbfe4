"""Auctions as the catalog sees them: drafts it writes, and every sale as it was last committed.

One writer: through this door only DRAFTs change. What becomes of a published sale is committed by
its actor (ports/commit.py); here it is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from engine.domain.auction import AllowedGender, Auction, Status
from engine.domain.terms import Terms


@dataclass(frozen=True, slots=True)
class Venue:
    """A studio as an auction shows it."""

    id: int
    name: str
    address: str
    google_maps_url: str | None
    zone: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A sale and where it takes place. `version` changes with every write of the row."""

    auction: Auction
    venue: Venue
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What staff enter. Its terms break no rule at the time of writing."""

    title: str
    description: str
    allowed_gender: AllowedGender
    terms: Terms


@dataclass(frozen=True, slots=True)
class Publishing:
    """Revision 1 of a sale: when, at which price (minor units, at that instant), and by whom."""

    at_ms: int
    price: int
    by: int


class Sort(Enum):
    """What a list is ordered by; equal ones by id."""

    START = "start_time"
    END = "end_time"
    CLASS = "scheduled_at"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Order:
    """The order of a list, ids included."""

    sort: Sort = Sort.END
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list: just after the row with this key (ms or minor units) and id.

    Prices are compared as they were at `as_of_ms`, the instant of the first page, on all pages:
    prices that fall meanwhile move no row past a reader.
    """

    key: int
    id: int
    as_of_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list shows; None or empty: everything. Statuses are those of the asking instant."""

    statuses: frozenset[Status] = frozenset()
    """Empty: what is to come, on sale or just sold, as long as its end lies ahead."""
    drafts_of: frozenset[int] | None = frozenset()
    """Whose drafts may be among them, if DRAFT is asked for; None: every studio's."""
    studio_id: int | None = None
    words: tuple[str, ...] = ()
    """Folded; each has to be found in the title or the studio's name."""
    price_max: int | None = None
    """Minor units, against the price of the asking instant."""
    allowed_gender: AllowedGender | None = None
    class_from_ms: int | None = None
    class_to_ms: int | None = None
    """Inclusive."""


@dataclass(frozen=True, slots=True)
class Past:
    """One committed event of a sale: what, when it took effect, the price then, and who."""

    revision: int
    kind: str
    at_ms: int
    price: str
    """Decimal, as it was written down."""
    actor: str
    """"user:<id>", or "clock"."""


class AuctionStore(Protocol):
    """Every method raises Busy when the database is away; those that write UnknownOutcome when it
    went away in the middle."""

    async def one(self, auction_id: int) -> Listed | None:
        """One sale, drafts included; None: there is none."""

    async def page(
        self, filters: Filters, order: Order, after: Position | None, now_ms: int, limit: int
    ) -> Sequence[Listed]:
        """At most `limit` sales in order, from a position on; in one statement."""

    async def history(self, auction_id: int, after_revision: int, limit: int) -> Sequence[Past]:
        """Committed events with higher revisions, in their order, at most `limit`."""

    async def add(
        self, studio_id: int, by: int, draft: Draft, publishing: Publishing | None
    ) -> Listed | None:
        """A new sale with the studio's currency and policies, published at once or not.

        None: there is no such studio.
        """

    async def rewrite(self, draft_row: Listed, draft: Draft) -> Listed | None:
        """Change a DRAFT, if it is still as it was read; None: it is not."""

    async def publish(self, draft_row: Listed, publishing: Publishing) -> Listed | None:
        """DRAFT -> SCHEDULED with its event, if it is still as it was read; None: it is not."""

    async def remove(self, auction_id: int) -> bool:
        """Delete a DRAFT; False: there is no DRAFT of that id."""
