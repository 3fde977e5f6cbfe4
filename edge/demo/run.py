"""The whole of `hothour demo`: the server, its seeds, the show, and how it is told.

One process: the real server and, beside it, its clients. Ends cleanly on SIGINT and SIGTERM. The
server's log goes to a file in the data directory, since it would tear the board; its warnings are
told in the feed as well.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine
from contextlib import redirect_stderr
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, TextIO, cast

from rich.console import Console
from structlog.typing import FilteringBoundLogger

from edge import logs, running
from edge.config import Config
from edge.demo import lines, opening, seeding, terminal
from edge.demo.alarm import Alarm
from edge.demo.api import Api, open_session
from edge.demo.board import Caption
from edge.demo.feed import Kind
from edge.demo.lines import Lines
from edge.demo.logfile import LogFile
from edge.demo.scene import Scene
from edge.demo.show import Show
from edge.office import Refusal
from engine.clock import AnchoredClock

LOG_NAME: Final = "demo.log"


async def run(config: Config, out: TextIO, err: TextIO, *, plain: bool) -> bool:
    """Serve and show until SIGINT or SIGTERM. False: the server could not go on.

    `out` gets the board if it is a terminal and not `plain`, else a line for each thing that
    happens; `err` what goes wrong before that. Raises CannotRun, office.Refusal, HotHourError.
    """
    if config.production:
        raise Refusal("The demo is refused in production: everybody knows its passwords.")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    scene, say = Scene(), Lines(out, stop.set).say
    alarm = Alarm(lambda text: err.write(f"{text}\n"))
    root = config.data_dir.expanduser().absolute()
    with LogFile() as log_file, redirect_stderr(log_file):
        log = logs.configure(config.log_format, cast(TextIO, log_file), config.log_level)
        logging.getLogger().addHandler(alarm)
        async with running.serving(config, log) as (server, url), open_session() as http:
            log_file.open_at(root / LOG_NAME)
            await _seed(config, log)
            if not stop.is_set():
                _greet(say, url, config, root)
                show = Show(Api(http, url), scene, _mono_ms(config), Random())
                telling = _telling(out, scene, show, url, say, plain=plain)
                with alarm.told_by(partial(_warn, scene, show)):
                    await _until(stop, server.superseded, show.run(), telling)
            went_well = not server.superseded.is_set()
    say(opening.goodbye(scene.bookings, root))
    return went_well


def _greet(say: lines.Say, url: str, config: Config, root: Path) -> None:
    for line in opening.greeting(url, config.host, root, root / LOG_NAME):
        say(line)
    say(f"ready {url}")


def _warn(scene: Scene, show: Show, text: str) -> None:
    scene.feed.add(show.server_ms(), Kind.WARNING, text)


def _mono_ms(config: Config) -> Callable[[], float]:
    """A clock of the clients' own: they learn from the server how far it is from the server's."""
    settings = config.engine
    clock = AnchoredClock(
        step_ms_max=settings.clock_step_ms_max,
        slew_ppm=settings.clock_slew_ppm,
        ahead_ms_max=settings.high_water_ahead_ms_max,
    )
    return lambda: clock.mono_ns() / 1e6


async def _seed(config: Config, log: FilteringBoundLogger) -> None:
    """Beside the server, on its own PostgreSQL, as the operator's commands do it."""
    async with running.database(config, "command", log.warning) as dsn:
        with running.plainly():
            seeded = await seeding.seed(config, dsn, running.signing_key(config))
    log.info("seeded", studios=seeded.studios, accounts=seeded.accounts)


def _telling(
    out: TextIO, scene: Scene, show: Show, url: str, say: lines.Say, *, plain: bool
) -> Coroutine[Any, Any, None]:
    """The board where there can be one, else lines."""
    console = Console(file=out)
    if plain or not console.is_terminal or console.is_dumb_terminal:
        return lines.tell(scene, say)
    return terminal.draw(console, scene, Caption(url, opening.HINT), show.server_ms)


async def _until(
    stop: asyncio.Event, superseded: asyncio.Event, *acts: Coroutine[Any, Any, None]
) -> None:
    """Let these act until there is a reason to end, or until one of them breaks."""
    loop = asyncio.get_running_loop()
    acting = [loop.create_task(act) for act in acts]
    waits = [loop.create_task(stop.wait()), loop.create_task(superseded.wait())]
    try:
        await asyncio.wait([*waits, *acting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (*acting, *waits):
            task.cancel()
        results = await asyncio.gather(*acting, *waits, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
