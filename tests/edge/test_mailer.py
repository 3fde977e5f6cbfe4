"""From the outbox to a mailbox: real rows, a real database, a real mail server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage

import pytest
import structlog

from edge.mailer import HouseMailer
from edge.mails_accounts import AccountLinks
from edge.posting import SmtpPost, SmtpServer
from edge.tokens import TokenMint
from engine.ports.accounts import MailTerms, NewAccount
from engine.ports.mail import MailDelayed
from engine.ports.outbox import OutboxRow
from engine.settings import Settings
from engine.store.postgres.accounts import PostgresAccounts
from tests.accounts import KEY, NOW_MS
from tests.bookings import Bookings, Person, open_bookings
from tests.edge.mail_server import MailServer, mail_server

PUBLIC_URL = "https://shop.example"


@dataclass(slots=True)
class PostOffice:
    """A shop, its mailer, and the server that takes the mail."""

    shop: Bookings
    accounts: PostgresAccounts
    server: MailServer
    mailer: HouseMailer
    counts: list[str] = field(default_factory=list)

    async def rows(self) -> list[OutboxRow]:
        """All that the outbox holds, oldest first."""
        rows = await self.shop.shop.pool.fetch(
            "select id, topic, user_id, auction_id, payload, attempts from outbox order by id"
        )
        return [OutboxRow(*row) for row in rows]

    async def newest(self) -> OutboxRow:
        return (await self.rows())[-1]

    async def carry_all(self) -> list[EmailMessage]:
        """Carry every row once; all mails the server has had so far."""
        for row in await self.rows():
            await self.mailer.carry(row)
        return self.server.mails

    async def register(self, email: str, language: str) -> None:
        """Somebody registers, and is to be mailed a link."""
        terms = MailTerms(
            now_ms=NOW_MS,
            language=language,
            verify_until_ms=NOW_MS + 60_000,
            reset_until_ms=NOW_MS + 60_000,
        )
        await self.accounts.register(NewAccount(email=email, full_name="Ada"), terms)


@asynccontextmanager
async def open_office(dsn: str) -> AsyncIterator[PostOffice]:
    settings, counts = Settings(), list[str]()
    async with open_bookings(dsn) as shop, mail_server() as server:
        clock = shop.shop.clock
        accounts = PostgresAccounts(shop.shop.pool)
        mailer = HouseMailer(
            accounts,
            shop.store,
            AccountLinks(PUBLIC_URL, TokenMint(KEY, clock), settings),
            SmtpPost(SmtpServer("127.0.0.1", server.port, tls=False), clock),
            clock,
            sender="HotHour <no-reply@shop.example>",
            counted=counts.append,
        )
        yield PostOffice(shop, accounts, server, mailer, counts)
        await mailer.close()


@pytest.fixture
async def office(database: str) -> AsyncIterator[PostOffice]:
    async with open_office(database) as opened:
        yield opened


async def address_of(office: PostOffice, guest: Person) -> str:
    pool = office.shop.shop.pool
    address: str = await pool.fetchval("select email from account where id = $1", guest.id)
    return address


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    return text


async def test_a_booking_is_confirmed_by_mail_to_its_guest_alone(office: PostOffice) -> None:
    guest = await office.shop.guest()
    ticket = await office.shop.booked(guest)
    (mail,) = await office.carry_all()
    assert mail["To"] == await address_of(office, guest)
    assert mail["From"] == "HotHour <no-reply@shop.example>"
    assert mail["Message-ID"] == f"<outbox-{(await office.newest()).id}@shop.example>"
    assert mail["Subject"] == "Yerin hazır: Sabah Yogası"
    assert f"Kod: {ticket.reservation.code}" in text_of(mail)
    assert PUBLIC_URL in text_of(mail)
    assert office.counts == ["sent"]


async def test_a_cancelled_class_is_told_to_every_guest_with_its_reason(
    office: PostOffice,
) -> None:
    guests = [await office.shop.guest() for _ in range(2)]
    auction_id = await office.shop.sale()
    for guest in guests:
        await office.shop.booked(guest, auction_id)
    await office.shop.cancel_class(auction_id, "Eğitmen hasta")
    mails = await office.carry_all()
    assert [mail["Subject"] for mail in mails] == ["Ders iptal edildi: Sabah Yogası"] * 2
    assert {mail["To"] for mail in mails} == {await address_of(office, guest) for guest in guests}
    assert all("Sebep: Eğitmen hasta" in text_of(mail) for mail in mails)


async def test_an_edit_since_the_booking_makes_the_calendar_entry_newer(
    office: PostOffice,
) -> None:
    guest = await office.shop.guest()
    ticket = await office.shop.booked(guest)
    await office.shop.reservations.give_back(ticket.reservation.id, guest.id)
    (mail,) = await office.carry_all()
    assert mail["Subject"] == "Yerini geri verdin: Sabah Yogası"
    (entry,) = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    assert "SEQUENCE:1" in entry.get_content()


async def test_a_booking_that_is_over_before_its_mail_is_not_confirmed(
    office: PostOffice,
) -> None:
    ticket = await office.shop.booked(await office.shop.guest())
    row = await office.newest()
    await office.shop.cancel_class(ticket.auction.id)
    await office.mailer.carry(row)
    assert (office.server.mails, office.counts) == ([], [])


async def test_an_erased_guest_is_not_written_to(office: PostOffice) -> None:
    await office.shop.booked(await office.shop.guest())
    await office.shop.shop.pool.execute("update account set state = 'ERASED'")
    assert await office.carry_all() == []


@pytest.mark.parametrize(
    ("language", "subject"),
    [("tr", "E-posta adresini doğrula"), ("en", "Verify your e-mail address")],
)
async def test_account_mails_are_in_the_language_that_was_asked_in(
    office: PostOffice, language: str, subject: str
) -> None:
    await office.register("ada@example.com", language)
    (mail,) = await office.carry_all()
    assert (mail["To"], mail["Subject"]) == ("ada@example.com", subject)
    assert mail["Content-Language"] == language
    assert f"{PUBLIC_URL}/auth/verify-email?token=" in text_of(mail)


async def test_an_account_that_is_gone_is_not_written_to(office: PostOffice) -> None:
    await office.register("ada@example.com", "tr")
    await office.shop.shop.pool.execute("update account set state = 'DISABLED'")
    assert await office.carry_all() == []


async def test_a_topic_that_is_no_mail_is_carried_without_one(office: PostOffice) -> None:
    await office.mailer.carry(OutboxRow(1, "notification", 1, None, {}))
    assert office.server.mails == []


async def test_a_reservation_there_is_not_is_carried_without_a_mail(office: PostOffice) -> None:
    await office.mailer.carry(OutboxRow(1, "booking_confirmed", 1, 1, {"id": 999}))
    assert office.server.mails == []


async def test_an_address_that_is_refused_is_counted_and_dropped_without_a_trace(
    office: PostOffice,
) -> None:
    guest = await office.shop.guest()
    await office.shop.booked(guest)
    office.server.at_recipient = f"550 {await address_of(office, guest)} unknown"
    with structlog.testing.capture_logs() as logs:
        await office.mailer.carry(await office.newest())
    assert office.counts == ["refused"]
    assert [log["smtp"] for log in logs] == [550]
    assert "@" not in str(logs)


async def test_a_server_that_cannot_now_is_a_delay(office: PostOffice) -> None:
    await office.shop.booked(await office.shop.guest())
    office.server.at_data = "451 later"
    with pytest.raises(MailDelayed):
        await office.mailer.carry(await office.newest())
    office.server.at_data = None
    await office.mailer.carry(await office.newest())
    assert office.counts == ["delayed", "sent"]


async def test_a_database_that_is_away_is_a_delay(office: PostOffice) -> None:
    await office.shop.booked(await office.shop.guest())
    row = await office.newest()
    await office.shop.shop.pool.close()
    with pytest.raises(MailDelayed):
        await office.mailer.carry(row)
    assert office.counts == ["delayed"]
