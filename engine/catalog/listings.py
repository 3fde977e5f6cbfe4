"""Sales as they are looked at: one, a list, its past, a plan. A read never writes.

Status, price and step are folded with one instant an answer, the asking one. A draft is shown to
its own studio's staff and the platform's, and for everybody else there is none. Guests share what
is read of a sale; what moves fast comes from the sale's actor, where that is here.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from engine.catalog.auctions import Shown
from engine.catalog.planning import PlanAsked, planned
from engine.catalog.sharing import Copy, Shared
from engine.domain.auction import Auction, Status
from engine.domain.terms import Terms
from engine.errors import NotFound
from engine.ports.auctions import AuctionStore, Filters, Listed, Order, Past, Position, Sort
from engine.ports.clock import Clock
from engine.ports.studios import Staff
from engine.settings import Settings


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, all shown at `at_ms`; `following`: where the next page starts."""

    rows: Sequence[Listed]
    at_ms: int
    following: Position | None


@dataclass(frozen=True, slots=True)
class History:
    """Some events of a sale; `following`: the revision after which the next ones come."""

    events: Sequence[Past]
    following: int | None


class Listings:
    """What everybody, and what staff, may read of sales."""

    def __init__(
        self,
        store: AuctionStore,
        clock: Clock,
        *,
        present: Callable[[int], Auction | None],
        changes: Callable[[], Hashable],
        settings: Settings,
    ) -> None:
        """`present`: a sale's facts as committed, if they are in memory. `changes`: another value
        after each change of a sale or a studio that this process hears of."""
        self._store = store
        self._clock = clock
        self._present = present
        self._ones: Shared[Listed | None] = Shared(changes, clock, settings)

    async def one(self, viewer: Staff | None, auction_id: int) -> Shown:
        """Raises NotFound: unknown, or a draft of somebody else's."""
        if viewer is None:
            listed = await self._ones.get(auction_id, lambda: self._read(auction_id))
        else:
            listed = await self._store.one(auction_id)
        if listed is None or not _may_see(viewer, listed.auction):
            raise NotFound()
        committed = self._present(auction_id)
        if committed is not None and committed.revision > listed.auction.revision:
            listed = replace(listed, auction=committed)
        return Shown(listed, self._clock.now_ms())

    async def _read(self, auction_id: int) -> Copy[Listed | None]:
        return Copy(await self._store.one(auction_id))

    async def page(
        self,
        viewer: Staff | None,
        filters: Filters,
        order: Order,
        after: Position | None,
        limit: int,
    ) -> Page:
        """At most `limit` sales, with the viewer's own drafts if those are asked for."""
        now_ms = self._clock.now_ms()
        visible = replace(filters, drafts_of=_drafts_of(viewer))
        rows = await self._store.page(visible, order, after, now_ms, limit + 1)
        following = None
        if len(rows) > limit:
            as_of_ms = now_ms if after is None else after.as_of_ms
            last = rows[limit - 1].auction
            following = Position(_key(last, order.sort, as_of_ms), last.id, as_of_ms)
        return Page(rows[:limit], now_ms, following)

    async def history(
        self, staff: Staff, auction_id: int, after_revision: int, limit: int
    ) -> History:
        """The committed events of a sale of theirs. Raises NotFound."""
        listed = await self._store.one(auction_id)
        if listed is None or not staff.owns(listed.auction.studio_id):
            raise NotFound()
        events = await self._store.history(auction_id, after_revision, limit + 1)
        following = events[limit - 1].revision if len(events) > limit else None
        return History(events[:limit], following)

    def plan(self, asked: PlanAsked) -> Terms:
        """Drops that reach the floor with the last of them. Raises RuleBroken, Invalid."""
        return planned(asked, self._clock.now_ms())


def _may_see(viewer: Staff | None, auction: Auction) -> bool:
    if auction.status is not Status.DRAFT:
        return True
    return viewer is not None and viewer.owns(auction.studio_id)


def _drafts_of(viewer: Staff | None) -> frozenset[int] | None:
    """The studios whose drafts the viewer may see; None: all."""
    if viewer is None:
        return frozenset()
    if viewer.platform:
        return None
    return frozenset() if viewer.studio_id is None else frozenset({viewer.studio_id})


def _key(auction: Auction, sort: Sort, as_of_ms: int) -> int:
    match sort:
        case Sort.START:
            return auction.terms.starts_at_ms
        case Sort.END:
            return auction.terms.ends_at_ms
        case Sort.CLASS:
            return auction.terms.class_at_ms
        case Sort.PRICE:
            return auction.price_at(as_of_ms)
