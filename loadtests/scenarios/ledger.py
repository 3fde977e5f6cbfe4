"""What guests did and were told, as a list of entries: what the end check starts from. Pure.

A press is entered before it is sent and settled when its answer is known for certain, so that one
that was cut off stays open: it may hold a seat, and nobody was told. Entries are plain lists, which
travel from Locust's workers to its master as they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

Entry = list[Any]

SOLD: Final = "SOLD"


@dataclass(frozen=True, slots=True)
class Win:
    """What a 201 said."""

    key: str
    reservation_id: int
    auction_id: int
    user_id: int
    seat_no: int
    price: str
    code: str


@dataclass(frozen=True, slots=True)
class Press:
    """Whose, for what."""

    auction_id: int
    user_id: int


class Ledger:
    """Everything so far."""

    def __init__(self, *, travels: bool = False) -> None:
        """`travels`: `fresh` is asked for what is new; else it is not kept."""
        self._travels = travels
        self.wins: list[Win] = []
        self.open: dict[str, Press] = {}
        """By its key: what became of these is not known."""
        self.sold_out: set[int] = set()
        """Somebody was told that there is no seat left."""
        self.opened: set[int] = set()
        """Put on sale by this run."""
        self._fresh: list[Entry] = []

    def sale(self, auction_id: int) -> None:
        """The studio has opened one."""
        self._enter("sale", auction_id)

    def pressed(self, key: str, auction_id: int, user_id: int) -> None:
        """A guest is about to press."""
        self._enter("pressed", key, auction_id, user_id)

    def refused(self, key: str, auction_id: int, code: str) -> None:
        """The press under that key holds nothing, for certain."""
        self._enter("refused", key, auction_id, code)

    def won(self, win: Win) -> None:
        """A guest has been told 201."""
        self._enter(
            "won",
            win.key,
            win.reservation_id,
            win.auction_id,
            win.user_id,
            win.seat_no,
            win.price,
            win.code,
        )

    def fresh(self) -> list[Entry]:
        """What was entered since this was asked last."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def add(self, entries: Iterable[Entry]) -> None:
        """Another ledger's."""
        for entry in entries:
            self._enter(*entry)

    def _enter(self, *entry: Any) -> None:
        if self._travels:
            self._fresh.append(list(entry))
        match entry:
            case ["sale", auction_id]:
                self.opened.add(auction_id)
            case ["pressed", key, auction_id, user_id]:
                self.open[key] = Press(auction_id, user_id)
            case ["refused", key, auction_id, code]:
                self.open.pop(key, None)
                if code == SOLD:
                    self.sold_out.add(auction_id)
            case ["won", key, *told]:
                self.open.pop(key, None)
                self.wins.append(Win(key, *told))
            case _:
                raise ValueError(f"no such entry: {entry}")
