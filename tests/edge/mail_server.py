"""A real mail server on a real socket, of others' making, that does as a test tells it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

CERTIFICATE = Path(__file__).with_name("mail_server.pem")
USER, PASSWORD = "shop@example.org", "p@ss:word/1"


@dataclass(slots=True)
class MailServer:
    """What it was handed, and how it answers next."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logged_in: list[bool] = field(default_factory=list)
    connections: int = 0
    at_recipient: str | None = None
    """The answer to RCPT instead of a friendly one, such as "550 no such user"."""
    at_data: str | None = None
    at_quit: str = "221 bye"
    hang: asyncio.Event | None = None
    """Not None: a mail is answered when it is set."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """A mail has come in."""
    transports: list[asyncio.Transport] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.at_recipient is not None:
            return self.at_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.asked.set()
        if self.hang is not None:
            await self.hang.wait()
        if self.at_data is not None:
            return self.at_data
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.senders.append(str(envelope.mail_from))
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        self.logged_in.append(bool(session.authenticated))
        return "250 taken"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return self.at_quit

    def hang_up(self) -> None:
        """Cut every connection."""
        for transport in self.transports:
            transport.abort()


def server_context() -> ssl.SSLContext:
    """The server's side of TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context


def client_context() -> ssl.SSLContext:
    """A client's that trusts this one server."""
    return ssl.create_default_context(cafile=CERTIFICATE)


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    right = isinstance(data, LoginPassword) and (
        (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    )
    return AuthResult(success=right, handled=False)


@asynccontextmanager
async def mail_server(
    *, starttls: bool = False, tls: bool = False, auth: bool = False
) -> AsyncIterator[MailServer]:
    """Serve on this machine. `starttls`: offered; `tls`: from the first byte; `auth`: demanded."""
    state = MailServer()
    loop = asyncio.get_running_loop()

    class Counted(SMTP):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            state.connections += 1
            state.transports.append(cast(asyncio.Transport, transport))
            super().connection_made(transport)

    def protocol() -> SMTP:
        return Counted(
            state,
            hostname="mail.test",
            tls_context=server_context() if starttls else None,
            auth_required=auth,
            auth_require_tls=starttls,
            authenticator=_authenticate if auth else None,
            loop=loop,
        )

    context = server_context() if tls else None
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        state.hang_up()
        await server.wait_closed()
