"""The tables in memory, and that no product can be run on them."""

import ast
from pathlib import Path

from engine.domain.auction import Status
from engine.store.memory.database import MemoryDatabase
from tests.contracts.turns import a_sale
from tests.contracts.worlds import HandClock

ROOT = Path(__file__).parents[2]


def test_sequences_count_as_those_of_the_schema() -> None:
    database = MemoryDatabase(HandClock())
    assert [database.next_value("fence_token") for _ in range(3)] == [1, 2, 3]
    assert [database.next_value("outbox_id") for _ in range(3)] == [1, 1_001, 2_001]
    assert database.next_value("reservation_id") == 1


def test_drafts_are_not_published() -> None:
    database = MemoryDatabase(HandClock())
    database.add_auction(a_sale(1, status=Status.DRAFT))
    database.add_auction(a_sale(2))
    assert database.published(1) is None
    assert database.published(404) is None
    assert database.published(2) is database.auctions[2]


def test_nothing_that_is_shipped_to_users_can_pick_the_memory() -> None:
    """Only tests and the simulation may: a sale kept in memory is forgotten with the process."""
    for path in [*ROOT.glob("edge/**/*.py"), *ROOT.glob("engine/**/*.py")]:
        parts = path.relative_to(ROOT).parts
        if parts[:3] == ("engine", "store", "memory") or parts[:2] == ("engine", "simulation"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            assert not any(name.startswith("engine.store.memory") for name in names), path
