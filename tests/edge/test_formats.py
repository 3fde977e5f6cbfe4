"""How amounts and moments are written, whatever locale the machine has."""

import pytest

from edge.formats import local_time, moment_text, price_text
from edge.texts import LANGUAGES, Language
from tests.tickets import CLASS_AT_MS


@pytest.mark.parametrize(
    ("minor", "currency", "language", "text"),
    [
        (41_250, "TRY", "tr", "412,50 ₺"),
        (41_250, "TRY", "en", "₺412.50"),
        (5, "TRY", "tr", "0,05 ₺"),
        (123_456_789, "TRY", "tr", "1.234.567,89 ₺"),
        (123_456_789, "EUR", "en", "€1,234,567.89"),
        (100_000, "CHF", "tr", "1.000,00 CHF"),
        (100_000, "CHF", "en", "1,000.00 CHF"),
    ],
)
def test_an_amount_is_written_as_in_the_language(
    minor: int, currency: str, language: Language, text: str
) -> None:
    assert price_text(minor, currency, language) == text


@pytest.mark.parametrize(
    ("zone", "language", "text"),
    [
        ("Europe/Istanbul", "tr", "12 Mart 2026 Perşembe, 18:30 (Europe/Istanbul)"),
        ("Europe/Istanbul", "en", "Thursday, 12 March 2026, 18:30 (Europe/Istanbul)"),
        ("Asia/Tokyo", "tr", "13 Mart 2026 Cuma, 00:30 (Asia/Tokyo)"),
        ("UTC", "en", "Thursday, 12 March 2026, 15:30 (UTC)"),
    ],
)
def test_a_moment_is_that_of_the_studios_wall_and_names_its_zone(
    zone: str, language: Language, text: str
) -> None:
    assert moment_text(CLASS_AT_MS, zone, language) == text


def test_every_day_and_month_has_its_name() -> None:
    day_ms = 86_400_000
    for language in LANGUAGES:
        written = [moment_text(n * day_ms, "UTC", language) for n in range(365)]
        words = {word.strip(",") for text in written for word in text.split() if word[0].isalpha()}
        assert len(words) == 7 + 12


def test_summer_time_is_the_zones_own() -> None:
    july_ms = 1_782_910_800_000  # 2026-07-01, 13:00 UTC
    assert local_time(july_ms, "Europe/Berlin").hour == 15
    assert local_time(july_ms, "Europe/Istanbul").hour == 16
