"""Auctions as staff change them, and all routes of /auctions together."""

from collections.abc import Callable
from typing import Final

from edge.problems import NoAuctionForTurbo
from edge.rest.auction_fields import detail_fields, turbo_fields
from edge.rest.auction_reads import TAG, AuctionReads
from edge.rest.conditions import tag_of, wanted_revision
from edge.rest.staff import the_staff
from edge.routing import Access, Call, Handler, Reply, Route
from edge.wire.auction_answers import (
    AuctionAnswer,
    AuctionCreatedAnswer,
    BroadcastAnswer,
    TurboTriggerAnswer,
)
from edge.wire.auctions import AuctionChanges, AuctionIn, CancelIn, TurboIn
from edge.wire.base import Body
from engine.catalog.auctions import Auctions, Shown
from engine.catalog.listings import Listings
from engine.catalog.sharing import Shared
from engine.domain.auction import Status
from engine.domain.money import format_minor
from engine.errors import (
    Draining,
    Forbidden,
    HotHourError,
    NoOwner,
    NotActive,
    NotFound,
    RuleBroken,
    Stale,
    TooLate,
    TransitionRefused,
    UnknownOutcome,
)

_ONE: Final = "/auctions/{auction_id}"
_UNSURE: Final = (UnknownOutcome,)
_ASKED: Final = (UnknownOutcome, NoOwner, Draining)
"""What a sale's own node, or the lack of one, may answer besides."""


def routes(
    auctions: Auctions,
    listings: Listings,
    lobby_version: Callable[[], int],
    lists: Shared[Reply],
) -> tuple[Route, ...]:
    """All routes of /auctions. `lobby_version`: the live channel's, for `lists`."""
    reads = AuctionReads(listings, lobby_version, lists).routes()
    return (*reads, *AuctionWrites(auctions).routes())


class AuctionWrites:
    """The handlers of everything that changes a sale, or speaks for one."""

    def __init__(self, auctions: Auctions) -> None:
        self._auctions = auctions

    def routes(self) -> tuple[Route, ...]:
        return (*self._whole(), *self._acts())

    def _whole(self) -> tuple[Route, ...]:
        """Creating, editing, deleting."""
        return (
            Route(
                method="POST",
                path="/auctions",
                handler=self.create,
                access=Access.STAFF,
                summary="Enter an auction",
                tag=TAG,
                body=AuctionIn,
                status=201,
                answer=AuctionCreatedAnswer,
                codes=(RuleBroken, Forbidden, NotFound, *_UNSURE),
                remembers_key=True,
            ),
            Route(
                method="PUT",
                path=_ONE,
                handler=self.edit,
                access=Access.STAFF,
                summary="Change an auction",
                tag=TAG,
                body=AuctionChanges,
                answer=AuctionAnswer,
                codes=(RuleBroken, NotFound, TransitionRefused, Stale, *_ASKED),
                remembers_key=True,
            ),
            Route(
                method="DELETE",
                path=_ONE,
                handler=self.delete,
                access=Access.STAFF,
                summary="Delete a draft",
                tag=TAG,
                status=204,
                codes=(NotFound, TransitionRefused, *_UNSURE),
                remembers_key=True,
            ),
        )

    def _acts(self) -> tuple[Route, ...]:
        refused = (NotFound, TransitionRefused)
        return (
            _act(
                "publish", self.publish, "Publish a draft", codes=(RuleBroken, *refused, *_UNSURE)
            ),
            _act(
                "cancel",
                self.cancel,
                "Cancel a class and its reservations",
                body=CancelIn,
                codes=(*refused, TooLate, *_ASKED),
            ),
            _act("clone", self.clone, "Copy as a draft", status=201, codes=(NotFound, *_UNSURE)),
            _act(
                "trigger-turbo",
                self.trigger_turbo,
                "Turn turbo on",
                body=TurboIn,
                answer=TurboTriggerAnswer,
                codes=(NoAuctionForTurbo, *_ASKED),
            ),
            _act(
                "broadcast-price",
                self.broadcast_price,
                "Say the price once more to whoever watches",
                answer=BroadcastAnswer,
                codes=(NotFound, NotActive),
                changes=False,
            ),
        )

    async def create(self, call: Call) -> Reply:
        body: AuctionIn = call.body
        created = await self._auctions.create(
            the_staff(call), body.asked(), studio_id=body.studio_id, publish=body.publish
        )
        reply = _answer(created.shown, 201)
        warnings = {"warnings": list(created.warnings)}
        return Reply(201, {**reply.body, **warnings}, reply.headers)

    async def edit(self, call: Call) -> Reply:
        body: AuctionChanges = call.body
        revision = wanted_revision(call.headers)
        auction_id = call.path["auction_id"]
        return _answer(
            await self._auctions.edit(the_staff(call), auction_id, body.asked(), revision)
        )

    async def delete(self, call: Call) -> Reply:
        await self._auctions.delete(the_staff(call), call.path["auction_id"])
        return Reply(204)

    async def publish(self, call: Call) -> Reply:
        return _answer(await self._auctions.publish(the_staff(call), call.path["auction_id"]))

    async def cancel(self, call: Call) -> Reply:
        body: CancelIn | None = call.body
        reason = None if body is None else body.reason
        auction_id = call.path["auction_id"]
        return _answer(await self._auctions.cancel(the_staff(call), auction_id, reason))

    async def clone(self, call: Call) -> Reply:
        return _answer(await self._auctions.clone(the_staff(call), call.path["auction_id"]), 201)

    async def trigger_turbo(self, call: Call) -> Reply:
        body: TurboIn | None = call.body
        force = body is not None and body.force
        try:
            answer = await self._auctions.trigger_turbo(
                the_staff(call), call.path["auction_id"], force=force
            )
        except NotFound as error:
            raise NoAuctionForTurbo() from error
        return Reply(200, turbo_fields(answer))

    async def broadcast_price(self, call: Call) -> Reply:
        auction_id = call.path["auction_id"]
        price = await self._auctions.announce(the_staff(call), auction_id)
        said = {"auction_id": auction_id, "current_price": format_minor(price), "broadcast": True}
        return Reply(200, said)


def _act(
    name: str,
    handler: Handler,
    summary: str,
    *,
    codes: tuple[type[HotHourError], ...],
    body: type[Body] | None = None,
    answer: type = AuctionAnswer,
    status: int = 200,
    changes: bool = True,
) -> Route:
    """Something staff do with one auction; the body, if there can be one, may be left out."""
    return Route(
        method="POST",
        path=f"{_ONE}/{name}",
        handler=handler,
        access=Access.STAFF,
        summary=summary,
        tag=TAG,
        body=body,
        body_optional=body is not None,
        answer=answer,
        status=status,
        codes=codes,
        remembers_key=changes,
    )


def _answer(shown: Shown, status: int = 200) -> Reply:
    """A sale after a change, with the tag that the next change may name."""
    headers = {}
    if shown.auction.status is not Status.DRAFT:
        headers["ETag"] = tag_of(shown.auction, shown.at_ms)
    return Reply(status, detail_fields(shown), headers)
