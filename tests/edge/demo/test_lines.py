"""A line for each thing."""

import asyncio
import io
import os
from collections.abc import Awaitable
from datetime import UTC

import pytest

from edge.demo import lines
from edge.demo.feed import Entry, Kind
from edge.demo.lines import Lines
from edge.demo.scene import Scene
from tests.edge.demo.samples import START_MS


def test_a_line_says_when_what_and_who() -> None:
    entry = Entry(START_MS, Kind.TURBO, "Tango turns turbo")
    assert lines.line_of(entry, UTC) == "08:00:00 turbo      Tango turns turbo"


def test_the_numbers_are_a_line_too() -> None:
    scene = Scene()
    scene.bookings = 3
    scene.punctuality.clock.add(1.25)
    assert lines.counts(scene) == (
        "so far: 3 booked, frames late p50 1.2 p99 1.2 ms, bookings told -"
    )


async def test_each_thing_is_told_as_it_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "COUNTS_EVERY_S", 0.001)
    said: list[str] = []
    scene = Scene()
    counted = asyncio.Event()

    def say(text: str) -> None:
        said.append(text)
        if text.startswith("so far"):
            counted.set()

    telling = asyncio.ensure_future(lines.tell(scene, say, UTC))
    await _within(counted.wait())
    scene.feed.add(START_MS, Kind.BOOKED, "Elif A. took Tango")
    telling.cancel()
    await asyncio.wait([telling])
    assert "08:00:00 booked     Elif A. took Tango" in said


def test_lines_are_written_at_once() -> None:
    out = io.StringIO()
    Lines(out, lambda: None).say("ready")
    assert out.getvalue() == "ready\n"


def test_a_terminal_without_turkish_letters_is_no_reason_to_stop() -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii") as out:
        Lines(out, lambda: None).say("Ayşe")
        assert raw.getvalue() == b"Ay?e\n"


def test_when_nobody_reads_any_more_it_says_so_and_goes_on() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    left: list[bool] = []
    with open(writing, "w", encoding="utf-8") as out:
        say = Lines(out, lambda: left.append(True)).say
        say("into the void")
        say("and again")
    assert left == [True]


async def _within(wait: Awaitable[object]) -> None:
    async with asyncio.timeout(10):
        await wait
