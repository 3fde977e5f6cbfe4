"""What the engine tells about its own running. Calls are cheap, never block and never raise."""

from typing import Protocol


class Telemetry(Protocol):
    """Counters and measurements, one method an observation."""

    def committed(self, entries: int, seconds: float) -> None:
        """One batch of so many auctions is durable."""

    def ambiguous(self, entries: int) -> None:
        """A batch's outcome is unknown and is being found out."""

    def turn(self, messages: int, waiting: int) -> None:
        """An actor has decided so many messages; so many wait behind them."""

    def superseded(self) -> None:
        """A commit found that another owner has the auction."""

    def crashed(self) -> None:
        """An actor raised and was dropped."""

    def clock_off(self, offset_ms: int, *, alarm: bool) -> None:
        """The system clock differs from ours by so much; `alarm` when it has been stepped."""

    def codes_in_use(self, share: float) -> None:
        """How much of the space of booking codes is live, 0 to 1."""


class Silent:
    """Telemetry for whoever does not listen."""

    def committed(self, entries: int, seconds: float) -> None: ...
    def ambiguous(self, entries: int) -> None: ...
    def turn(self, messages: int, waiting: int) -> None: ...
    def superseded(self) -> None: ...
    def crashed(self) -> None: ...
    def clock_off(self, offset_ms: int, *, alarm: bool) -> None: ...
    def codes_in_use(self, share: float) -> None: ...
