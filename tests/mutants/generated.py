"""Bugs made by a machine: mutmut changes every line of engine/domain, and its tests judge.

`python -m tests.mutants.generated [MODULE ...]`, for instance `pricing ledger`; all without a name.
Runs in a copy of the tree, with a configuration of its own. What survives is shown as a diff: it is
a missing test, or a change that makes no difference (the words of an assertion, a bound that cannot
be reached). Exits with 1 when a smaller share than `--at-least` is killed.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutants.copies import Copy, last_lines
from tests.mutants.run import ALL_CAUGHT, INCONCLUSIVE, SURVIVORS, say
from tests.tidy.tree import ROOT

_MUTMUT: Final = (sys.executable, "-m", "mutmut")
_TOLD: Final = Path("mutants/mutmut-cicd-stats.json")
_SURVIVOR: Final = re.compile(r"^\s*(\S+): survived$", re.MULTILINE)
_SHOWN_S_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Sums:
    """What became of all changes. Those that hang count as killed."""

    made: int
    killed: int
    survived: int
    hung: int
    untested: int

    @property
    def judged(self) -> int:
        return self.killed + self.hung + self.survived + self.untested

    @property
    def percent(self) -> float:
        """The share of the judged that did not survive."""
        return 100 * (self.killed + self.hung) / self.judged if self.judged else 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; answers with the exit code."""
    asked = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="hothour-mutmut-") as folder:
        copy = Copy(ROOT, Path(folder) / "tree", on_path=False)
        (copy.folder / "setup.cfg").write_text(settings(asked.modules), "utf-8")
        command = [*_MUTMUT, "run", "--max-children", str(asked.workers)]
        ran = copy.run(command, asked.minutes * 60)
        copy.run([*_MUTMUT, "export-cicd-stats"], _SHOWN_S_MAX)
        told = copy.folder / _TOLD
        found = sums(told.read_text("utf-8")) if told.exists() else None
        if found is None or not found.judged:
            say(f"INCONCLUSIVE: nothing was judged\n{last_lines(ran.output)}")
            return INCONCLUSIVE
        for diff in survivors(copy):
            say(diff)
    if ran.code is None:
        say(f"Time was up: {found.made - found.judged} of {found.made} were not judged.")
    say(
        f"{found.made} changes: {found.killed} killed, {found.hung} hung, {found.survived}"
        f" survived, {found.untested} in code no test runs ({found.percent:.1f} % caught)."
    )
    return ALL_CAUGHT if found.percent >= asked.at_least else SURVIVORS


def settings(modules: Sequence[str]) -> str:
    """mutmut's configuration."""
    changed = [f"    engine/domain/{module}.py" for module in modules] or ["    engine/domain/*"]
    return "\n".join(
        (
            "[mutmut]",
            "source_paths = engine",
            "only_mutate =",
            *changed,
            "also_copy =",
            "    edge",
            "    schema.sql",
            "pytest_add_cli_args_test_selection = tests/domain",
            "pytest_add_cli_args =",
            *("    -p", "    pytest_asyncio.plugin", "    -p", "    _hypothesis_pytestplugin"),
            "",
        )
    )


def sums(text: str) -> Sums:
    """Read what mutmut exports."""
    told: dict[str, int] = json.loads(text)
    return Sums(
        made=told["total"],
        killed=told["killed"] + told["segfault"],
        survived=told["survived"] + told["suspicious"],
        hung=told["timeout"],
        untested=told["no_tests"],
    )


def survivors(copy: Copy) -> list[str]:
    """What each survivor changes."""
    listed = copy.run([*_MUTMUT, "results"], _SHOWN_S_MAX).output
    diffs = []
    for name in _SURVIVOR.findall(listed):
        shown = copy.run([*_MUTMUT, "show", name], _SHOWN_S_MAX).output
        lines = [
            line
            for line in shown.splitlines()
            if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
        ]
        diffs.append("\n".join((name, *lines)))
    return diffs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.generated", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="of engine/domain")
    parser.add_argument("--at-least", type=float, default=90.0, help="percent to be killed")
    parser.add_argument("--minutes", type=float, default=60.0, help="end it after so long")
    parser.add_argument("--workers", type=int, default=2, choices=(1, 2))
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
