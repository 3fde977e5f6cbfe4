"""How amounts and moments are written for people, in Turkish and in English.

Small tables of our own: a locale belongs to a whole process and to the machine it runs on. Times
are those of the studio's zone and name it, so that nobody has to guess.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from edge.texts import Language
from engine.domain.money import format_minor

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SYMBOLS: Final[Mapping[str, str]] = {"TRY": "₺", "EUR": "€", "USD": "$", "GBP": "£"}
_SEPARATORS: Final[Mapping[Language, tuple[str, str]]] = {"tr": (".", ","), "en": (",", ".")}
"""Between thousands, and before the decimals."""

_DAYS: Final[Mapping[Language, tuple[str, ...]]] = {
    "tr": ("Pazartesi", "Salı", "Çarşamba", "Perşembe", "Cuma", "Cumartesi", "Pazar"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
# fmt: off
_MONTHS: Final[Mapping[Language, tuple[str, ...]]] = {
    "tr": ("Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran",
           "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım", "Aralık"),
    "en": ("January", "February", "March", "April", "May", "June",
           "July", "August", "September", "October", "November", "December"),
}
# fmt: on


def price_text(minor: int, currency: str, language: Language) -> str:
    """41250 TRY is "412,50 ₺" in Turkish and "₺412.50" in English; without a symbol, the code."""
    thousands, decimal = _SEPARATORS[language]
    major, _, places = format_minor(minor).partition(".")
    amount = f"{int(major):,}".replace(",", thousands) + decimal + places
    symbol = _SYMBOLS.get(currency)
    if symbol is None or language == "tr":
        return f"{amount} {symbol or currency}"
    return f"{symbol}{amount}"


def moment_text(at_ms: int, zone: str, language: Language) -> str:
    """A minute on a studio's wall: "12 Mart 2026 Perşembe, 18:30 (Europe/Istanbul)"."""
    local = local_time(at_ms, zone)
    day, month = _DAYS[language][local.weekday()], _MONTHS[language][local.month - 1]
    date = f"{local.day} {month} {local.year}"
    written = f"{date} {day}" if language == "tr" else f"{day}, {date}"
    return f"{written}, {local:%H:%M} ({zone})"


def local_time(at_ms: int, zone: str) -> datetime:
    """An instant on the wall of a zone of the IANA database."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(zone))
