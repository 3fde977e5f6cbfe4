"""The bus of a node that is alone: owners and sinks share a loop, so publishing is a call."""

import logging
from collections.abc import Callable

from engine.frames import Frame
from engine.ports.bus import FrameSink, Publication

_log = logging.getLogger(__name__)


class LocalBus:
    """Every sink hears everything, in the order it was published."""

    def __init__(self) -> None:
        self._sinks: list[FrameSink] = []

    def attach(self, sink: FrameSink) -> None:
        self._sinks.append(sink)

    def publish(self, publication: Publication) -> None:
        self._each(lambda sink: sink.on_publication(publication))

    def tell(self, user_id: int, frame: Frame) -> None:
        self._each(lambda sink: sink.on_personal(user_id, frame))

    def announce(self, auction_id: int) -> None:
        self._each(lambda sink: sink.on_announce(auction_id))

    def watchers(self, auction_id: int) -> int:
        return sum(sink.watchers(auction_id) for sink in self._sinks)

    def _each(self, call: Callable[[FrameSink], None]) -> None:
        for sink in self._sinks:
            try:
                call(sink)
            except Exception:
                # A watcher's fault must not fail the auction it watches.
                _log.exception("a frame sink raised")
