"""One auction as a watching guest holds it: its snapshot, carried on by frames. Pure.

Judges what it is told by the contract: frames in order, prices that never rise and that the
schedule allows, nothing private.
"""

from typing import Final

from loadtests.scenarios.schedule import Fields, Schedule, instant_ms, minor

AHEAD_MS_MAX: Final = 1_000
"""A price may be of an instant so much later than our clock shows at its arrival, not more."""
PRIVATE: Final = frozenset(
    {"booking_code", "user_id", "guest", "email", "full_name", "phone", "token"}
)
FRAMES: Final = frozenset({"price_update", "turbo_triggered", "auction_booked", "auction_updated"})


class Watched:
    """`gap` says that something is missing, so that one has to subscribe again."""

    revision: int
    step: int
    status: str
    price: int
    schedule: Schedule

    def __init__(self, snapshot: Fields) -> None:
        self.id: int = snapshot["auction_id"]
        self.gap = False
        self._take(snapshot)

    @property
    def over(self) -> bool:
        """Nothing is to be had, for now or for ever."""
        return self.status in ("SOLD", "EXPIRED", "CANCELLED")

    def snapshot(self, fields: Fields) -> None:
        """Take one that was asked for: it is right, whatever is held."""
        self.gap = False
        self._take(fields)

    def frame(self, fields: Fields, heard_ms: float) -> str | None:
        """Take a frame that came at `heard_ms` of the server's clock. What is wrong with it, in
        one sentence; None: nothing."""
        if private := PRIVATE & fields.keys():
            return f"a frame for everybody holds {', '.join(sorted(private))}"
        revision, step = fields["revision"], fields["step"]
        if (revision, step) < (self.revision, self.step):
            return f"{(revision, step)} came after {(self.revision, self.step)}"
        if "schedule" in fields:
            return self._updated(fields)
        if fields["type"] == "auction_booked":
            return self._booked(fields)
        return self._dropped(fields, heard_ms)

    def _updated(self, fields: Fields) -> str | None:
        held, price = self.price, minor(fields["current_price"])
        self._take(fields)
        return f"the price rose from {held} to {price}" if price > held else None

    def _booked(self, fields: Fields) -> str | None:
        """A seat went for the price of the instant it was pressed for, which may be before a drop
        that was told meanwhile."""
        if fields["revision"] > self.revision + 1:
            self.gap = True
            return None
        price, right = minor(fields["price"]), self.schedule.price_at(instant_ms(fields["at"]))
        self.revision, self.step = fields["revision"], fields["step"]
        self.status = fields["status"]
        return None if price == right else f"a seat went for {price}, not {right}"

    def _dropped(self, fields: Fields, heard_ms: float) -> str | None:
        if fields["revision"] > self.revision:
            self.gap = True
            return None
        held, price = self.price, minor(fields["current_price"])
        self.price, self.step = price, fields["step"]
        if price > held:
            return f"the price rose from {held} to {price}"
        first = self.schedule.price_at(instant_ms(fields["at"]))
        last = self.schedule.price_at(int(heard_ms) + AHEAD_MS_MAX)
        return None if last <= price <= first else f"{price} is not the schedule's price"

    def _take(self, fields: Fields) -> None:
        self.revision = fields["revision"]
        self.step = fields["step"]
        self.status = fields["status"]
        self.price = minor(fields["current_price"])
        self.schedule = Schedule.of(fields["schedule"])
