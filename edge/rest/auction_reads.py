"""Looking at auctions: one, a list, its past, a plan. A read never writes."""

from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlencode

import orjson

from edge.rest.auction_fields import detail_fields, history_items, page_fields, plan_fields
from edge.rest.conditions import is_known, tag_of, tag_of_list
from edge.rest.staff import staff_of, the_staff
from edge.routing import Access, Call, Reply, Route
from edge.wire.auction_answers import AuctionAnswer, AuctionRowAnswer, HistoryAnswer, PlanAnswer
from edge.wire.auctions import DetailQuery, HistoryQuery, ListQuery, PlanIn
from edge.wire.cursor import seal, unseal
from engine.catalog.listings import Listings, Page
from engine.catalog.sharing import FOR_EVER_MS, Copy, Shared
from engine.domain import folding
from engine.domain.auction import Status
from engine.domain.money import MoneyError, parse_minor
from engine.errors import FieldError, Invalid, NotFound, RuleBroken
from engine.frames import instant
from engine.ports.auctions import Filters, Order, Position, Sort

TAG: Final = "auctions"
LIST_URL: Final = "/api/v1/auctions/"
_INSTANTS: Final = frozenset({"scheduled_from", "scheduled_to"})
_NEITHER_ORDER_NOR_FILTER: Final = {"cursor", "limit", "include_computed"}


class AuctionReads:
    """The handlers. `lobby_version`: the live channel's, whose updates a list is followed by.
    `lists`: those that guests share."""

    def __init__(
        self, listings: Listings, lobby_version: Callable[[], int], lists: Shared[Reply]
    ) -> None:
        self._listings = listings
        self._lobby_version = lobby_version
        self._lists = lists

    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/auctions",
                handler=self.page,
                access=Access.PUBLIC,
                summary="List auctions",
                tag=TAG,
                query=ListQuery,
                answer=list[AuctionRowAnswer],
                conditional=True,
            ),
            Route(
                method="POST",
                path="/auctions/plan",
                handler=self.plan,
                access=Access.STAFF,
                summary="Plan the drops that reach the floor last of all",
                tag=TAG,
                body=PlanIn,
                answer=PlanAnswer,
                codes=(RuleBroken,),
            ),
            Route(
                method="GET",
                path="/auctions/{auction_id}",
                handler=self.one,
                access=Access.PUBLIC,
                summary="One auction",
                tag=TAG,
                query=DetailQuery,
                answer=AuctionAnswer,
                codes=(NotFound,),
                conditional=True,
            ),
            Route(
                method="GET",
                path="/auctions/{auction_id}/history",
                handler=self.history,
                access=Access.STAFF,
                summary="The committed events of an auction",
                tag=TAG,
                query=HistoryQuery,
                answer=HistoryAnswer,
                codes=(NotFound,),
            ),
        )

    async def one(self, call: Call) -> Reply:
        query: DetailQuery = call.query
        shown = await self._listings.one(staff_of(call.principal), call.path["auction_id"])
        draft = shown.auction.status is Status.DRAFT
        if query.include_computed or draft:  # a draft changes without a revision: no tag for it
            body = detail_fields(shown, computed=query.include_computed)
            return Reply(200, body, {"Cache-Control": "no-store"})
        tag = tag_of(shown.auction, shown.at_ms)
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if is_known(call.headers, tag):
            return Reply(304, None, headers)
        return Reply(200, detail_fields(shown), headers)

    async def page(self, call: Call) -> Reply:
        query: ListQuery = call.query
        if query.include_computed or Status.DRAFT in query.status:
            page, headers = await self._page(call, query)
            headers["Cache-Control"] = "no-store"
            return Reply(200, page_fields(page, computed=query.include_computed), headers)
        # No draft in it, so it is the same for everybody.
        reply = await self._lists.get(query.model_dump_json(), lambda: self._list(call, query))
        if is_known(call.headers, reply.headers["ETag"]):
            return Reply(304, None, reply.headers)
        return reply

    async def _list(self, call: Call, query: ListQuery) -> Copy[Reply]:
        """A list, ready to be sent to many."""
        version = self._lobby_version()  # before the list is read: what comes later is told live
        page, headers = await self._page(call, query)
        headers |= {
            "ETag": tag_of_list(page.rows, page.at_ms),
            "Cache-Control": "public, max-age=1",
            "Lobby-Version": str(version),
        }
        body = orjson.dumps(page_fields(page, computed=False))
        return Copy(Reply(200, body, headers), _holds_until_ms(page))

    async def _page(self, call: Call, query: ListQuery) -> tuple[Page, dict[str, str]]:
        scope = _scope(query)
        page = await self._listings.page(
            staff_of(call.principal),
            _filters(query),
            _order(query),
            _after(query, scope),
            query.limit,
        )
        return page, _link(query, page, scope)

    async def history(self, call: Call) -> Reply:
        query: HistoryQuery = call.query
        auction_id = call.path["auction_id"]
        scope = f"history {auction_id}"
        after = 0 if query.cursor is None else unseal(query.cursor, scope, 1)[0]
        history = await self._listings.history(the_staff(call), auction_id, after, query.limit)
        following = None if history.following is None else seal(scope, history.following)
        return Reply(200, {"items": history_items(history), "next_cursor": following})

    async def plan(self, call: Call) -> Reply:
        body: PlanIn = call.body
        return Reply(200, plan_fields(self._listings.plan(body.asked())))


def _holds_until_ms(page: Page) -> int:
    """The next instant at which the clock changes a row."""
    instants = [FOR_EVER_MS]
    for row in page.rows:
        auction, change = row.auction, row.auction.next_change_after(page.at_ms)
        instants += [auction.next_transition_ms() or 0, auction.terms.ends_at_ms]
        instants += [] if change is None else [change.at_ms]
    return min(instant for instant in instants if instant > page.at_ms)


def _filters(query: ListQuery) -> Filters:
    return Filters(
        statuses=frozenset(query.status),
        studio_id=query.studio_id,
        words=folding.words(query.q or ""),
        price_max=_price_max(query),
        allowed_gender=query.allowed_gender,
        class_from_ms=query.scheduled_from,
        class_to_ms=query.scheduled_to,
    )


def _price_max(query: ListQuery) -> int | None:
    try:
        return None if query.price_max is None else parse_minor(query.price_max)
    except MoneyError as error:
        code = "RANGE" if error.reason == "max" else "FORMAT"
        raise Invalid(errors=(FieldError("price_max", code),)) from error


def _order(query: ListQuery) -> Order:
    return Order(Sort(query.sort.removeprefix("-")), query.sort.startswith("-"))


def _scope(query: ListQuery) -> str:
    """What a cursor belongs to: this order and these filters."""
    return query.model_dump_json(exclude=_NEITHER_ORDER_NOR_FILTER)


def _after(query: ListQuery, scope: str) -> Position | None:
    return None if query.cursor is None else Position(*unseal(query.cursor, scope, 3))


def _link(query: ListQuery, page: Page, scope: str) -> dict[str, str]:
    """The next page's address, as a Link header: the same question from another place."""
    following = page.following
    if following is None:
        return {}
    asked = [
        *_said(query),
        ("cursor", seal(scope, following.key, following.id, following.as_of_ms)),
    ]
    return {"Link": f'<{LIST_URL}?{urlencode(asked)}>; rel="next"'}


def _said(query: ListQuery) -> Iterator[tuple[str, str]]:
    """What the client asked for, as it would be written in an address."""
    for name in ListQuery.model_fields:
        if name not in query.model_fields_set or name == "cursor":
            continue
        match getattr(query, name):
            case None:
                pass
            case list(statuses):
                yield from ((name, status.value) for status in statuses)
            case bool(flag):
                yield name, str(flag).lower()
            case int(ms) if name in _INSTANTS:
                yield name, instant(ms)
            case value:
                yield name, str(value)
