"""The board on a real terminal: drawn a few times a second on a screen of its own, left tidy.

Writing happens in a thread: a terminal that is stopped (Ctrl-S) or far away must not hold up the
server that runs on this loop.
"""

import asyncio
from collections.abc import Callable
from datetime import tzinfo
from typing import Final

from rich.console import Console, Group
from rich.live import Live

from edge.demo import board
from edge.demo.board import Caption
from edge.demo.scene import Scene

DRAW_EVERY_S: Final = 0.25
WIDTH_MIN: Final = 40
HEIGHT_MIN: Final = 10


async def draw(
    console: Console,
    scene: Scene,
    caption: Caption,
    server_ms: Callable[[], float],
    zone: tzinfo | None = None,
) -> None:
    """Draw until cancelled; then the terminal shows again what it showed before."""
    with Live(
        console=console,
        screen=True,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as live:
        while True:
            picture = _picture(console, scene, caption, server_ms(), zone)
            writing = asyncio.ensure_future(asyncio.to_thread(live.update, picture, refresh=True))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                await writing  # or it would draw on the screen that comes back
                raise
            await asyncio.sleep(DRAW_EVERY_S)


def _picture(
    console: Console, scene: Scene, caption: Caption, now_ms: float, zone: tzinfo | None
) -> Group:
    width = max(WIDTH_MIN, console.size.width)
    height = max(HEIGHT_MIN, console.size.height)
    return Group(*board.lines(scene, caption, now_ms, width=width, height=height, zone=zone))
