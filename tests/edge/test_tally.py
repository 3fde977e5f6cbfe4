"""Plain counters come out as Prometheus expects them."""

from prometheus_client import CollectorRegistry, generate_latest

from edge.tally import Plain


def exposed(plain: Plain) -> list[str]:
    registry = CollectorRegistry()
    registry.register(plain)
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_a_spread_counts_up_to_and_including_each_bound() -> None:
    plain = Plain()
    spread = plain.spread("sizes", "Sizes", (1, 2, 5))
    for value in (0, 1, 2, 3, 5, 6):
        spread.add(value)
    assert exposed(plain) == [
        'sizes_bucket{le="1"} 2.0',
        'sizes_bucket{le="2"} 3.0',
        'sizes_bucket{le="5"} 5.0',
        'sizes_bucket{le="+Inf"} 6.0',
        "sizes_count 6.0",
        "sizes_sum 17.0",
    ]


def test_a_count_without_labels_is_there_from_the_start() -> None:
    plain = Plain()
    count = plain.count("falls_total", "Falls")
    assert exposed(plain) == ["falls_total 0.0"]
    count.add()
    count.add()
    assert exposed(plain) == ["falls_total 2.0"]


def test_a_count_with_labels_has_a_line_for_each() -> None:
    plain = Plain()
    count = plain.count("falls_total", "Falls", ("where", "why"))
    assert exposed(plain) == []
    for why in ("b", "a", "b"):
        count.add("here", why)
    assert exposed(plain) == [
        'falls_total{where="here",why="a"} 1.0',
        'falls_total{where="here",why="b"} 2.0',
    ]


def test_tallies_make_two_metrics_and_silent_ones_none() -> None:
    plain = Plain()
    plain.name_tallies("asked_total", "took_seconds")
    plain.tally("GET", "/silent", (0.1,))
    tally = plain.tally("GET", "/heard", (0.1,))
    tally.add(200, 0.05)
    tally.add(404, 0.25)
    assert exposed(plain) == [
        'asked_total{method="GET",route="/heard",status="200"} 1.0',
        'asked_total{method="GET",route="/heard",status="404"} 1.0',
        'took_seconds_bucket{le="0.1",method="GET",route="/heard"} 1.0',
        'took_seconds_bucket{le="+Inf",method="GET",route="/heard"} 2.0',
        'took_seconds_count{method="GET",route="/heard"} 2.0',
        'took_seconds_sum{method="GET",route="/heard"} 0.3',
    ]
