"""The command: asks the questions one after the other, shows one table, and may keep it as JSON.

Exit code 0: measured (a doubt is shown, not punished); 1: the product broke a promise, or a
question could not be asked to its end; 2: no such question.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import uvloop

from loadtests.bench import machine
from loadtests.bench.figures import Broken, Effort, Figure
from loadtests.bench.questions import lateness, memory, rush
from loadtests.bench.table import Answered, as_json, table

Question = Callable[[Effort], Awaitable[Sequence[Figure]]]

QUESTIONS: Final[dict[str, Question]] = {
    "lateness": lateness.ask,
    "memory": memory.ask,
    "rush": rush.ask,
}
QUESTION_TIMEOUT_S: Final = 240.0


def main() -> None:
    """The program's entry."""
    wanted = _arguments().parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        answers, about = runner.run(_ask(wanted.names or list(QUESTIONS), Effort(wanted.quick)))
    print(table(answers))
    if wanted.json is not None:
        wanted.json.write_text(json.dumps(as_json(answers, about), indent=1) + "\n")
    sys.exit(any(answered.failure is not None for answered in answers))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m loadtests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*QUESTIONS, []])
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures there")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    return parser


async def _ask(names: Sequence[str], effort: Effort) -> tuple[list[Answered], dict[str, Any]]:
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    assert this is not None, "the runner's"
    # As Ctrl-C does: what was started is ended and removed on the way out.
    loop.add_signal_handler(signal.SIGTERM, this.cancel)
    began_s, load = time.monotonic(), {"before": machine.load()}
    answers = []
    for name in names:
        _tell(f"{name} ... (load {machine.load():.1f})")
        answers.append(await _answer(name, effort))
    load["after"] = machine.load()
    about = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "took_s": round(time.monotonic() - began_s),
        "quick": effort.quick,
        "load": load,
        **machine.facts(),
    }
    return answers, about


async def _answer(name: str, effort: Effort) -> Answered:
    try:
        async with asyncio.timeout(QUESTION_TIMEOUT_S):
            return Answered(name, tuple(await QUESTIONS[name](effort)))
    except Broken as broken:
        return Answered(name, failure=str(broken))
    except TimeoutError:
        return Answered(name, failure=f"not answered within {QUESTION_TIMEOUT_S:.0f} s")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
