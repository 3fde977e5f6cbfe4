"""Counts in plain integers what happens often, and shows it to Prometheus when asked.

prometheus_client takes a lock and a label look-up an observation; a hot path has time for neither.
One loop counts, so no lock is needed.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Spread:
    """A histogram: how many values lie up to each bound."""

    __slots__ = ("bounds", "buckets", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.buckets[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulative(self) -> Iterator[tuple[str, float]]:
        """Each bound with the number of values up to it."""
        count = 0
        for bound, here in zip((*map(str, self.bounds), "+Inf"), self.buckets, strict=True):
            count += here
            yield bound, float(count)


class Tally:
    """The answers of one route: how many of each status, and how many seconds they took."""

    __slots__ = ("method", "route", "seconds", "statuses")

    def __init__(self, method: str, route: str, bounds_s: Sequence[float]) -> None:
        self.method = method
        self.route = route
        self.statuses: dict[int, int] = {}
        self.seconds = Spread(bounds_s)

    def add(self, status: int, seconds: float) -> None:
        """Count one answer."""
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.seconds.add(seconds)


class Count:
    """A counter with labels."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: dict[tuple[str, ...], int] = {}

    def add(self, *labels: str, by: int = 1) -> None:
        """Count one occurrence, or several."""
        self.values[labels] = self.values.get(labels, 0) + by


class Plain(Collector):
    """Shows spreads, counts and tallies as metrics."""

    def __init__(self) -> None:
        self._spreads: list[tuple[str, str, Spread]] = []
        self._counts: list[tuple[str, str, tuple[str, ...], Count]] = []
        self._tallies: list[Tally] = []
        self._tally_names: tuple[str, str] | None = None

    def spread(self, name: str, meaning: str, bounds: Sequence[float]) -> Spread:
        """A new histogram without labels."""
        spread = Spread(bounds)
        self._spreads.append((name, meaning, spread))
        return spread

    def count(self, name: str, meaning: str, labels: tuple[str, ...] = ()) -> Count:
        """A new counter; `add` takes as many labels as are named here."""
        count = Count()
        self._counts.append((name, meaning, labels, count))
        return count

    def name_tallies(self, requests: str, seconds: str) -> None:
        """The two metrics that all tallies make up."""
        self._tally_names = requests, seconds

    def tally(self, method: str, route: str, bounds_s: Sequence[float]) -> Tally:
        """A new tally. `route` is the path's pattern, never a path that was asked for."""
        tally = Tally(method, route, bounds_s)
        self._tallies.append(tally)
        return tally

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        for name, meaning, spread in self._spreads:
            histogram = HistogramMetricFamily(name, meaning)
            histogram.add_metric([], list(spread.cumulative()), spread.total)
            yield histogram
        for name, meaning, labels, count in self._counts:
            counter = CounterMetricFamily(name, meaning, labels=labels)
            for values, total in sorted(count.values.items()) or [((), 0)] * (not labels):
                counter.add_metric(values, total)
            yield counter
        if self._tally_names is not None:
            yield from self._requests(*self._tally_names)

    def _requests(self, requests_name: str, seconds_name: str) -> Iterable[Metric]:
        requests = CounterMetricFamily(
            requests_name, "Requests answered", labels=("method", "route", "status")
        )
        seconds = HistogramMetricFamily(
            seconds_name, "From a request's headers to its answer", labels=("method", "route")
        )
        for tally in self._tallies:
            labels = [tally.method, tally.route]
            for status, count in sorted(tally.statuses.items()):
                requests.add_metric([*labels, str(status)], count)
            if tally.statuses:
                seconds.add_metric(labels, list(tally.seconds.cumulative()), tally.seconds.total)
        return (requests, seconds)

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: all names are given in one place, so none can clash."""
        return ()
