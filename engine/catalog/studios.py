"""Studios: their profiles and policies, read by everybody and written by their own staff.

One set of rules for whoever writes, the REST side or the command line: a map link is https, a zone
is one the zone database knows, a currency is one whose amounts have two places. A policy changed
here holds for sales entered from then on: each sale keeps those it was entered under.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from engine.errors import Busy, FieldError, Invalid, NotFound
from engine.ports.studios import Profile, Studio, StudioStore

_TWO_PLACES: Final = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD
    CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD
    MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP
    PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS
    TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG
"""
CURRENCIES: Final = frozenset(_TWO_PLACES.split())
"""ISO 4217 currencies with two places: the form in which all our amounts are written."""

NAME_CHARS_MAX: Final = 200
ADDRESS_CHARS_MAX: Final = 500
LINK_CHARS_MAX: Final = 2_000
POLICY_S_MAX: Final = 30 * 86_400
OPEN_RESERVATIONS_MAX: Final = 1_000
_ROUNDS_MAX: Final = 5
_LINK: Final = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class StudioPage:
    """Some studios; `following`: the id after which the next ones come."""

    studios: Sequence[Studio]
    following: int | None


class Studios:
    """What is done with studios."""

    def __init__(self, store: StudioStore) -> None:
        self._store = store
        self.edits = 0
        """Profiles changed here so far: sales show them, too."""
        _zones()  # read from files, once: not in the middle of a request

    async def create(self, profile: Profile) -> Studio:
        """A new studio. Raises Invalid."""
        return await self._store.add(_sound(profile))

    async def one(self, studio_id: int | None) -> Studio:
        """Raises NotFound, also for who has no studio."""
        studio = None if studio_id is None else await self._store.one(studio_id)
        if studio is None:
            raise NotFound()
        return studio

    async def page(self, after_id: int, limit: int) -> StudioPage:
        """Studios in order of their ids."""
        studios = await self._store.page(after_id, limit + 1)
        following = studios[limit - 1].id if len(studios) > limit else None
        return StudioPage(studios[:limit], following)

    async def edit(self, studio_id: int | None, changes: Mapping[str, Any]) -> Studio:
        """Change the named fields of a profile. Raises NotFound, Invalid."""
        for _ in range(_ROUNDS_MAX):
            studio = await self.one(studio_id)
            profile = _sound(replace(studio.profile, **changes))
            written = await self._store.rewrite(studio, profile)
            if written is not None:
                self.edits += 1
                return written
        raise Busy()


def _sound(profile: Profile) -> Profile:
    """The profile, if it is of the form. Raises Invalid that names each field."""
    wrong = tuple(FieldError(field, code) for field, code, holds in _FORM if not holds(profile))
    if wrong:
        raise Invalid(errors=wrong)
    return profile


def _is_https(link: str) -> bool:
    """Is it a plain https address of some host, without credentials in it?"""
    if len(link) > LINK_CHARS_MAX or not _LINK.fullmatch(link):
        return False
    try:
        parts = urlsplit(link)
        return parts.scheme == "https" and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"Factory", "localtime"})


_FORM: Final[tuple[tuple[str, str, Callable[[Profile], bool]], ...]] = (
    ("name", "LENGTH", lambda p: len(p.name) <= NAME_CHARS_MAX and bool(p.name.strip())),
    ("address", "LENGTH", lambda p: len(p.address) <= ADDRESS_CHARS_MAX),
    (
        "google_maps_url",
        "FORMAT",
        lambda p: p.google_maps_url is None or _is_https(p.google_maps_url),
    ),
    ("zone", "CHOICE", lambda p: p.zone in _zones()),
    ("currency", "CHOICE", lambda p: p.currency in CURRENCIES),
    ("cancel_cutoff_secs", "RANGE", lambda p: 0 <= p.cancel_cutoff_s <= POLICY_S_MAX),
    ("no_show_grace_secs", "RANGE", lambda p: 0 <= p.no_show_grace_s <= POLICY_S_MAX),
    (
        "max_open_reservations",
        "RANGE",
        lambda p: (
            p.max_open_reservations is None or 1 <= p.max_open_reservations <= OPEN_RESERVATIONS_MAX
        ),
    ),
)
