"""Ways a packet leaves the house: to a mail server, or into a folder while there is none.

What may work later is `MailDelayed`; what never will, an address the server refuses, is
`MailRefused`. Both say no more than a number: server's answers quote addresses, and those are for
no log.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from edge.letters import Packet
from engine.ports.clock import Clock
from engine.ports.mail import MailDelayed

SERVER_TIMEOUT_S: Final = 10.0
"""Longest wait for one answer of the mail server."""
PAUSE_NS: Final = 5_000_000_000
"""A server that could not be reached is not tried again for this long: a queue of mails must not
wait for its time-out one by one."""
IDLE_NS: Final = 20_000_000_000
"""A connection unused for this long is made anew: the server may have closed it."""
FILES_MAX: Final = 1_000
"""Mails kept in the folder; past it the oldest go."""

_FORM: Final = "is not of the form smtp://[user:password@]host:port (or smtps://)"
_PORTS: Final = {"smtp": 587, "smtps": 465}


class MailRefused(Exception):
    """The server will never take this packet; `code` is its SMTP reply code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"SMTP {code}")
        self.code = code


class Post(Protocol):
    """Takes packets along."""

    async def send(self, packet: Packet, name: str) -> None:
        """Hand it over. `name` tells packets apart, and is the same for a repeat.

        Raises MailDelayed or MailRefused.
        """

    async def close(self) -> None:
        """Let go of what is open; `send` would open it again."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over, from `smtp_server`."""

    host: str
    port: int
    tls: bool
    """From the first byte on; otherwise STARTTLS is used when offered."""
    user: str | None = None
    password: str | None = None

    @property
    def starttls(self) -> bool | None:
        """None: when offered. A password is never sent without it, but to this very machine."""
        if self.tls:
            return False
        return None if self.user is None or _is_loopback(self.host) else True


def smtp_server(url: str) -> SmtpServer:
    """Read "smtp://[user:password@]host:port". Raises ValueError with half a sentence that does
    not quote it."""
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError) as error:
        raise ValueError(_FORM) from error
    extra = parts.path.strip("/") or parts.query or parts.fragment
    if not parts.hostname or extra or (parts.username is None) != (parts.password is None):
        raise ValueError(_FORM)
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    return SmtpServer(parts.hostname, port, parts.scheme == "smtps", user, password)


class SmtpPost:
    """Hands packets to a mail server, over one connection that is kept while it is used."""

    def __init__(
        self, server: SmtpServer, clock: Clock, *, tls_context: ssl.SSLContext | None = None
    ) -> None:
        self._server = server
        self._clock = clock
        self._tls_context = tls_context
        self._client: aiosmtplib.SMTP | None = None
        self._used_ns = 0
        self._down_until_ns = 0
        self._turn = asyncio.Lock()

    async def send(self, packet: Packet, name: str) -> None:
        """See Post."""
        async with self._turn:
            client = await self._connected()
            try:
                await client.sendmail(packet.sender, [packet.to], packet.content)
            except aiosmtplib.SMTPRecipientsRefused as error:
                raise _refusal(max(each.code for each in error.recipients)) from error
            except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPRecipientRefused) as error:
                raise _refusal(error.code) from error
            except (aiosmtplib.SMTPException, OSError, ValueError) as error:
                self._drop(client)
                raise MailDelayed(type(error).__name__) from error
            except BaseException:
                self._drop(client)  # cancelled in the middle of a dialogue
                raise
            self._used_ns = self._clock.mono_ns()

    async def close(self) -> None:
        """See Post."""
        async with self._turn:
            client, self._client = self._client, None
            if client is not None:
                await _quit(client)

    async def _connected(self) -> aiosmtplib.SMTP:
        now_ns = self._clock.mono_ns()
        client = self._client
        if client is not None:
            if client.is_connected and now_ns - self._used_ns < IDLE_NS:
                return client
            self._client = None
            await _quit(client)
        if now_ns < self._down_until_ns:
            raise MailDelayed("the mail server was away a moment ago")
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.starttls,
            tls_context=self._tls_context,
            timeout=SERVER_TIMEOUT_S,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            self._down_until_ns = self._clock.mono_ns() + PAUSE_NS
            raise MailDelayed(type(error).__name__) from error
        self._client, self._used_ns = client, now_ns
        return client

    def _drop(self, client: aiosmtplib.SMTP) -> None:
        self._client = None
        client.close()


class FolderPost:
    """Writes each packet to a file, for development: the newest ones, and a line a mail."""

    def __init__(self, folder: Path, notice: Callable[[str], object]) -> None:
        """`notice` shows a line to whoever runs this; not the log, which is no place for mail."""
        self._folder = folder
        self._notice = notice
        self._kept: deque[Path] | None = None

    async def send(self, packet: Packet, name: str) -> None:
        """See Post."""
        path = self._folder / f"{name}.eml"
        try:
            await asyncio.to_thread(self._write, path, packet.content)
        except OSError as error:
            raise MailDelayed(type(error).__name__) from error
        self._notice(f"mail: {packet.subject} -> {path}\n")

    async def close(self) -> None:
        """See Post."""

    def _write(self, path: Path, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._kept is None:
            self._kept = deque(sorted(self._folder.glob("*.eml"), key=_written_at))
        path.write_bytes(content)
        if path not in self._kept:
            self._kept.append(path)
        while len(self._kept) > FILES_MAX:
            self._kept.popleft().unlink(missing_ok=True)


def _written_at(path: Path) -> int:
    return path.stat().st_mtime_ns


def _refusal(code: int) -> Exception:
    """5xx is for ever; anything else may pass."""
    return MailRefused(code) if code >= 500 else MailDelayed(f"SMTP {code}")


async def _quit(client: aiosmtplib.SMTP) -> None:
    try:
        await client.quit()
    except (aiosmtplib.SMTPException, OSError):
        client.close()


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
