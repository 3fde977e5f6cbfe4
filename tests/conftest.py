"""Shared by every test: no settings from outside, uvloop, and a real PostgreSQL (database.py)."""

import asyncio
import os
from collections.abc import Callable

import pytest
import uvloop

pytest_plugins = ["tests.database"]

# What a test does not say itself must not come from whoever runs it. The one exception is the
# database to run on, which is not a setting of the product.
for name in [name for name in os.environ if name.startswith("HOTHOUR_")]:
    if name != "HOTHOUR_TEST_DATABASE_URL":
        del os.environ[name]


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests run on the loop that the product runs on."""
    return {"uvloop": uvloop.new_event_loop}
