"""Data directories for the tests of the embedded PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from edge.embedded import Embedded
from tests.database import FAST, open_folder


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """An empty data directory that every user may walk through."""
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
async def made_dir() -> AsyncIterator[Path]:
    """A data directory with a database in it, for tests that leave it stopped and whole."""
    with open_folder() as folder:
        async with Embedded(folder, FAST):
            pass
        yield folder
