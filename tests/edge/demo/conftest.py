"""Fixtures of the demo's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.edge.demo.shop import Shop, demo_shop


@pytest.fixture
async def shop(database: str, tmp_path: Path) -> AsyncIterator[Shop]:
    """A real server with the demo's accounts on it."""
    async with demo_shop(database, tmp_path) as made:
        yield made
