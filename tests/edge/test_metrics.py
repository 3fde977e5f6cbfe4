"""Every observation comes out under its name."""

import pytest

from edge.meters import Meters
from edge.metrics import Metrics
from engine.ports.telemetry import Telemetry


def lines(metrics: Metrics) -> dict[str, float]:
    found = {}
    for line in metrics.exposition().decode().splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name] = float(value)
    return found


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3")


def test_it_is_what_the_engine_and_the_live_channel_talk_to(metrics: Metrics) -> None:
    def takes(telemetry: Telemetry, meters: Meters) -> None:
        """The type checker proves it; running shows that the names are there."""
        telemetry.crashed()
        meters.sockets(1)

    takes(metrics, metrics)
    assert lines(metrics)["hothour_sockets"] == 1


def test_the_build_and_the_process_are_there_from_the_start(metrics: Metrics) -> None:
    found = lines(metrics)
    assert found['hothour_build_info{version="1.2.3"}'] == 1
    assert found["process_resident_memory_bytes"] > 0


def test_two_processes_worth_of_metrics_do_not_meet() -> None:
    first, second = Metrics("1"), Metrics("1")
    first.crashed()
    assert lines(first)["hothour_actor_crashes_total"] == 1
    assert lines(second)["hothour_actor_crashes_total"] == 0


def test_the_engines_observations(metrics: Metrics) -> None:
    metrics.committed(3, 0.004)
    metrics.committed(300, 0.04)
    metrics.ambiguous(2)
    metrics.superseded()
    metrics.turn(7, 12_000)
    metrics.crashed()
    metrics.clock_off(-250, alarm=True)
    metrics.codes_in_use(0.25)
    found = lines(metrics)
    assert {
        name: found[name]
        for name in (
            'hothour_commit_batch_size_bucket{le="5"}',
            "hothour_commit_batch_size_sum",
            'hothour_commit_seconds_bucket{le="0.005"}',
            "hothour_commit_ambiguous_total",
            "hothour_commit_superseded_total",
            "hothour_turn_messages_sum",
            'hothour_mailbox_depth_bucket{le="10000"}',
            'hothour_mailbox_depth_bucket{le="20000"}',
            "hothour_actor_crashes_total",
            "hothour_clock_offset_seconds",
            "hothour_clock_alarm",
            "hothour_booking_codes_in_use_ratio",
        )
    } == {
        'hothour_commit_batch_size_bucket{le="5"}': 1,
        "hothour_commit_batch_size_sum": 303,
        'hothour_commit_seconds_bucket{le="0.005"}': 1,
        "hothour_commit_ambiguous_total": 1,
        "hothour_commit_superseded_total": 1,
        "hothour_turn_messages_sum": 7,
        'hothour_mailbox_depth_bucket{le="10000"}': 0,
        'hothour_mailbox_depth_bucket{le="20000"}': 1,
        "hothour_actor_crashes_total": 1,
        "hothour_clock_offset_seconds": -0.25,
        "hothour_clock_alarm": 1,
        "hothour_booking_codes_in_use_ratio": 0.25,
    }


def test_the_clocks_alarm_ends_with_its_cause(metrics: Metrics) -> None:
    metrics.clock_off(5_000, alarm=True)
    metrics.clock_off(0, alarm=False)
    assert lines(metrics)["hothour_clock_alarm"] == 0


def test_the_live_channels_observations(metrics: Metrics) -> None:
    metrics.sockets(12)
    metrics.congested(2)
    metrics.turned_away("DRAINING")
    metrics.closed(4200)
    metrics.heard("book")
    metrics.price_late(4)
    metrics.fanned_out("price", 7)
    metrics.fanned_out("price", 5)
    found = lines(metrics)
    assert found["hothour_sockets"] == 12
    assert found["hothour_sockets_congested"] == 2
    assert found['hothour_upgrades_refused_total{code="DRAINING"}'] == 1
    assert found['hothour_sockets_closed_total{code="4200"}'] == 1
    assert found['hothour_live_messages_total{type="book"}'] == 1
    assert found['hothour_fanout_frames_total{weight="price"}'] == 12
    assert found['hothour_frame_lateness_seconds_bucket{le="0.005"}'] == 1
    assert found['hothour_frame_lateness_seconds_bucket{le="0.002"}'] == 0


def test_the_http_sides_observations(metrics: Metrics) -> None:
    metrics.tally("GET", "/x").add(200, 0.004)
    metrics.problem("SOLD")
    metrics.booking("live", "SOLD")
    metrics.malformed()
    metrics.late_headers()
    metrics.loop_lag(0.02)
    found = lines(metrics)
    assert found['hothour_http_requests_total{method="GET",route="/x",status="200"}'] == 1
    assert found['hothour_http_request_seconds_bucket{le="0.005",method="GET",route="/x"}'] == 1
    assert found['hothour_http_problems_total{code="SOLD"}'] == 1
    assert found['hothour_bookings_total{channel="live",outcome="SOLD"}'] == 1
    assert found["hothour_http_malformed_total"] == 1
    assert found["hothour_http_late_headers_total"] == 1
    assert found['hothour_loop_lag_seconds_bucket{le="0.02"}'] == 1
