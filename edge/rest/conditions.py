"""Conditional requests: what If-Match and If-None-Match ask, and the tags they compare.

Of one auction the tag is "<revision>.<step>.<status>": all that moves by itself or by an event.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from multidict import CIMultiDictProxy

from engine.domain.auction import Auction
from engine.errors import FieldError, Invalid
from engine.ports.auctions import Listed

_REVISION: Final = re.compile(r'\s*(?:W/)?"(\d{1,18})(?:\.\d{1,18}\.[A-Z]{1,20})?"\s*', re.ASCII)
_TAG_BYTES: Final = 12


def tag_of(auction: Auction, now_ms: int) -> str:
    """The ETag of one auction's detail."""
    return f'"{auction.revision}.{auction.step_at(now_ms)}.{auction.status_at(now_ms).value}"'


def tag_of_list(rows: Iterable[Listed], now_ms: int) -> str:
    """The ETag of a list: the same of each row, and what may change there without a revision."""
    digest = hashlib.blake2b(digest_size=_TAG_BYTES)
    for row in rows:
        auction = row.auction
        digest.update(f"{auction.id}:{tag_of(auction, now_ms)}:{auction.seats_left}".encode())
        digest.update(f":{row.venue!r}\n".encode())
    return f'"{digest.hexdigest()}"'


def is_known(headers: CIMultiDictProxy[str], tag: str) -> bool:
    """Does the client hold this very version (304)? A proxy may have made its tag a weak one."""
    given = headers.get("If-None-Match")
    if given is None:
        return False
    tags = [each.strip().removeprefix("W/") for each in given.split(",")]
    return tag in tags or "*" in tags


def wanted_revision(headers: CIMultiDictProxy[str]) -> int | None:
    """The revision that If-Match names; None: whatever it is. Raises Invalid."""
    given = headers.get("If-Match")
    if given is None or given.strip() == "*":
        return None
    found = _REVISION.fullmatch(given)
    if found is None:
        raise Invalid(
            'If-Match takes an ETag of the auction, or "<revision>".',
            (FieldError("If-Match", "FORMAT"),),
        )
    return int(found[1])
