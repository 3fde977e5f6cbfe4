"""/reservations and /studios/me/reservations: looked up, given back, checked in, cancelled.

Whose a reservation may be is said once, by the asker's scope, and held by the query: what is out of
it is 404, whether it exists or not. At the door only a studio's people act, and only on their own
studio's reservations, never on those they hold as guests.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlencode

from edge.rest.booking import TAG
from edge.rest.reservation_fields import desk_fields, plain_fields, ticket_fields
from edge.routing import Access, Call, Lane, Principal, Reply, Route
from edge.wire.base import Body
from edge.wire.cursor import seal, unseal
from edge.wire.reservations import (
    CancelBody,
    DeskAnswer,
    MyReservationsAnswer,
    MyReservationsQuery,
    ReservationAnswer,
    StudioReservationsAnswer,
    StudioReservationsQuery,
    TicketAnswer,
)
from engine.catalog.reservations import Page, Reservations, code_start
from engine.errors import (
    Busy,
    Draining,
    FieldError,
    Forbidden,
    HotHourError,
    Invalid,
    NoOwner,
    NotFound,
    TooLate,
    TransitionRefused,
    UnknownOutcome,
)
from engine.ports.reservations import Filters, Position, Scope, Ticket

MINE: Final = "/reservations/my/all"
MINE_HREF: Final = f"/api/v1{MINE}"

_DONE: Final = Reply(204)
_EITHER: Final = TicketAnswer | DeskAnswer
_UNSURE: Final = (Busy, NoOwner, Draining, UnknownOutcome)

Act = Callable[[Call, Scope], Awaitable[Ticket]]


def routes(reservations: Reservations) -> tuple[Route, ...]:
    """All but booking (booking.py) and the ticket's files (tickets.py)."""
    return (*_guest_routes(reservations), *_door_routes(reservations), _studio_list(reservations))


def _sees(user: Principal) -> Scope:
    """What somebody may look at: their own and their studio's."""
    return Scope(user.user_id, user.studio_id, _is_platform(user))


def _acts_on(user: Principal) -> Scope:
    """What somebody may act on for a studio."""
    return Scope(studio_id=user.studio_id, everywhere=_is_platform(user))


def _is_platform(user: Principal) -> bool:
    return user.role == "platform_admin"


def _shown(ticket: Ticket, user: Principal) -> Reply:
    """A ticket as the asker may see it."""
    if ticket.reservation.user_id == user.user_id:
        return Reply(200, ticket_fields(ticket))
    return Reply(200, desk_fields(ticket, masked=user.role == "desk"))


def _guest_routes(reservations: Reservations) -> tuple[Route, ...]:
    async def one(call: Call) -> Reply:
        ticket = await reservations.one(call.path["reservation_id"], _sees(call.user))
        return _shown(ticket, call.user)

    async def find(call: Call) -> Reply:
        ticket = await reservations.find(call.path["booking_code"], _sees(call.user))
        return _shown(ticket, call.user)

    async def mine(call: Call) -> Reply:
        query: MyReservationsQuery = call.query
        user_id = call.user.user_id
        scope = f"reservations of {user_id}"
        page, count = await reservations.of_user(
            user_id, _position(query.cursor, scope), query.limit
        )
        body = {
            "user_id": user_id,
            "reservations": [ticket_fields(ticket) for ticket in page.rows],
            "count": count,
        }
        return Reply(200, body, _link(page, scope, query.limit))

    async def give_back(call: Call) -> Reply:
        await reservations.give_back(call.path["reservation_id"], call.user.user_id)
        return _DONE

    return (
        _get(MINE, mine, "One's own, the latest first", MyReservationsAnswer, MyReservationsQuery),
        _get("/reservations/{reservation_id}", one, "One reservation", _EITHER, codes=(NotFound,)),
        Route(
            method="DELETE",
            path="/reservations/{reservation_id}",
            handler=give_back,
            access=Access.USER,
            summary="Give the seat back, until cancellable_until",
            tag=TAG,
            status=204,
            codes=(NotFound, TooLate, TransitionRefused, *_UNSURE),
            remembers_key=True,
        ),
        Route(
            method="POST",
            path="/reservations/{booking_code}/trigger-manual",
            handler=find,
            access=Access.USER,
            summary="Look a reservation up by its code as typed, or by what its QR says",
            tag=TAG,
            answer=_EITHER,
            codes=(NotFound, Busy),
            lane=Lane.CODE,
        ),
    )


def _door_routes(reservations: Reservations) -> tuple[Route, ...]:
    async def check_in(call: Call, scope: Scope) -> Ticket:
        return await reservations.check_in(call.path["reservation_id"], scope, call.user.user_id)

    async def no_show(call: Call, scope: Scope) -> Ticket:
        return await reservations.no_show(call.path["reservation_id"], scope, call.user.user_id)

    async def undo(call: Call, scope: Scope) -> Ticket:
        return await reservations.undo(call.path["reservation_id"], scope, call.user.user_id)

    async def cancel(call: Call, scope: Scope) -> Ticket:
        body: CancelBody | None = call.body
        reason = None if body is None else body.reason
        return await reservations.cancel(
            call.path["reservation_id"], scope, call.user.user_id, reason
        )

    return (
        _move("check-in", check_in, "The guest is here"),
        _move("no-show", no_show, "The guest has not come; after the studio's grace"),
        _move("undo", undo, "Take a check-in or a no-show back, for ten minutes", also=(TooLate,)),
        _move("cancel", cancel, "The studio cancels; its guest is told", body=CancelBody),
    )


def _studio_list(reservations: Reservations) -> Route:
    async def of_studio(call: Call) -> Reply:
        query: StudioReservationsQuery = call.query
        studio_id = _studio_of(call.user, query.studio_id)
        start = None if query.q is None else code_start(query.q)
        if query.q is not None and start is None:
            return Reply(200, {"items": [], "next_cursor": None})
        filters = Filters(
            statuses=frozenset(query.status),
            auction_id=query.auction_id,
            class_from_ms=query.scheduled_from,
            class_to_ms=query.scheduled_to,
            code_start=start,
        )
        scope = _scope_of(studio_id, filters)
        page = await reservations.of_studio(
            studio_id, filters, _position(query.cursor, scope), query.limit
        )
        masked = call.user.role == "desk"
        items = [desk_fields(ticket, masked=masked) for ticket in page.rows]
        return Reply(200, {"items": items, "next_cursor": _next_cursor(page, scope)})

    return Route(
        method="GET",
        path="/studios/me/reservations",
        handler=of_studio,
        access=Access.DESK,
        summary="A studio's reservations, those of the latest class first",
        tag=TAG,
        query=StudioReservationsQuery,
        answer=StudioReservationsAnswer,
        codes=(Busy,),
    )


def _studio_of(user: Principal, asked: int | None) -> int:
    """Whose list it is. Raises Invalid, Forbidden."""
    if _is_platform(user):
        if asked is None:
            raise Invalid(errors=(FieldError("studio_id", "REQUIRED"),))
        return asked
    if asked is not None or user.studio_id is None:
        raise Forbidden("Only a platform_admin names the studio.")
    return user.studio_id


def _scope_of(studio_id: int, filters: Filters) -> str:
    """What a cursor of this list is good for; the same text in every process."""
    times = filters.class_from_ms, filters.class_to_ms
    shown = sorted(filters.statuses), filters.auction_id, *times, filters.code_start
    return f"reservations at {studio_id}: {shown}"


def _position(cursor: str | None, scope: str) -> Position | None:
    if cursor is None:
        return None
    at_ms, reservation_id = unseal(cursor, scope, 2)
    return Position(at_ms, reservation_id)


def _next_cursor(page: Page, scope: str) -> str | None:
    following = page.following
    return None if following is None else seal(scope, following.at_ms, following.id)


def _link(page: Page, scope: str, limit: int) -> dict[str, str]:
    cursor = _next_cursor(page, scope)
    if cursor is None:
        return {}
    asked = urlencode({"limit": limit, "cursor": cursor})
    return {"Link": f'<{MINE_HREF}?{asked}>; rel="next"'}


def _get(
    path: str,
    handler: Callable[[Call], Awaitable[Reply]],
    summary: str,
    answer: Any,
    query: type[MyReservationsQuery] | None = None,
    *,
    codes: tuple[type[HotHourError], ...] = (),
) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,
        access=Access.USER,
        summary=summary,
        tag=TAG,
        query=query,
        answer=answer,
        codes=(*codes, Busy),
    )


def _move(
    name: str,
    act: Act,
    summary: str,
    *,
    body: type[Body] | None = None,
    also: tuple[type[HotHourError], ...] = (),
) -> Route:
    async def handler(call: Call) -> Reply:
        return Reply(200, plain_fields(await act(call, _acts_on(call.user))))

    return Route(
        method="POST",
        path=f"/reservations/{{reservation_id}}/{name}",
        handler=handler,
        access=Access.DESK,
        summary=summary,
        tag=TAG,
        body=body,
        body_optional=True,
        answer=ReservationAnswer,
        codes=(NotFound, TransitionRefused, *also, *_UNSURE),
        remembers_key=True,
    )
