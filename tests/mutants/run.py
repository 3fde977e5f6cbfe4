"""Puts one hand-made bug after another into a copy of the tree and looks who notices.

The simulation goes first, since it is asked of every bug whether the simulation alone sees it; the
tests judge what it lets pass. Without a bug all of them must pass, or the whole run says nothing:
INCONCLUSIVE. A bug that nobody notices is a missing test.
"""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from tests.mutants.bench import Bench, Inconclusive, Verdict, bench
from tests.mutants.catalogue import CATALOGUE
from tests.mutants.killers import KILLERS, Killer
from tests.mutants.mutant import Mutant

ALL_CAUGHT: Final = 0
SURVIVORS: Final = 1
INCONCLUSIVE: Final = 2

Say = Callable[[str], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; answers with the exit code."""
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end like Ctrl-C: nothing is left
    mutants = chosen(asked.only)
    if not mutants:
        say(f"INCONCLUSIVE: no bug is named like {asked.only}")
        return INCONCLUSIVE
    verdicts: list[Verdict] = []
    try:
        with bench(min(asked.workers, len(mutants))) as made:
            code = run(made, asked.killers.split(","), mutants, verdicts)
    except Inconclusive as why:
        say(f"INCONCLUSIVE: {why}")
        code = INCONCLUSIVE
    except KeyboardInterrupt:
        say(f"INCONCLUSIVE: ended after {len(verdicts)} of {len(mutants)}")
        code = INCONCLUSIVE
    if asked.json is not None:
        asked.json.write_text(json.dumps([fields(each) for each in verdicts], indent=1), "utf-8")
    return code


def run(
    made: Bench, names: Sequence[str], mutants: Sequence[Mutant], verdicts: list[Verdict]
) -> int:
    """Judge these bugs; `verdicts` receives each. Raises Inconclusive."""
    killers = [killer for killer in _killers(names) if _exists(killer, made)]
    if not killers:
        raise Inconclusive("nobody is there to notice anything")
    made.prove_health(killers, mutants)
    say(f"Without a bug all pass: {', '.join(killer.name for killer in killers)}.")
    for verdict in made.verdicts(killers, mutants):
        verdicts.append(verdict)
        say(f"{len(verdicts):4}/{len(mutants)} {line(verdict)}")
    for sentence in summary(verdicts):
        say(sentence)
    return ALL_CAUGHT if all(verdict.catcher for verdict in verdicts) else SURVIVORS


def chosen(only: Sequence[str]) -> list[Mutant]:
    """Bugs of which the name or the file holds one of these texts; all if there are none."""
    wanted = [text.lower() for text in only]
    return [
        mutant
        for mutant in CATALOGUE
        if not wanted or any(text in f"{mutant.name} {mutant.file}".lower() for text in wanted)
    ]


def line(verdict: Verdict) -> str:
    """One row of the table."""
    mutant, catcher = verdict.mutant, verdict.catcher
    what = "SURVIVED" if catcher is None else "hung" if verdict.hung else "caught"
    by = mutant.file if catcher is None else catcher.by
    return f"{what:8} {mutant.breaks.short:8} {verdict.seconds:5.1f} s  {mutant.name}  [{by}]"


def fields(verdict: Verdict) -> dict[str, object]:
    """One row, for a machine to read."""
    mutant, catcher = verdict.mutant, verdict.catcher
    return {
        "name": mutant.name,
        "file": mutant.file,
        "breaks": mutant.breaks.short,
        "caught_by": None if catcher is None else catcher.by,
        "hung": verdict.hung,
        "simulation_expected": mutant.simulated,
        "simulation": verdict.by("simulation"),
        "tests": verdict.by("tests"),
        "seconds": round(verdict.seconds, 1),
    }


def summary(verdicts: Sequence[Verdict]) -> Iterable[str]:
    """The sums, what the simulation should have seen, and who survived."""
    caught = [verdict for verdict in verdicts if verdict.catcher]
    hung = sum(verdict.hung for verdict in verdicts)
    yield f"{len(caught)} of {len(verdicts)} bugs caught, {hung} of them by a run that hung."
    simulated = [verdict for verdict in verdicts if verdict.by("simulation") is not None]
    if simulated:
        seen = sum(verdict.by("simulation") is True for verdict in simulated)
        yield f"The simulation alone caught {seen} of {len(simulated)}."
        for verdict in simulated:
            if verdict.mutant.simulated and not verdict.by("simulation"):
                yield f"  the simulation should see it: {verdict.mutant.name}"
    for verdict in verdicts:
        if not verdict.catcher:
            yield f"  SURVIVED: {verdict.mutant.name} ({verdict.mutant.file})"


def say(text: str) -> None:
    """To whoever waits for it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _killers(names: Sequence[str]) -> list[Killer]:
    unknown = set(names) - set(KILLERS)
    if unknown:
        raise Inconclusive(f"there is no killer called {', '.join(sorted(unknown))}")
    return [killer for name, killer in KILLERS.items() if name in names]


def _exists(killer: Killer, made: Bench) -> bool:
    exists = killer.exists(made.copies[0])
    if not exists:
        say(f"{killer.name}: there is no such command yet; it is not asked.")
    return exists


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="part of a name or of a file")
    parser.add_argument("--killers", default=",".join(KILLERS), help="simulation,tests")
    parser.add_argument("--json", type=Path, help="write the verdicts to this file")
    parser.add_argument("--workers", type=int, default=2, choices=(1, 2))
    return parser
