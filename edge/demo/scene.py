"""All that is known of the shop at this moment, from two sources kept apart.

What any visitor sees comes from public frames: sales, prices, seats, turbo, how late each frame
was. Who it was that booked only the demo's own guests can tell, and they do. A booking none of them
claims is somebody else's: whoever is trying the API out. Bounded: sales that are over go.
"""

from dataclasses import dataclass
from typing import Final

from edge.demo.api import Fields
from edge.demo.channel import Punctuality
from edge.demo.feed import Feed, Kind
from edge.demo.sale import Sale, Took
from engine.domain.money import format_minor

CLAIM_WITHIN_MS: Final = 2_000
"""A guest of ours who booked has said so by then."""
SHOWN_AFTER_END_MS: Final = 5_000
KEPT_AFTER_END_MS: Final = 30_000
SALES_MAX: Final = 150
"""One socket may watch 200."""


@dataclass(slots=True)
class Shown:
    """A sale as the board shows it."""

    sale: Sale
    changed_at_ms: float = 0.0
    """When the price moved last."""
    late_ms: float | None = None
    """How late its newest frame was."""
    since_ms: float = 0.0
    """When its status became what it is."""

    def is_past(self, now_ms: float) -> bool:
        """Over for so long that nobody looks for it any more."""
        over_ms = self.since_ms if self.sale.over else self.sale.schedule.ends_at_ms
        return now_ms - over_ms >= KEPT_AFTER_END_MS


@dataclass(frozen=True, slots=True)
class _Unclaimed:
    at_ms: float
    text: str


class Scene:
    """Told by the watcher and by the guests, read by whoever draws it."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.punctuality = Punctuality()
        self.bookings = 0
        """Seats sold since the demo began, as the public frames tell."""
        self.shown: dict[int, Shown] = {}
        self._unclaimed: dict[tuple[int, int], _Unclaimed] = {}
        self._claimed: dict[tuple[int, int], float] = {}

    def status(self, auction_id: int) -> str | None:
        """As the newest frame has it; None: nothing is known of it."""
        shown = self.shown.get(auction_id)
        return None if shown is None else shown.sale.status

    # --- what the watcher sees -------------------------------------------------------------------

    def show(self, row: Fields, now_ms: float) -> None:
        """A row of the public list; one that is known already changes nothing."""
        if row["id"] not in self.shown and len(self.shown) < SALES_MAX:
            self.shown[row["id"]] = Shown(Sale.of_row(row), since_ms=now_ms)

    def snapshot(self, fields: Fields, now_ms: float) -> None:
        """A snapshot that the watcher asked for."""
        shown = self.shown.get(fields["auction_id"])
        if shown is not None:
            before = shown.sale.status
            shown.sale.snapshot(fields)
            if shown.sale.status != before:
                shown.since_ms = now_ms

    def frame(self, fields: Fields, late_ms: float | None, now_ms: float) -> Took:
        """A frame of the watcher's stream."""
        shown = self.shown.get(fields["auction_id"])
        if shown is None:
            return Took.OLD
        sale = shown.sale
        price, status = sale.price, sale.status
        took = sale.frame(fields)
        if took is Took.TAKEN:
            if sale.price != price:
                shown.changed_at_ms = now_ms
            if sale.status != status:
                shown.since_ms = now_ms
            if late_ms is not None:
                shown.late_ms = late_ms
            self._tell(sale, fields, now_ms)
        return took

    def tidy(self, now_ms: float) -> list[int]:
        """Let go of what is over, and tell of bookings that nobody here made. Returns the ids of
        the sales that went."""
        for seat, unclaimed in list(self._unclaimed.items()):
            if now_ms - unclaimed.at_ms >= CLAIM_WITHIN_MS:
                del self._unclaimed[seat]
                self.feed.add(now_ms, Kind.BOOKED, f"somebody else {unclaimed.text}")
        for seat, at_ms in list(self._claimed.items()):
            if now_ms - at_ms >= KEPT_AFTER_END_MS:
                del self._claimed[seat]
        gone = [id_ for id_, shown in self.shown.items() if shown.is_past(now_ms)]
        for id_ in gone:
            del self.shown[id_]
        return gone

    def _tell(self, sale: Sale, fields: Fields, now_ms: float) -> None:
        price = f"{format_minor(sale.price)} {sale.currency} ({sale.studio})"
        match fields["type"]:
            case "auction_booked":
                self.bookings += 1
                seat = (sale.id, sale.revision)
                if self._claimed.pop(seat, None) is None:
                    self._unclaimed[seat] = _Unclaimed(now_ms, f"took {sale.title} at {price}")
            case "turbo_triggered":
                self.feed.add(now_ms, Kind.TURBO, f"{sale.title} turns turbo at {price}")
            case "auction_updated" if fields["reason"] == "relisted":
                self.feed.add(now_ms, Kind.RELISTED, f"{sale.title} has a seat again at {price}")
            case "auction_updated" if fields["reason"] == "cancelled":
                self.feed.add(now_ms, Kind.WARNING, f"{sale.title} was cancelled ({sale.studio})")
            case _:
                pass

    # --- what the guests and desks tell ----------------------------------------------------------

    def won(self, who: str, sale: Sale, reservation: Fields, now_ms: float) -> None:
        """One of ours has a seat."""
        seat = (sale.id, reservation["revision"])
        if self._unclaimed.pop(seat, None) is None:
            self._claimed[seat] = now_ms
        price = f"{reservation['locked_price']} {reservation['currency']}"
        place = f"seat {reservation['seat_no']}/{sale.seats}"
        text = f"{who} took {sale.title} at {price}, {place} ({sale.studio})"
        self.feed.add(now_ms, Kind.BOOKED, text)

    def missed(self, who: str, sale: Sale, late_by_ms: int, now_ms: float) -> None:
        """One of ours came too late."""
        self.feed.missed(now_ms, sale.id, sale.title, who, late_by_ms)

    def gave_back(self, who: str, sale: Sale, now_ms: float) -> None:
        """One of ours changed plans."""
        self.feed.add(now_ms, Kind.GAVE_BACK, f"{who} gave back {sale.title} ({sale.studio})")

    def checked_in(self, who: str, title: str, studio: str, now_ms: float) -> None:
        """A desk has seen one of ours."""
        self.feed.add(now_ms, Kind.CHECKED_IN, f"{who} is here for {title} ({studio})")
