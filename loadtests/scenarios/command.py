"""`make load`: a server of its own in a new place, guests for it, Locust against it, the verdict.

Exit code 0: every threshold was held and the end check found nothing; 1: else, and each reason is
one sentence on stderr; 2: the options make no sense.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import Final

from loadtests.bench.figures import Broken
from loadtests.bench.machine import CORES, pin
from loadtests.bench.product import Place, place
from loadtests.scenarios.shapes import SHAPES

LOCUSTFILE: Final = Path(__file__).with_name("locustfile.py")
SPARE_GUESTS: Final = 10
"""Who leaves and who comes may overlap for a moment."""
STOP_TIMEOUT_S: Final = 5
"""For guests to finish what they are at."""
OVERTIME_S: Final = 120.0
"""For Locust's start, its stop and the end check."""


def main() -> None:
    """The program's entry."""
    wanted = _arguments().parse_args()
    try:
        code = asyncio.run(_try(wanted))
    except Broken as broken:
        print(f"FAILED {broken}.", file=sys.stderr)
        code = 1
    sys.exit(code)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m loadtests.scenarios", description=__doc__)
    parser.add_argument("--shape", choices=list(SHAPES), default="rush")
    parser.add_argument("--guests", type=int, default=200, help="at most")
    parser.add_argument("--time", type=float, default=60.0, metavar="S", help="seconds")
    parser.add_argument("--thresholds", type=Path, default=LOCUSTFILE.with_name("thresholds.toml"))
    parser.add_argument("--html", type=Path, metavar="FILE", help="Locust's report")
    return parser


async def _try(wanted: argparse.Namespace) -> int:
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    assert this is not None, "the runner's"
    # As Ctrl-C does: what was started is ended and removed on the way out.
    loop.add_signal_handler(signal.SIGTERM, this.cancel)
    async with place() as at:
        await at.guests(wanted.guests + SPARE_GUESTS)
        async with at.serving() as server:
            return await _locust(at, server.url, wanted)


async def _locust(at: Place, url: str, wanted: argparse.Namespace) -> int:
    """Its exit code. Raises Broken when it does not end."""
    options = {
        "--host": url,
        "--tokens": at.folder / "guests.json",
        "--thresholds": wanted.thresholds,
        "--shape": wanted.shape,
        "--guests": wanted.guests,
        "--length-s": wanted.time,
        "--stop-timeout": STOP_TIMEOUT_S,
        "--loglevel": "WARNING",
        **({"--html": wanted.html} if wanted.html else {}),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary"),
        *(str(part) for option in options.items() for part in option),
    )
    pin(process.pid, CORES.generator)
    try:
        async with asyncio.timeout(wanted.time + OVERTIME_S):
            return await process.wait()
    except TimeoutError:
        raise Broken("Locust did not come to its end") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
