"""Carries what the outbox holds to people's mailboxes: the Mailer port.

The receiver is looked up and the mail is written at that very moment, so no address and no token
lies about in between. Writing one of a booking is ten milliseconds of work, which another process
does; the short ones that may hold a key are written here, in a thread. What may work later is
MailDelayed, and the outbox comes again; what a server refuses for good is counted and dropped. Must
never put an address, a name or a code into the log.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import structlog

from edge import mails_accounts, mails_bookings
from edge.letters import Letter, composed
from edge.mails_accounts import AccountLinks
from edge.posting import MailRefused, Post
from edge.scribe import Scribe, ScribeLost
from edge.texts import Language
from engine.domain.decision import NoticeKind
from engine.errors import Unable
from engine.ports.accounts import AccountStore
from engine.ports.clock import Clock
from engine.ports.mail import MailDelayed
from engine.ports.outbox import OutboxRow
from engine.ports.reservations import ReservationStore, Scope

ACCOUNT_TOPIC: Final = "mail."
_EVERYWHERE: Final = Scope(everywhere=True)
_log = structlog.get_logger("hothour.mail")

Write = Callable[[], Letter | None]
"""Puts a mail into words; None: there is nothing to say any more."""


class HouseMailer:
    """The Mailer of a server. `close` it when the outbox has stopped."""

    def __init__(
        self,
        accounts: AccountStore,
        reservations: ReservationStore,
        links: AccountLinks,
        post: Post,
        clock: Clock,
        *,
        sender: str,
        counted: Callable[[str], None],
    ) -> None:
        """`sender`: an address, or "Name <address>". `counted` hears "sent", "delayed" or
        "refused" of each mail."""
        self._accounts = accounts
        self._reservations = reservations
        self._links = links
        self._post = post
        self._clock = clock
        self._sender = sender
        self._counted = counted
        self._scribe = Scribe()

    async def carry(self, row: OutboxRow) -> None:
        """Send what this row calls for, if anything. Raises MailDelayed."""
        try:
            await self._carry(row)
        except (MailDelayed, ScribeLost, Unable) as error:
            self._counted("delayed")
            raise MailDelayed(str(error)) from error
        except MailRefused as refused:
            self._counted("refused")
            _log.warning("mail refused", row=row.id, topic=row.topic, smtp=refused.code)

    async def close(self) -> None:
        """Say goodbye to the mail server."""
        await self._scribe.close()
        await self._post.close()

    async def _carry(self, row: OutboxRow) -> None:
        if row.topic in mails_bookings.TOPICS:
            write = await self._of_booking(row)
        elif row.topic.startswith(ACCOUNT_TOPIC):
            write = await self._of_account(row)
        else:
            return
        if write is None:
            return
        compose = partial(
            composed, write, sender=self._sender, row_id=row.id, now_ms=self._clock.now_ms()
        )
        here = row.topic.startswith(ACCOUNT_TOPIC)
        packet = await (asyncio.to_thread(compose) if here else self._scribe.do(compose))
        if packet is not None:
            await self._post.send(packet, f"{row.id}-{row.topic}")
            self._counted("sent")

    async def _of_booking(self, row: OutboxRow) -> Write | None:
        reservation_id = row.payload["id"]
        assert isinstance(reservation_id, int), "a notice names its reservation"
        ticket = await self._reservations.one(reservation_id, _EVERYWHERE)
        if ticket is None or not ticket.guest.reachable:
            return None
        booked = ticket.reservation
        edits = await self._reservations.edits_since(booked.auction_id, booked.revision)
        confirmed = row.topic == NoticeKind.BOOKING_CONFIRMED
        words = mails_bookings.confirmation if confirmed else mails_bookings.cancellation
        return partial(words, ticket, edits, _language(row.payload), self._links.home)

    async def _of_account(self, row: OutboxRow) -> Write | None:
        account_id = row.payload.get("account_id")
        found = await self._accounts.by_id(account_id) if isinstance(account_id, int) else None
        if found is None or not found.usable:
            return None
        to = found.account.email

        def write() -> Letter:
            subject, text, html = mails_accounts.render(row.topic, row.payload, self._links)
            language = _language(row.payload)
            return Letter(to=to, language=language, subject=subject, text=text, html=html)

        return write


def _language(payload: Mapping[str, Any]) -> Language:
    """The language that was asked in, where the row knows it; ours else."""
    return "en" if payload.get("language") == "en" else "tr"
