"""One auction as a client holds it: what REST said of it, carried on by the live channel's frames.

The order key is (revision, step): what is older than what is held is dropped, what leaves a gap
asks for a new snapshot. Prices are what the frames say, never computed here.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Self

from edge.demo.api import Fields
from edge.wire.base import parse_instant
from engine.domain.money import parse_minor
from engine.domain.pricing import Drop, PriceSchedule


class Took(Enum):
    """What became of a frame."""

    TAKEN = auto()
    OLD = auto()
    GAP = auto()
    """Something is missing before it: subscribe again."""


@dataclass(slots=True)
class Sale:
    """The newest known state of one auction. Prices in minor units, instants in epoch ms."""

    id: int
    title: str
    studio: str
    women_only: bool
    currency: str
    seats: int
    schedule: PriceSchedule
    revision: int
    step: int
    status: str
    price: int
    seats_left: int
    next_drop_at_ms: int | None
    turbo_since_ms: int | None
    watchers: int = 0

    @classmethod
    def of_row(cls, row: Fields) -> Self:
        """From one auction of the REST API."""
        return cls(
            id=row["id"],
            title=row["title"],
            studio=row["studio"]["name"],
            women_only=row["allowed_gender"] == "FEMALE",
            currency=row["currency"],
            seats=row["seats"],
            **_state(row),
        )

    @property
    def over(self) -> bool:
        """Ended for good, whatever may still come."""
        return self.status in ("EXPIRED", "CANCELLED")

    @property
    def turbo_at_ms(self) -> int | None:
        """When turbo starts or has started; None: there is none."""
        drops = self.schedule.drops
        return drops[1].from_ms if len(drops) > 1 else None

    def snapshot(self, fields: Fields) -> None:
        """Take a snapshot that was asked for: it is right, whatever is held."""
        self._take_all(fields)

    def frame(self, fields: Fields) -> Took:
        """Take a frame of the stream, if it is the next."""
        held = (self.revision, self.step)
        revision, step = fields["revision"], fields["step"]
        if (revision, step) < held:
            return Took.OLD
        match fields["type"]:
            case "auction_updated" | "turbo_triggered":
                self._take_all(fields)
            case "auction_booked":
                if revision == self.revision:
                    return Took.OLD
                if revision > self.revision + 1:
                    return Took.GAP
                self.status = fields["status"]
                self.seats_left = fields["seats_left"]
                self.price = parse_minor(fields["price"])
            case "price_update":
                if revision > self.revision:
                    return Took.GAP
                self.price = parse_minor(fields["current_price"])
                self.next_drop_at_ms = _instant(fields["next_drop_at"])
            case _:
                return Took.OLD
        self.revision, self.step = revision, step
        return Took.TAKEN

    def _take_all(self, fields: Fields) -> None:
        for name, value in _state(fields).items():
            setattr(self, name, value)
        self.watchers = fields["watchers"]


def _state(fields: Fields) -> dict[str, Any]:
    """What a REST row and a snapshot have in common."""
    return {
        "schedule": schedule_of(fields["schedule"]),
        "revision": fields["revision"],
        "step": fields["step"],
        "status": fields["status"],
        "price": parse_minor(fields["current_price"]),
        "seats_left": fields["seats_left"],
        "next_drop_at_ms": _instant(fields["next_drop_at"]),
        "turbo_since_ms": _instant(fields["turbo_started_at"]),
    }


def schedule_of(fields: Fields) -> PriceSchedule:
    """The schedule as it travels, as the function of time it stands for."""
    return PriceSchedule(
        parse_instant(fields["starts_at"]),
        parse_instant(fields["ends_at"]),
        parse_minor(fields["start_price"]),
        parse_minor(fields["floor_price"]),
        tuple(
            Drop(parse_instant(drop["from"]), drop["every_ms"], parse_minor(drop["amount"]))
            for drop in fields["drops"]
        ),
    )


def _instant(text: str | None) -> int | None:
    return None if text is None else parse_instant(text)
