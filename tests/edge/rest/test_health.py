"""Alive and ready are two questions."""

from dataclasses import replace

import pytest

from edge.rest import health
from edge.rest.health import LAG_MS_MAX, Checks
from tests.edge.rig import rig

WELL = Checks(database=True, lease=True, lag_ms=3, draining=False)


class Node:
    """A node that is as the test says."""

    def __init__(self, checks: Checks) -> None:
        self.checks = checks

    async def check(self) -> Checks:
        return self.checks


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/health/ready/"])
async def test_a_node_that_is_well_says_so(path: str) -> None:
    async with rig(*health.routes(Node(WELL))) as server:
        got = await server.ask("GET", path)
    assert (got.status, got.json) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("checks", "failed"),
    [
        (replace(WELL, database=False), ["database"]),
        (replace(WELL, lease=False), ["lease"]),
        (replace(WELL, lag_ms=LAG_MS_MAX + 1), ["loop_lag"]),
        (replace(WELL, database=False, lease=False), ["database", "lease"]),
    ],
)
async def test_a_node_that_is_not_ready_names_why(checks: Checks, failed: list[str]) -> None:
    async with rig(*health.routes(Node(checks))) as server:
        ready = await server.ask("GET", "/health/ready")
        live = await server.ask("GET", "/health/live")
    assert (ready.status, ready.json["code"]) == (503, "BUSY")
    assert [each["field"] for each in ready.json["errors"]] == failed
    assert all(each["message"] for each in ready.json["errors"])
    assert ready.headers["Retry-After"] == "1"
    assert live.status == 200, "a restart would not help"


async def test_a_loop_at_the_bound_is_ready() -> None:
    async with rig(*health.routes(Node(replace(WELL, lag_ms=LAG_MS_MAX)))) as server:
        assert (await server.ask("GET", "/health/ready")).status == 200


async def test_a_node_on_its_way_out_is_draining_whatever_else() -> None:
    async with rig(*health.routes(Node(replace(WELL, draining=True, database=False)))) as server:
        ready = await server.ask("GET", "/health/ready")
        assert (ready.status, ready.json["code"]) == (503, "DRAINING")
        assert (await server.ask("GET", "/health/live")).status == 200
        assert not server.lines
