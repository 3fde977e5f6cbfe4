"""Who does not look is told all the same, and the server's metrics can be told."""

from edge.meters import Meters, Silent
from edge.metrics import Metrics


def tell(meters: Meters) -> None:
    meters.sockets(2)
    meters.turned_away("BUSY")
    meters.closed(4200)
    meters.heard("ping")
    meters.booking("live", "SOLD")
    meters.price_late(3)
    meters.congested(1)


def test_silence_takes_everything() -> None:
    tell(Silent())


def test_what_is_told_is_shown() -> None:
    metrics = Metrics("test")
    tell(metrics)
    shown = metrics.exposition().decode()
    assert "hothour_sockets 2.0" in shown
    assert 'hothour_bookings_total{channel="live",outcome="SOLD"} 1.0' in shown
