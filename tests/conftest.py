"""Shared by every test: no settings from outside, uvloop, and a real PostgreSQL (database.py)."""

import asyncio
import functools
import inspect
import os
from collections.abc import Awaitable, Callable
from typing import Any

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


TEST_S_MAX = 150.0
"""A test that takes longer hangs: it fails where it waits, and the others go on."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """No test waits for ever. (A signal cannot stop one: uvloop swallows what its handler raises;
    faulthandler_timeout is for what holds the whole loop, and ends the run.)"""
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.obj = bounded(item.obj)


def bounded(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """The same test with a limit."""

    @functools.wraps(test)
    async def within(*args: Any, **kwargs: Any) -> None:
        async with asyncio.timeout(TEST_S_MAX):
            await test(*args, **kwargs)

    return within
