"""The mails about a reservation: booked, given back, cancelled by the studio, class cancelled.

What a mail says is the ticket as it stands when it is written, so a late mail never tells an old
story: a booking that was cancelled meanwhile is not confirmed any more. Must never decide anything,
and never show one guest's reservation to another: the ticket names its own guest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import segno

from edge.formats import moment_text, price_text
from edge.letters import Enclosure, Fact, Letter, page, plain
from edge.texts import Language
from edge.tickets import calendar_entry
from engine.catalog.reservations import qr_text
from engine.domain.auction import Status
from engine.domain.decision import NoticeKind
from engine.domain.ledger import ReservationStatus
from engine.ports.reservations import Ticket

TOPICS: Final = frozenset(kind.value for kind in NoticeKind)
_QR_SCALE: Final = 6


@dataclass(frozen=True, slots=True)
class _Words:
    """One mail in one language. {title} in the subject; paragraphs before and after the facts."""

    subject: str
    before: tuple[str, ...]
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Labels:
    """What the facts are called."""

    hello: str
    code: str
    price: str
    title: str
    begins: str
    studio: str
    address: str
    map: str
    until: str
    reason: str


def confirmation(ticket: Ticket, edits: int, language: Language, home: str) -> Letter | None:
    """The seat is the guest's. None: it is not any more. `home`: where guests find HotHour."""
    if ticket.reservation.status is ReservationStatus.CANCELLED:
        return None
    labels, zone = _LABELS[language], ticket.venue.zone
    until = moment_text(ticket.cancellable_until_ms, zone, language)
    price = price_text(ticket.reservation.price, ticket.auction.currency, language)
    facts = [
        Fact(labels.code, ticket.reservation.code),
        Fact(labels.price, price),
        *_class_facts(ticket, language),
        Fact(labels.until, until),
    ]
    picture = Enclosure(f"hothour-{ticket.reservation.id}.png", "image/png", _qr_png(ticket))
    return _letter(ticket, edits, language, _BOOKED[language], facts, home, picture)


def cancellation(ticket: Ticket, edits: int, language: Language, home: str) -> Letter | None:
    """The seat is the guest's no more, and why. None: it still is."""
    if ticket.reservation.status is not ReservationStatus.CANCELLED:
        return None
    facts = [Fact(_LABELS[language].code, ticket.reservation.code), *_class_facts(ticket, language)]
    if ticket.reason:
        facts.append(Fact(_LABELS[language].reason, ticket.reason))
    return _letter(ticket, edits, language, _story(ticket)[language], facts, home, None)


def _story(ticket: Ticket) -> Mapping[Language, _Words]:
    if ticket.reservation.given_back:
        return _GIVEN_BACK
    if ticket.auction.status is Status.CANCELLED:
        return _CLASS_CANCELLED
    return _SEAT_CANCELLED


def _class_facts(ticket: Ticket, language: Language) -> list[Fact]:
    labels, venue = _LABELS[language], ticket.venue
    begins = moment_text(ticket.auction.terms.class_at_ms, venue.zone, language)
    facts = [
        Fact(labels.title, ticket.auction.title),
        Fact(labels.begins, begins),
        Fact(labels.studio, venue.name),
    ]
    if venue.address:
        facts.append(Fact(labels.address, venue.address))
    if venue.google_maps_url is not None:
        facts.append(Fact(labels.map, venue.google_maps_url))
    return facts


def _letter(
    ticket: Ticket,
    edits: int,
    language: Language,
    words: _Words,
    facts: list[Fact],
    home: str,
    picture: Enclosure | None,
) -> Letter:
    hello = f"{_LABELS[language].hello} {ticket.guest.full_name}".rstrip()
    before = [f"{hello},", *words.before]
    after = [*words.after, home]
    entry = Enclosure(
        f"hothour-{ticket.reservation.id}.ics",
        "text/calendar",
        calendar_entry(ticket, edits, language),
    )
    return Letter(
        to=ticket.guest.email,
        language=language,
        subject=words.subject.format(title=ticket.auction.title),
        text=plain(before, facts, after),
        html=page(language, before, facts, after, picture=picture is not None),
        picture=picture,
        files=(entry,),
    )


def _qr_png(ticket: Ticket) -> bytes:
    """As a PNG: many mail programs show no SVG."""
    out = BytesIO()
    segno.make_qr(qr_text(ticket), error="m").save(out, kind="png", scale=_QR_SCALE)
    return out.getvalue()


_LABELS: Final[Mapping[Language, _Labels]] = {
    "tr": _Labels(
        hello="Merhaba",
        code="Kod",
        price="Stüdyoda ödenecek",
        title="Ders",
        begins="Başlangıç",
        studio="Stüdyo",
        address="Adres",
        map="Harita",
        until="Geri verebileceğin son an",
        reason="Sebep",
    ),
    "en": _Labels(
        hello="Hello",
        code="Code",
        price="To pay at the studio",
        title="Class",
        begins="Begins",
        studio="Studio",
        address="Address",
        map="Map",
        until="Can be given back until",
        reason="Reason",
    ),
}

_BOOKED: Final[Mapping[Language, _Words]] = {
    "tr": _Words(
        "Yerin hazır: {title}",
        ("Yer senin. Stüdyoda bu kodu ya da QR'ı göster.",),
        ("Gelemeyeceksen yerini geri ver: başka biri sevinir. Rezervasyonların burada:",),
    ),
    "en": _Words(
        "Your seat is booked: {title}",
        ("The seat is yours. Show this code or the QR at the studio.",),
        ("If you cannot come, give the seat back: somebody will be glad. Your reservations:",),
    ),
}
_GIVEN_BACK: Final[Mapping[Language, _Words]] = {
    "tr": _Words(
        "Yerini geri verdin: {title}",
        ("Rezervasyonunu iptal ettin; ödeyeceğin bir şey yok.",),
        ("Bunu sen yapmadıysan şifreni değiştir:",),
    ),
    "en": _Words(
        "You gave your seat back: {title}",
        ("You cancelled your reservation; there is nothing to pay.",),
        ("If that was not you, change your password:",),
    ),
}
_SEAT_CANCELLED: Final[Mapping[Language, _Words]] = {
    "tr": _Words(
        "Rezervasyonun iptal edildi: {title}",
        ("Stüdyo rezervasyonunu iptal etti; ödeyeceğin bir şey yok.",),
        ("Başka dersler burada:",),
    ),
    "en": _Words(
        "Your reservation was cancelled: {title}",
        ("The studio cancelled your reservation; there is nothing to pay.",),
        ("Other classes are here:",),
    ),
}
_CLASS_CANCELLED: Final[Mapping[Language, _Words]] = {
    "tr": _Words(
        "Ders iptal edildi: {title}",
        ("Stüdyo bu dersi iptal etti, rezervasyonun da iptal oldu; ödeyeceğin bir şey yok.",),
        ("Başka dersler burada:",),
    ),
    "en": _Words(
        "The class was cancelled: {title}",
        ("The studio cancelled this class and your reservation with it; there is nothing to pay.",),
        ("Other classes are here:",),
    ),
}
