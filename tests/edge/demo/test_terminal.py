"""The board on a terminal."""

import asyncio
import io
from datetime import UTC

from rich.console import Console

from edge.demo import terminal
from edge.demo.board import Caption
from edge.demo.scene import Scene
from tests.edge.demo.samples import START_MS, row

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"


class Screen(io.StringIO):
    """A terminal that tells when something is on it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.get_running_loop()
        self.drawn = asyncio.Event()

    def write(self, text: str) -> int:
        if "Yin Yoga" in text:
            self.loop.call_soon_threadsafe(self.drawn.set)
        return super().write(text)


async def test_it_is_drawn_on_a_screen_of_its_own_which_is_left_tidy() -> None:
    screen = Screen()
    console = Console(file=screen, force_terminal=True, width=100, height=30)
    scene = Scene()
    scene.show(row(), START_MS)
    caption = Caption("http://127.0.0.1:8080", "Ctrl-C stops")
    drawing = asyncio.ensure_future(
        terminal.draw(console, scene, caption, lambda: START_MS + 1_000, UTC)
    )
    async with asyncio.timeout(10):
        await screen.drawn.wait()
    drawing.cancel()
    await asyncio.wait([drawing])
    written = screen.getvalue()
    assert written.index(ENTER) < written.index("Yin Yoga") < written.rindex(LEAVE)
    assert "Yin Yoga" not in written[written.rindex(LEAVE) :]
    assert "\x1b[?25h" in written[written.rindex("\x1b[?25l") :], "the cursor is back"
