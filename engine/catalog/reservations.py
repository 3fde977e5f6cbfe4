"""Reservations: looked up by their guest and by their studio's people, moved at the door.

Everything that is asked for is first looked up in the asker's own scope; what is not in it does not
exist. Every move is a message to the auction's mailbox, so it is ordered with the bookings. Must
never write, and never decide a move itself.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hmac import compare_digest
from typing import Final

from engine.catalog.auctions import Mailboxes
from engine.domain import codes
from engine.domain.messages import (
    CancelSeat,
    CheckIn,
    GiveBack,
    NoShow,
    ReservationChanged,
    ReservationMessage,
    Undo,
)
from engine.errors import NotFound
from engine.ports.reservations import Filters, Position, ReservationStore, Scope, Ticket

_QR_TEXT: Final = re.compile(r"([1-9][0-9]{0,17})\.([0-9A-Fa-f]{32})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list; `following`: where the next page starts."""

    rows: Sequence[Ticket]
    following: Position | None


class Reservations:
    """The use cases around a reservation once it is booked."""

    def __init__(self, store: ReservationStore, mailboxes: Mailboxes) -> None:
        self._store = store
        self._mailboxes = mailboxes

    async def one(self, reservation_id: int, scope: Scope) -> Ticket:
        """One reservation. Raises NotFound for those outside of the scope."""
        ticket = await self._store.one(reservation_id, scope)
        if ticket is None:
            raise NotFound()
        return ticket

    async def find(self, text: str, scope: Scope) -> Ticket:
        """By a booking code as people type it, or by what a QR says. Raises NotFound."""
        scanned = _QR_TEXT.fullmatch(text.strip())
        if scanned is None:
            return await self._under_code(text, scope)
        ticket = await self.one(int(scanned[1]), scope)
        if not compare_digest(ticket.token, scanned[2].lower()):
            raise NotFound()
        return ticket

    async def _under_code(self, text: str, scope: Scope) -> Ticket:
        code = codes.parse(text)
        ticket = None if code is None else await self._store.under_code(code, scope)
        if ticket is None:
            raise NotFound()
        return ticket

    async def of_user(self, user_id: int, after: Position | None, limit: int) -> tuple[Page, int]:
        """A guest's own, the latest first, and how many there are in all."""
        rows, count = await self._store.of_user(user_id, after, limit + 1)
        shown = rows[:limit]
        following = None
        if len(rows) > limit:
            last = shown[-1].reservation
            following = Position(last.accepted_at_ms, last.id)
        return Page(shown, following), count

    async def of_studio(
        self, studio_id: int, filters: Filters, after: Position | None, limit: int
    ) -> Page:
        """A studio's, those of the latest class first."""
        rows = await self._store.of_studio(studio_id, filters, after, limit + 1)
        shown = rows[:limit]
        following = None
        if len(rows) > limit:
            last = shown[-1]
            following = Position(last.auction.terms.class_at_ms, last.reservation.id)
        return Page(shown, following)

    async def give_back(self, reservation_id: int, user_id: int) -> None:
        """The guest cancels. Raises NotFound, TooLate, TransitionRefused."""
        ticket = await self.one(reservation_id, Scope(user_id=user_id))
        await self._move(ticket, GiveBack(reservation_id, user_id))

    async def check_in(self, reservation_id: int, scope: Scope, by: int) -> Ticket:
        """The guest is here. Raises NotFound, TransitionRefused."""
        ticket = await self.one(reservation_id, scope)
        return await self._move(ticket, CheckIn(reservation_id, by))

    async def no_show(self, reservation_id: int, scope: Scope, by: int) -> Ticket:
        """The guest has not come. Raises NotFound, TransitionRefused."""
        ticket = await self.one(reservation_id, scope)
        return await self._move(ticket, NoShow(reservation_id, by))

    async def undo(self, reservation_id: int, scope: Scope, by: int) -> Ticket:
        """Take a check-in or a no-show back. Raises NotFound, TransitionRefused, TooLate."""
        ticket = await self.one(reservation_id, scope)
        return await self._move(ticket, Undo(reservation_id, by))

    async def cancel(
        self, reservation_id: int, scope: Scope, by: int, reason: str | None
    ) -> Ticket:
        """The studio cancels it. Raises NotFound, TransitionRefused."""
        ticket = await self.one(reservation_id, scope)
        return await self._move(ticket, CancelSeat(reservation_id, by, reason))

    async def edits(self, ticket: Ticket) -> int:
        """How often the class was edited since this was booked."""
        reservation = ticket.reservation
        return await self._store.edits_since(reservation.auction_id, reservation.revision)

    async def _move(self, ticket: Ticket, message: ReservationMessage) -> Ticket:
        reply = await self._mailboxes.ask(ticket.reservation.auction_id, message)
        assert isinstance(reply, ReservationChanged), "a move is answered with the reservation"
        return replace(ticket, reservation=reply.reservation)


def qr_text(ticket: Ticket) -> str:
    """What a reservation's QR says: which one it is, and the proof. In capitals, which QR codes
    pack tighter."""
    return f"{ticket.reservation.id}.{ticket.token.upper()}"


def code_start(typed: str) -> str | None:
    """How the codes begin that somebody is typing; None if no code begins like that.

    Case, spaces and hyphens are forgiven, and so is a prefix that is missing or half there.
    """
    bare = "".join(filter(str.isalnum, typed))
    if not bare.isascii():
        return None
    letters = bare.upper()
    letters = "" if codes.PREFIX.startswith(letters) else letters.removeprefix(codes.PREFIX)
    if len(letters) > codes.LENGTH_MAX or not set(letters) <= set(codes.ALPHABET):
        return None
    return f"{codes.PREFIX}-{letters}"
