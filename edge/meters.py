"""What the live channel tells about its own running. Calls are cheap, never block, never raise."""

from typing import Protocol


class Meters(Protocol):
    """Measurements, one method an observation."""

    def sockets(self, open_now: int) -> None:
        """So many sockets are open."""

    def turned_away(self, code: str) -> None:
        """An upgrade was refused with this error code."""

    def closed(self, code: int) -> None:
        """The server closed a socket with this code."""

    def heard(self, kind: str) -> None:
        """A valid message of this type arrived."""

    def booking(self, channel: str, outcome: str) -> None:
        """A press over this channel was answered: "booked", or the code of the refusal."""

    def price_late(self, late_ms: int) -> None:
        """A price frame was built so long after its drop."""

    def congested(self, sockets_now: int) -> None:
        """So many sockets do not take what is written to them."""

    def fanned_out(self, weight: str, sockets: int) -> None:
        """A frame of this weight ("price", "significant", "full") was written to so many."""


class Silent:
    """Meters for whoever does not look."""

    def sockets(self, open_now: int) -> None: ...
    def turned_away(self, code: str) -> None: ...
    def closed(self, code: int) -> None: ...
    def heard(self, kind: str) -> None: ...
    def booking(self, channel: str, outcome: str) -> None: ...
    def price_late(self, late_ms: int) -> None: ...
    def congested(self, sockets_now: int) -> None: ...
    def fanned_out(self, weight: str, sockets: int) -> None: ...
