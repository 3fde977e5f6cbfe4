"""How committed frames reach whoever watches."""

from dataclasses import dataclass
from typing import Protocol

from engine.domain.auction import Auction
from engine.frames import Frame


@dataclass(frozen=True, slots=True)
class Publication:
    """What one commit changed in public: its frames in order, and the auction after all of them."""

    auction: Auction
    frames: tuple[Frame, ...]


class FrameSink(Protocol):
    """One who watches: the hub of an edge. Never blocks, never raises."""

    def on_publication(self, publication: Publication) -> None:
        """Significant frames of one auction, in the order of their revisions."""

    def on_personal(self, user_id: int, frame: Frame) -> None:
        """A frame for every socket of one user."""

    def on_announce(self, auction_id: int) -> None:
        """Say the present price once more to whoever watches in ticks mode."""

    def watchers(self, auction_id: int) -> int:
        """How many sockets watch this auction here."""


class Bus(Protocol):
    """Carries frames from owners to every node's sinks. Loses rather than waits: a snapshot mends
    what was lost."""

    def attach(self, sink: FrameSink) -> None:
        """From now on this sink hears everything."""

    def publish(self, publication: Publication) -> None:
        """To all sinks."""

    def tell(self, user_id: int, frame: Frame) -> None:
        """To that user's sockets, wherever they are."""

    def announce(self, auction_id: int) -> None:
        """To all sinks: say the price once more."""

    def watchers(self, auction_id: int) -> int:
        """How many sockets watch this auction, as far as is known."""
