"""The command: asks the questions one after the other, shows one table, and may keep it as JSON.

Exit code 0: measured (a doubt is shown, not punished); 1: the product broke a promise, a question
could not be asked to its end, or a ratio is worse than the stored one; 2: no such question.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import uvloop

from loadtests.bench import machine
from loadtests.bench.figures import Broken, Effort, Figure, leaves
from loadtests.bench.questions import (
    commit,
    during,
    fanout,
    growth,
    lateness,
    logins,
    losers,
    memory,
    neighbours,
    rush,
    startup,
    winners,
)
from loadtests.bench.stored import Ratios, better_of, judged, missing, ratios_of
from loadtests.bench.table import Answered, as_json, table

Question = Callable[[Effort], AsyncIterator[Figure]]

QUESTIONS: Final[dict[str, Question]] = {
    "lateness": lateness.ask,
    "commit": commit.ask,
    "winners": winners.ask,
    "losers": losers.ask,
    "fanout": fanout.ask,
    "during": during.ask,
    "neighbours": neighbours.ask,
    "startup": startup.ask,
    "memory": memory.ask,
    "rush": rush.ask,
    "logins": logins.ask,
    "growth": growth.ask,
}
QUESTION_TIMEOUT_S: Final = 400.0


def main() -> None:
    """The program's entry."""
    wanted = _arguments().parse_args()
    effort = Effort(wanted.quick)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        answers, about = runner.run(_ask(wanted.names or list(QUESTIONS), effort))
        print(table(answers))
        held = wanted.against is None or runner.run(
            _holds(answers, json.loads(wanted.against.read_bytes()), effort)
        )
    if wanted.json is not None:
        _keep(wanted.json, as_json(answers, about))
    if wanted.store is not None:
        _keep(wanted.store, ratios_of(answers))
    failed = any(answered.failure is not None for answered in answers)
    sys.exit(failed or not held)


def _keep(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value, indent=1) + "\n")


async def _holds(answers: Sequence[Answered], stored: Ratios, effort: Effort) -> bool:
    """Is no ratio a quarter worse than it was? A question whose figure seems to be is asked once
    more before that is believed."""
    verdicts = judged(answers, stored)
    again = list(dict.fromkeys(each.question for each in verdicts if each.regressed))
    if again:
        repeated, _ = await _ask(again, effort)
        verdicts = better_of(verdicts, judged(repeated, stored))
    lost = missing(answers, stored)
    print("\n" + "\n".join([*map(str, verdicts), *(f"MISSING      {name}" for name in lost)]))
    return not lost and not any(each.regressed for each in verdicts)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m loadtests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*QUESTIONS, []])
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures there")
    parser.add_argument("--store", type=Path, metavar="FILE", help="keep the ratios there")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="FILE",
        help="fail where a ratio is a quarter worse than it is there",
    )
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
        answers.append(await answered(name, QUESTIONS[name], effort))
    load["after"] = machine.load()
    about = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "took_s": round(time.monotonic() - began_s),
        "quick": effort.quick,
        "load": load,
        **machine.facts(),
    }
    return answers, about


async def answered(name: str, question: Question, effort: Effort) -> Answered:
    """Ask one question. What was measured before a failure stays."""
    figures: list[Figure] = []
    failure = None
    try:
        async with asyncio.timeout(QUESTION_TIMEOUT_S):
            async for figure in question(effort):
                figures.append(figure)
    except* Broken as broken:
        failure = _told(str(each) for each in leaves(broken))
    except* TimeoutError:
        failure = f"not answered within {QUESTION_TIMEOUT_S:.0f} s"
    except* Exception as error:
        # Ours or the product's: the other questions can be answered all the same.
        traceback.print_exception(error)
        failure = _told(repr(each) for each in leaves(error))
    return Answered(name, tuple(figures), failure)


def _told(sentences: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(sentences))  # many tasks, one reason


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
