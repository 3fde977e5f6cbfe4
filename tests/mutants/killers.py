"""What may catch a bug: the deterministic simulation, and chosen tests."""

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol

from tests.mutants.copies import Copy, Ran
from tests.mutants.mutant import Mutant

SIMULATE: Final = (sys.executable, "-m", "edge", "simulate")
SEEDS: Final = ("0-39", "40-399")
"""Most bugs that are seen at all are seen at once: the many are asked after the few."""
_A_PROMISE_BROKE: Final = re.compile(r"^\s*(seed \d+: .*)$", re.MULTILINE)
_NONE_BROKE: Final = re.compile(r"^0 failed;", re.MULTILINE)
_SIMULATE_S_MAX: Final = 180
_TESTS_S_MAX: Final = 240
_PYTEST: Final = (
    *(sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-rfE"),
    *("-o", "faulthandler_timeout=25"),
)
"""A single test that takes so long hangs; that ends the run (see pyproject.toml)."""
_A_TEST_HUNG: Final = "Timeout (0:00:25)!"
_PLUGINS: Final = (
    *("-p", "no:cacheprovider"),
    *("-p", "pytest_asyncio.plugin"),
    *("-p", "_hypothesis_pytestplugin"),
)
"""All that the engine's tests use; loading the others would take longer than most of them."""
_BROKEN_CALL: Final = frozenset({3, 4, 5})
"""pytest: an error of its own, a wrong command line, nothing collected."""
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


class Result(StrEnum):
    """What became of one killer's run."""

    PASSED = "passed"
    FAILED = "failed"
    HUNG = "hung"
    UNUSABLE = "unusable"
    """It could not judge: its command is wrong."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One run, and what it says."""

    killer: str
    result: Result
    by: str
    """What failed."""
    ran: Ran

    @property
    def caught(self) -> bool:
        return self.result in (Result.FAILED, Result.HUNG)


class Killer(Protocol):
    """Something that fails when the product is wrong."""

    name: str

    def exists(self, copy: Copy) -> bool:
        """Can it be run at all?"""

    def judge(self, copy: Copy, mutant: Mutant) -> Judged:
        """Run it on a copy with that bug in it."""

    def healthy(self, mutants: Iterable[Mutant]) -> Sequence[Sequence[str]]:
        """Commands that pass on a copy without a bug."""

    def read(self, ran: Ran) -> Judged:
        """What a run of one of its commands says."""


class Simulation:
    """Some hundred seeds of the small world, the same for every bug."""

    name = "simulation"

    def exists(self, copy: Copy) -> bool:
        return copy.run([*SIMULATE, "--help"], timeout_s=60).code == 0

    def judge(self, copy: Copy, mutant: Mutant) -> Judged:
        judged = [self.read(copy.run(_simulate(SEEDS[0]), _SIMULATE_S_MAX))]
        for seeds in SEEDS[1:]:
            if judged[-1].result is not Result.PASSED:
                break
            judged.append(self.read(copy.run(_simulate(seeds), _SIMULATE_S_MAX)))
        last = judged[-1]
        seconds = sum(each.ran.seconds for each in judged)
        return replace(last, ran=replace(last.ran, seconds=seconds))

    def healthy(self, mutants: Iterable[Mutant]) -> Sequence[Sequence[str]]:
        return [_simulate(seeds) for seeds in SEEDS]

    def read(self, ran: Ran) -> Judged:
        """A run in which nothing broke passes, even if too little happened in so few seeds."""
        if ran.code is None:
            result = Result.HUNG
        elif ran.code == 2:
            result = Result.UNUSABLE  # a wrong command line
        elif ran.code == 0 or _NONE_BROKE.search(ran.output):
            result = Result.PASSED
        else:
            result = Result.FAILED
        broken = _A_PROMISE_BROKE.search(ran.output)
        by = f"{self.name}, {broken[1]}" if broken else self.name
        return Judged(self.name, result, by, ran)


class ChosenTests:
    """The tests that a bug names."""

    name = "tests"

    def exists(self, copy: Copy) -> bool:
        return True

    def judge(self, copy: Copy, mutant: Mutant) -> Judged:
        return self.read(copy.run(_pytest(mutant.selection), _TESTS_S_MAX))

    def healthy(self, mutants: Iterable[Mutant]) -> Sequence[Sequence[str]]:
        """All tests that bugs name, each once: those of a folder together."""
        folders: dict[str, set[str]] = {}
        others: set[tuple[str, ...]] = set()
        for mutant in mutants:
            if any(argument.startswith("-") for argument in mutant.selection):
                others.add(mutant.selection)
                continue
            for path in mutant.selection:
                folders.setdefault(path.split("/")[1], set()).add(path)
        return [_pytest(sorted(paths)) for _, paths in sorted(folders.items())] + [
            _pytest(selection) for selection in sorted(others)
        ]

    def read(self, ran: Ran) -> Judged:
        if ran.code is None or _A_TEST_HUNG in ran.output:
            result = Result.HUNG
        elif ran.code in _BROKEN_CALL:
            result = Result.UNUSABLE
        else:
            result = Result.FAILED if ran.code else Result.PASSED
        failed = _FAILED.search(ran.output)
        return Judged(self.name, result, failed[1] if failed else self.name, ran)


def _simulate(seeds: str) -> list[str]:
    return [*SIMULATE, "--world", "small", "--seeds", seeds, "--workers", "1"]


def _pytest(selection: Sequence[str]) -> list[str]:
    return [*_PYTEST, *_PLUGINS, *selection]


KILLERS: Final[dict[str, Killer]] = {"simulation": Simulation(), "tests": ChosenTests()}
