"""Every metric there is: its name, and who counts it. Their reference: docs/reference/metrics.md.

The engine and the live channel only know the protocols this class fulfils (engine.ports.telemetry,
edge.meters). Labels come from closed sets: routes, statuses, codes, frame types; never from what a
client sent, so their number is bounded.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest
from prometheus_client.gc_collector import GCCollector

from edge.tally import Plain, Tally

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
LATENESS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0)
SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
DEPTHS: Final = (0, 1, 10, 100, 1_000, 5_000, 10_000, 20_000)


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        build = Gauge("hothour_build_info", "This build", ["version"], registry=self.registry)
        build.labels(version).set(1)
        self._plain = plain = Plain()
        plain.name_tallies("hothour_http_requests_total", "hothour_http_request_seconds")
        self._http()
        self._engine()
        self._live()
        self.registry.register(plain)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    # --- HTTP ------------------------------------------------------------------------------------

    def _http(self) -> None:
        plain = self._plain
        self._problems = plain.count("hothour_http_problems_total", "Problems answered", ("code",))
        self._bookings = plain.count(
            "hothour_bookings_total", "Presses answered", ("channel", "outcome")
        )
        self._malformed = plain.count(
            "hothour_http_malformed_total", "Connections that did not speak HTTP"
        )
        self._late_headers = plain.count(
            "hothour_http_late_headers_total", "Connections closed for slow headers"
        )
        self._mails = plain.count("hothour_mails_total", "Mails handed over", ("outcome",))
        self._loop_lag = plain.spread(
            "hothour_loop_lag_seconds", "Time the event loop was late by", LATENESS_S
        )

    def tally(self, method: str, route: str) -> Tally:
        """Where one route counts its answers."""
        return self._plain.tally(method, route, SECONDS)

    def problem(self, code: str) -> None:
        """A problem was answered."""
        self._problems.add(code)

    def booking(self, channel: str, outcome: str) -> None:
        """A press was answered over "rest" or "live": "booked", or the code of the refusal."""
        self._bookings.add(channel, outcome)

    def mailed(self, outcome: str) -> None:
        """A mail was "sent", "delayed" or "refused"."""
        self._mails.add(outcome)

    def malformed(self) -> None:
        """What came was no HTTP."""
        self._malformed.add()

    def late_headers(self) -> None:
        """A connection was closed because its headers did not arrive."""
        self._late_headers.add()

    def loop_lag(self, seconds: float) -> None:
        """The event loop came back so late."""
        self._loop_lag.add(seconds)

    # --- engine.ports.telemetry.Telemetry --------------------------------------------------------

    def _engine(self) -> None:
        plain = self._plain
        self._commit_size = plain.spread(
            "hothour_commit_batch_size", "Auctions in one transaction", SIZES
        )
        self._commit_seconds = plain.spread(
            "hothour_commit_seconds", "Time of one transaction", SECONDS
        )
        self._ambiguous = plain.count(
            "hothour_commit_ambiguous_total", "Batches whose outcome had to be found out"
        )
        self._superseded = plain.count(
            "hothour_commit_superseded_total", "Commits that found another owner"
        )
        self._turn_size = plain.spread(
            "hothour_turn_messages", "Messages decided in one turn of an actor", SIZES
        )
        self._depth = plain.spread(
            "hothour_mailbox_depth", "Messages left waiting after a turn", DEPTHS
        )
        self._crashed = plain.count("hothour_actor_crashes_total", "Actors that raised")
        self._clock_offset = Gauge(
            "hothour_clock_offset_seconds",
            "System clock minus ours",
            registry=self.registry,
        )
        self._clock_alarm = Gauge(
            "hothour_clock_alarm",
            "1 while the system clock is off by a step",
            registry=self.registry,
        )
        self._codes = Gauge(
            "hothour_booking_codes_in_use_ratio",
            "Share of the space of booking codes that is live",
            registry=self.registry,
        )

    def committed(self, entries: int, seconds: float) -> None:
        """See Telemetry."""
        self._commit_size.add(entries)
        self._commit_seconds.add(seconds)

    def ambiguous(self, entries: int) -> None:
        """See Telemetry."""
        self._ambiguous.add()

    def turn(self, messages: int, waiting: int) -> None:
        """See Telemetry."""
        self._turn_size.add(messages)
        self._depth.add(waiting)

    def superseded(self) -> None:
        """See Telemetry."""
        self._superseded.add()

    def crashed(self) -> None:
        """See Telemetry."""
        self._crashed.add()

    def clock_off(self, offset_ms: int, *, alarm: bool) -> None:
        """See Telemetry."""
        self._clock_offset.set(offset_ms / 1_000)
        self._clock_alarm.set(alarm)

    def codes_in_use(self, share: float) -> None:
        """See Telemetry."""
        self._codes.set(share)

    # --- edge.meters.Meters ----------------------------------------------------------------------

    def _live(self) -> None:
        plain = self._plain
        self._sockets = Gauge("hothour_sockets", "Open sockets", registry=self.registry)
        self._congested = Gauge(
            "hothour_sockets_congested",
            "Sockets that do not take what is written to them",
            registry=self.registry,
        )
        self._turned_away = plain.count(
            "hothour_upgrades_refused_total", "Upgrades refused", ("code",)
        )
        self._closed = plain.count(
            "hothour_sockets_closed_total", "Sockets closed by us", ("code",)
        )
        self._heard = plain.count(
            "hothour_live_messages_total", "Valid messages of clients", ("type",)
        )
        self._fanned_out = plain.count(
            "hothour_fanout_frames_total", "Frames written to watchers", ("weight",)
        )
        self._lateness = plain.spread(
            "hothour_frame_lateness_seconds", "From a drop to its frame", LATENESS_S
        )

    def sockets(self, open_now: int) -> None:
        """See Meters."""
        self._sockets.set(open_now)

    def turned_away(self, code: str) -> None:
        """See Meters."""
        self._turned_away.add(code)

    def closed(self, code: int) -> None:
        """See Meters."""
        self._closed.add(str(code))

    def heard(self, kind: str) -> None:
        """See Meters."""
        self._heard.add(kind)

    def price_late(self, late_ms: int) -> None:
        """See Meters."""
        self._lateness.add(late_ms / 1_000)

    def congested(self, sockets_now: int) -> None:
        """See Meters."""
        self._congested.set(sockets_now)

    def fanned_out(self, weight: str, sockets: int) -> None:
        """See Meters."""
        self._fanned_out.add(weight, by=sockets)
