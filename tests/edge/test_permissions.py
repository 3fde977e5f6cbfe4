"""Every route and every message, by everybody, on their own things and on others'.

The matrix is made of the product's own route table: a route or a message without a rule fails, and
so does a rule without a route. Each cell asks a running server, on a real PostgreSQL.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
import structlog

from edge.app import Server, UseCases, table
from edge.binding import bind
from edge.config import load
from edge.metrics import Metrics
from edge.rest import health, metrics
from edge.wire.live import _KINDS
from tests.database import dsn_for
from tests.edge.permission_cells import faults
from tests.edge.permission_requests import Voice
from tests.edge.permission_scenes import Stage
from tests.edge.permissions import RULES, Asker, Rule, markdown
from tests.edge.premises import KEY, open_premises

SETTINGS = {
    "HOTHOUR_ALLOW_UNSAFE_DATABASE": "on",
    "HOTHOUR_BCRYPT_COST": "4",
    "HOTHOUR_RATE_LIMITS": "off",
    # However slow the machine: nobody is told BUSY.
    "HOTHOUR_UNSENT_TIMEOUT_MS": "10000",
}
CELLS_MIN = 600


@dataclass(frozen=True, slots=True)
class Matrix:
    """A server, and what is done to it."""

    stage: Stage
    voice: Voice


@asynccontextmanager
async def serving(dsn: str, folder: Path) -> AsyncIterator[str]:
    """The address of a server in this process."""
    with bind("127.0.0.1", 0) as listener:
        server = Server(
            load({**SETTINGS, "HOTHOUR_DATA_DIR": str(folder)}),
            url="http://shop.example",
            dsn=dsn,
            node_id="node-of-the-matrix",
            key=KEY,
            listener=listener,
            log=structlog.get_logger("test"),
            show=lambda _: None,
            metrics_=Metrics("test"),
        )
        await server.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await server.stop()


@pytest.fixture(scope="module")
async def matrix(
    postgres_server: str,
    admin: asyncpg.Connection,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Matrix]:
    """One server for all cells; they share nothing else."""
    name = f"matrix_{uuid.uuid4().hex}"
    await admin.execute(f"create database {name} template {template} strategy file_copy")
    dsn = dsn_for(postgres_server, name)
    try:
        async with (
            serving(dsn, tmp_path_factory.mktemp("matrix")) as url,
            open_premises(dsn) as premises,
            aiohttp.ClientSession() as http,
        ):
            yield Matrix(Stage(premises, url, http), Voice(url, http))
    finally:
        await admin.execute(f"drop database {name} with (force)")


def named(rule: Rule) -> str:
    return " ".join(filter(None, (rule.name, rule.of.value, rule.how)))


def served() -> set[str]:
    """All routes and messages that there are."""
    nobody: Any = None
    cases = UseCases(**{field.name: nobody for field in fields(UseCases)})
    routes = (*table(cases), *health.routes(nobody), *metrics.routes(nobody, nobody))
    names = {f"{route.method} {route.path}" for route in routes}
    return names | {f"live {kind}" for kind in _KINDS}


def test_every_route_and_message_has_a_rule_and_every_rule_its_route() -> None:
    ruled = {rule.name for rule in RULES}
    assert served() - ruled == set(), "nobody has said who may call these"
    assert ruled - served() == set(), "there is no such route or message"


def test_every_rule_says_something_to_everybody() -> None:
    for rule in RULES:
        assert rule.verdicts.keys() == set(Asker), named(rule)
        assert all(rule.verdicts.values()), named(rule)
    cells = sum(1 for rule in RULES for _ in rule.cells())
    assert cells >= CELLS_MIN, f"INCONCLUSIVE: {cells} cells"


def test_the_table_can_be_read() -> None:
    lines = list(markdown())
    assert len(lines) == len(RULES) + 2
    assert {line.count("|") for line in lines} == {len(Asker) + 3}


@pytest.mark.parametrize("rule", RULES, ids=named)
async def test_everybody_hears_what_the_rule_says(matrix: Matrix, rule: Rule) -> None:
    found = []
    for asker, whose, verdict in rule.cells():
        found += await faults(matrix.stage, matrix.voice, rule, asker, whose, verdict)
    assert not found, "\n".join(found)
