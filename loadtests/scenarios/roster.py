"""The people of a run, from the file that `hothour seed` writes. Pure.

A guest is one account: whoever leaves gives it back, so that no two play the same guest at once.
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Unseeded(Exception):
    """The file is none of `hothour seed`, or has too few guests; one sentence."""


@dataclass(slots=True)
class Person:
    """An account, and where it has been."""

    id: int
    token: str
    done: set[int] = field(default_factory=set)
    """Auctions in which this guest has a seat, or has given up."""


class Roster:
    """One share of a file's guests, and the studio's admin."""

    def __init__(self, text: bytes, share: int = 0, shares: int = 1) -> None:
        """`share` of `shares`, from zero: a worker's own guests. Raises Unseeded."""
        try:
            found: Mapping[str, Any] = json.loads(text)
            admin = found["studio_admin"]
            self.admin = Person(admin["id"], admin["access_token"])
            self.studio_id: int = found["studio_id"]
            users = found["users"][share::shares]
            self._free = deque(Person(user["id"], user["access_token"]) for user in users)
        except (ValueError, KeyError, TypeError) as error:
            raise Unseeded("the tokens are not from `hothour seed`") from error

    def must_have(self, guests: int) -> None:
        """Raises Unseeded when there are not so many."""
        if len(self._free) < guests:
            raise Unseeded(f"{guests} guests, and `hothour seed` has made {len(self._free)}")

    def arrive(self) -> Person:
        """Somebody who is not here yet. Raises Unseeded."""
        if not self._free:
            raise Unseeded("more guests than `hothour seed` has made: seed more")
        return self._free.popleft()

    def leave(self, person: Person) -> None:
        """They may come again."""
        self._free.append(person)
