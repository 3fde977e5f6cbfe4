"""The bus of a node that is alone."""

import logging

import pytest

from engine.bus.local import LocalBus
from engine.frames import Frame
from engine.ports.bus import Publication
from tests.domain.sales import auction
from tests.engine.world import Watcher

FRAME = Frame("auction_updated", b"{}", 1, 2)


class Broken(Watcher):
    def on_publication(self, publication: Publication) -> None:
        raise ZeroDivisionError


def test_every_sink_hears_everything_in_order() -> None:
    bus, sinks = LocalBus(), (Watcher(), Watcher())
    for sink in sinks:
        bus.attach(sink)
    first, second = Publication(auction(), (FRAME,)), Publication(auction(revision=3), ())
    bus.publish(first)
    bus.publish(second)
    bus.tell(7, FRAME)
    bus.announce(1)
    for sink in sinks:
        assert sink.publications == [first, second]
        assert sink.personal == [(7, FRAME)]
        assert sink.announced == [1]
    assert bus.watchers(1) == 6


def test_a_sink_that_breaks_fails_neither_the_auction_nor_the_other_sinks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bus, healthy = LocalBus(), Watcher()
    bus.attach(Broken())
    bus.attach(healthy)
    with caplog.at_level(logging.ERROR):
        bus.publish(Publication(auction(), (FRAME,)))
    assert len(healthy.publications) == 1
    assert "a frame sink raised" in caplog.text
