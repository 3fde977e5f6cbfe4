"""Everybody together, kept on their feet."""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest

from edge.demo import show as shows
from edge.demo.api import Api, Refusal, Unreachable, open_session
from edge.demo.channel import SentAway
from edge.demo.feed import Kind
from edge.demo.scene import Scene
from edge.demo.show import Show, innermost, keep_up
from tests.edge.demo.shop import Shop, mono_ms, until

Act = Callable[[], Coroutine[Any, Any, None]]


def falling(*errors: Exception) -> tuple[Act, list[int]]:
    """Somebody who falls once for each of these, then does what there is to do; and a count."""
    acted: list[int] = []

    async def act() -> None:
        acted.append(1)
        if len(acted) <= len(errors):
            raise errors[len(acted) - 1]

    return act, acted


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shows, "UP_AGAIN_S", 0.0)


async def test_who_falls_gets_up_again(caplog: pytest.LogCaptureFixture) -> None:
    group = ExceptionGroup("tasks", [Unreachable("away")])
    act, acted = falling(Unreachable("away"), group, KeyError("a mistake of ours"))
    told: list[str] = []
    await keep_up("Elif A.", act, told.append)
    assert len(acted) == 4
    assert told == []
    assert [record.message for record in caplog.records] == ["Elif A. fell over"]


@pytest.mark.parametrize(
    "error", [Refusal(401, "AUTH_INVALID", {}), SentAway(4003)], ids=lambda each: str(each)
)
async def test_who_is_not_wanted_does_not_come_back(error: Exception) -> None:
    act, acted = falling(ExceptionGroup("tasks", [ExceptionGroup("more", [error])]))
    told: list[str] = []
    await keep_up("Elif A.", act, told.append)
    assert len(acted) == 1
    assert told == [f"Elif A. does not come back: {type(error).__name__} {error}"]


def test_the_innermost_error_is_the_one_to_tell() -> None:
    error = KeyError("x")
    assert innermost(ExceptionGroup("a", [ExceptionGroup("b", [error])])) is error
    assert innermost(error) is error


async def test_a_server_that_cannot_be_reached_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shows, "PATIENCE_S", 0.01)
    scene = Scene()
    async with open_session() as http:
        show = Show(Api(http, "http://127.0.0.1:1"), scene, mono_ms, Random(1))
        running = asyncio.ensure_future(show.run())
        await until(lambda: bool(scene.feed.entries))
        running.cancel()
        await asyncio.wait([running])
    assert scene.feed.entries[0].text == "no live channel at http://127.0.0.1:1 yet"


async def test_the_show_sells_seats_by_itself(shop: Shop) -> None:
    show = Show(shop.api, shop.scene, mono_ms, shop.rng)
    running = asyncio.ensure_future(show.run())
    await until(lambda: shop.scene.bookings > 0 and _kinds(shop) >= {Kind.BOOKED})
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert Kind.WARNING not in _kinds(shop)
    assert "somebody else" not in " ".join(entry.text for entry in shop.scene.feed.entries)


def _kinds(shop: Shop) -> set[Kind]:
    return {entry.kind for entry in shop.scene.feed.entries}
