"""Histograms as Prometheus shows them."""

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from loadtests.bench.histogram import buckets, within


def exposed(*samples: float) -> str:
    registry = CollectorRegistry()
    histogram = Histogram("late_seconds", "", buckets=(0.001, 0.01, 0.1), registry=registry)
    Histogram("late_seconds_more", "", buckets=(0.5,), registry=registry).observe(0.1)
    for sample in samples:
        histogram.observe(sample)
    return generate_latest(registry).decode()


def test_buckets_are_read_as_prometheus_writes_them() -> None:
    read = buckets(exposed(0.0005, 0.005, 0.05, 5.0), "late_seconds")
    assert read == {0.001: 1.0, 0.01: 2.0, 0.1: 3.0, float("inf"): 4.0}


def test_only_what_came_in_between_counts() -> None:
    before = buckets(exposed(5.0, 5.0), "late_seconds")
    after = buckets(exposed(5.0, 5.0, 0.005, 0.005, 0.005, 0.05), "late_seconds")
    assert within(before, after, 0.5) == 0.01
    assert within(before, after, 0.75) == 0.01
    assert within(before, after, 0.99) == 0.1


def test_nothing_in_between_says_nothing() -> None:
    same = buckets(exposed(0.05), "late_seconds")
    assert within(same, same, 0.5) is None
