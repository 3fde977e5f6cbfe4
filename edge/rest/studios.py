"""/studios: who sells, where and by which policies."""

from typing import Any, Final

from edge.routing import Access, Call, Reply, Route
from edge.wire.cursor import seal, unseal
from edge.wire.studios import StudioAnswer, StudioChanges, StudioListAnswer, StudioListQuery
from engine.catalog.studios import Studios
from engine.errors import NotFound, UnknownOutcome
from engine.ports.studios import Studio

TAG: Final = "studios"
_SCOPE: Final = "studios"


def routes(studios: Studios) -> tuple[Route, ...]:
    """All routes of /studios."""
    return StudioRoutes(studios).routes()


class StudioRoutes:
    """The handlers."""

    def __init__(self, studios: Studios) -> None:
        self._studios = studios

    def routes(self) -> tuple[Route, ...]:
        return (
            Route(
                method="GET",
                path="/studios",
                handler=self.page,
                access=Access.PUBLIC,
                summary="List studios",
                tag=TAG,
                query=StudioListQuery,
                answer=StudioListAnswer,
            ),
            Route(
                method="GET",
                path="/studios/me",
                handler=self.mine,
                access=Access.DESK,
                summary="The studio you belong to",
                tag=TAG,
                answer=StudioAnswer,
                codes=(NotFound,),
            ),
            Route(
                method="PUT",
                path="/studios/me",
                handler=self.edit,
                access=Access.STAFF,
                summary="Change your studio",
                tag=TAG,
                body=StudioChanges,
                answer=StudioAnswer,
                codes=(NotFound, UnknownOutcome),
                remembers_key=True,
            ),
            Route(
                method="GET",
                path="/studios/{studio_id}",
                handler=self.one,
                access=Access.PUBLIC,
                summary="One studio",
                tag=TAG,
                answer=StudioAnswer,
                codes=(NotFound,),
            ),
        )

    async def page(self, call: Call) -> Reply:
        query: StudioListQuery = call.query
        after = 0 if query.cursor is None else unseal(query.cursor, _SCOPE, 1)[0]
        page = await self._studios.page(after, query.limit)
        following = None if page.following is None else seal(_SCOPE, page.following)
        items = [studio_fields(studio) for studio in page.studios]
        return Reply(200, {"items": items, "next_cursor": following})

    async def one(self, call: Call) -> Reply:
        return Reply(200, studio_fields(await self._studios.one(call.path["studio_id"])))

    async def mine(self, call: Call) -> Reply:
        return Reply(200, studio_fields(await self._studios.one(call.user.studio_id)))

    async def edit(self, call: Call) -> Reply:
        body: StudioChanges = call.body
        return Reply(
            200, studio_fields(await self._studios.edit(call.user.studio_id, body.changes()))
        )


def studio_fields(studio: Studio) -> dict[str, Any]:
    """A studio as an answer shows it (StudioAnswer)."""
    profile = studio.profile
    return {
        "id": studio.id,
        "name": profile.name,
        "address": profile.address,
        "google_maps_url": profile.google_maps_url,
        "zone": profile.zone,
        "currency": profile.currency,
        "cancel_cutoff_secs": profile.cancel_cutoff_s,
        "no_show_grace_secs": profile.no_show_grace_s,
        "max_open_reservations": profile.max_open_reservations,
    }
