"""A mail as a value, and the packet that is made of it.

A letter has a text, the same in simple HTML, and what goes with it. Its receiver is looked up when
it is written and kept nowhere. Must never let text of others (titles, reasons) become a header of
its own or a tag.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html import escape
from typing import Final

from edge.texts import Language

PICTURE_ID: Final = "picture@hothour"
"""By which the HTML shows the picture that travels with it."""

_POLICY: Final = SMTP.clone(cte_type="7bit")  # every server takes that


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with a letter; `kind` is its media type, "text/calendar"."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail to one person."""

    to: str
    language: Language
    subject: str
    text: str
    html: str
    picture: Enclosure | None = None
    """Shown where the HTML says `cid:` and PICTURE_ID."""
    files: Sequence[Enclosure] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what a mail is about, even if its value came with more."""

    label: str
    value: str


def plain(paragraphs: Sequence[str], facts: Sequence[Fact], closing: Sequence[str]) -> str:
    """The text of a letter: what happened, the facts, what to do."""
    lines = "\n".join(f"{fact.label}: {' '.join(fact.value.split())}" for fact in facts)
    return "\n\n".join([*paragraphs, lines, *closing, "HotHour"]) + "\n"


def page(
    language: Language,
    paragraphs: Sequence[str],
    facts: Sequence[Fact],
    closing: Sequence[str],
    *,
    picture: bool,
) -> str:
    """The same as HTML, without styles or anything fetched from outside."""
    rows = "".join(
        f"<tr><th align='left'>{escape(fact.label)}</th><td>{linked(fact.value)}</td></tr>"
        for fact in facts
    )
    shown = f'<p><img src="cid:{PICTURE_ID}" alt="QR"></p>' if picture else ""
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        f"{_paragraphs(paragraphs)}<table>{rows}</table>{shown}{_paragraphs(closing)}"
        "<p>HotHour</p></html>\n"
    )


def _paragraphs(texts: Sequence[str]) -> str:
    return "".join(f"<p>{linked(text)}</p>" for text in texts)


def linked(text: str) -> str:
    """Text for HTML; an address of the web becomes a link."""
    safe = escape(text)
    is_link = text.startswith(("https://", "http://")) and len(text.split()) == 1
    return f'<a href="{safe}">{safe}</a>' if is_link else safe


@dataclass(frozen=True, slots=True)
class Packet:
    """A letter in its envelope, ready to travel."""

    sender: str
    to: str
    subject: str
    content: bytes
    """RFC 5322, seven bits a byte."""


def composed(
    write: Callable[[], Letter | None], *, sender: str, row_id: int, now_ms: int
) -> Packet | None:
    """Write a letter and put it into its envelope; None: there is nothing to say any more."""
    letter = write()
    if letter is None:
        return None
    return packed(letter, sender=sender, row_id=row_id, now_ms=now_ms)


def packed(letter: Letter, *, sender: str, row_id: int, now_ms: int) -> Packet:
    """Put a letter into its envelope; some milliseconds of work.

    `sender`: an address, or "Name <address>". The same outbox row makes the same Message-ID, so
    whoever gets it twice may see that it is one.
    """
    message = EmailMessage(policy=_POLICY)
    address = parseaddr(sender)[1]
    domain = address.rpartition("@")[2] or "localhost"
    message["From"] = sender
    message["To"] = letter.to
    message["Subject"] = " ".join(letter.subject.split())
    message["Date"] = format_datetime(datetime.fromtimestamp(now_ms // 1_000, UTC))
    message["Message-ID"] = f"<outbox-{row_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    if letter.picture is not None:
        _show(message, letter.picture)
    for enclosure in letter.files:
        _enclose(message, enclosure)
    message["Content-Language"] = letter.language  # last: parts that are added take it along
    return Packet(address, letter.to, message["Subject"], message.as_bytes())


def _show(message: EmailMessage, picture: Enclosure) -> None:
    html = message.get_body(("html",))
    assert isinstance(html, EmailMessage), "every letter has its HTML"
    main, _, sub = picture.kind.partition("/")
    html.add_related(picture.content, main, sub, cid=f"<{PICTURE_ID}>", filename=picture.name)


def _enclose(message: EmailMessage, enclosure: Enclosure) -> None:
    main, _, sub = enclosure.kind.partition("/")
    if main == "text":
        text = enclosure.content.decode()
        message.add_attachment(text, subtype=sub, filename=enclosure.name)
    else:
        message.add_attachment(enclosure.content, main, sub, filename=enclosure.name)
