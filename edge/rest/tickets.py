"""/reservations/{id}/calendar.ics and /qr.svg: what a guest takes along. Nobody else gets them."""

from collections.abc import Awaitable, Callable

from edge.rest.booking import TAG
from edge.routing import Access, Call, Reply, Route
from edge.texts import Language
from edge.tickets import CALENDAR_TYPE, QR_TYPE, calendar_entry, qr_picture
from engine.catalog.reservations import Reservations
from engine.errors import Busy, NotFound
from engine.ports.reservations import Scope, Ticket


def routes(reservations: Reservations) -> tuple[Route, ...]:
    """The files of a ticket."""

    async def own(call: Call) -> Ticket:
        return await reservations.one(call.path["reservation_id"], Scope(call.user.user_id))

    async def calendar(call: Call) -> Reply:
        ticket = await own(call)
        language: Language = "en" if call.language == "en" else "tr"
        entry = calendar_entry(ticket, await reservations.edits(ticket), language)
        name = f'attachment; filename="hothour-{ticket.reservation.id}.ics"'
        return Reply(200, entry, {"Content-Disposition": name}, CALENDAR_TYPE)

    async def qr(call: Call) -> Reply:
        return Reply(200, qr_picture(await own(call)), content_type=QR_TYPE)

    return (
        _file("calendar.ics", calendar, "The class for a calendar", CALENDAR_TYPE),
        _file("qr.svg", qr, "The QR code to show at the door", QR_TYPE),
    )


def _file(
    name: str, handler: Callable[[Call], Awaitable[Reply]], summary: str, content_type: str
) -> Route:
    return Route(
        method="GET",
        path=f"/reservations/{{reservation_id}}/{name}",
        handler=handler,
        access=Access.USER,
        summary=summary,
        tag=TAG,
        content_type=content_type,
        codes=(NotFound, Busy),
    )
