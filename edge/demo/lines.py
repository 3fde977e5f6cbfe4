"""The show without a board: a line for each thing that happens, for pipes and plain terminals."""

import asyncio
import io
import os
from collections.abc import Callable
from datetime import tzinfo
from typing import Final, TextIO

from edge.demo.board import clock, late_words
from edge.demo.feed import Entry
from edge.demo.scene import Scene

COUNTS_EVERY_S: Final = 30.0

Say = Callable[[str], None]


class Lines:
    """Writes to somebody who may leave: `| head` does, and so does a `tee` that Ctrl-C ends too."""

    def __init__(self, out: TextIO, gone: Callable[[], None]) -> None:
        """`gone` is called when nobody reads any more."""
        self._out = out
        self._gone = gone
        if isinstance(out, io.TextIOWrapper):
            out.reconfigure(errors="replace")  # Turkish names on a terminal that has no letters

    def say(self, text: str) -> None:
        """One line, at once."""
        try:
            self._out.write(f"{text}\n")
            self._out.flush()
        except OSError:
            # What is still in the buffer would fail again when the interpreter ends.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._out.fileno())
            os.close(nowhere)
            self._gone()


async def tell(scene: Scene, say: Say, zone: tzinfo | None = None) -> None:
    """A line for each thing, and the numbers now and then, until cancelled."""
    scene.feed.listen(lambda entry: say(line_of(entry, zone)))
    while True:
        await asyncio.sleep(COUNTS_EVERY_S)
        say(counts(scene))


def line_of(entry: Entry, zone: tzinfo | None) -> str:
    """When, what, and the sentence."""
    return f"{clock(entry.at_ms, zone)} {entry.kind.value:<10} {entry.text}"


def counts(scene: Scene) -> str:
    """The numbers of the board's first line."""
    late = scene.punctuality
    return (
        f"so far: {scene.bookings} booked, frames late {late_words(late.clock)}, "
        f"bookings told {late_words(late.bookings)}"
    )
