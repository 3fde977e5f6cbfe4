"""Waiting for something to be so, without guessing how long it takes."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.contracts.worlds import PostgresWorld

_POLLS_MAX = 1_000
_POLL_S = 0.005


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    """Ask again and again; a test that waits for ever fails instead."""
    for _ in range(_POLLS_MAX):
        if await holds():
            return
        await asyncio.sleep(_POLL_S)
    raise AssertionError("it never came to be")


async def until_a_lock_is_awaited(world: PostgresWorld) -> None:
    """Until some connection to this database waits for a lock."""
    await until(
        lambda: world.connection.fetchval(
            "select count(*) from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock'"
        )
    )
