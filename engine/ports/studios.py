"""Studios: whose classes are sold, by which policies, and who may act for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Staff:
    """Who may change sales: a studio's studio_admin, or a platform_admin, whose are all."""

    user_id: int
    studio_id: int | None
    platform: bool = False

    def owns(self, studio_id: int) -> bool:
        """Is this studio theirs to act for?"""
        return self.platform or self.studio_id == studio_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a studio says about itself, and its policies."""

    name: str
    address: str = ""
    google_maps_url: str | None = None
    zone: str = "Europe/Istanbul"
    """A name of the IANA time zone database."""
    currency: str = "TRY"
    """ISO 4217."""
    cancel_cutoff_s: int = 7_200
    """Up to this long before the class a guest may give a seat back."""
    no_show_grace_s: int = 900
    """Nobody is called a no-show sooner after the start of the class."""
    max_open_reservations: int | None = None


@dataclass(frozen=True, slots=True)
class Studio:
    """One studio as it is stored. `version` changes with every write of the row."""

    id: int
    profile: Profile
    version: int


class StudioStore(Protocol):
    """Every method raises Busy when the database is away; `add` and `rewrite` UnknownOutcome when
    it went away in the middle."""

    async def add(self, profile: Profile) -> Studio:
        """A new studio."""

    async def one(self, studio_id: int) -> Studio | None:
        """One studio; None: there is none."""

    async def page(self, after_id: int, limit: int) -> Sequence[Studio]:
        """Studios with higher ids, in their order, at most `limit`."""

    async def rewrite(self, studio: Studio, profile: Profile) -> Studio | None:
        """Give a studio another profile, if it is still as it was read; None: it is not."""
