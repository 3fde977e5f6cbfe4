"""Copies of the tree, each used by one run at a time, and what became of the bugs put into them."""

import queue
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from tests.mutants.copies import Copy, last_lines
from tests.mutants.killers import Judged, Killer, Result
from tests.mutants.mutant import DoesNotApply, Mutant
from tests.tidy.tree import ROOT

HEALTH_S_MAX: Final = 600

T = TypeVar("T")


class Inconclusive(Exception):
    """This run proves nothing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one bug: the runs until one noticed it, in order."""

    mutant: Mutant
    judged: tuple[Judged, ...]

    @property
    def catcher(self) -> Judged | None:
        return next((each for each in self.judged if each.caught), None)

    @property
    def hung(self) -> bool:
        return self.catcher is not None and self.catcher.result is Result.HUNG

    @property
    def seconds(self) -> float:
        return sum(each.ran.seconds for each in self.judged)

    def by(self, killer: str) -> bool | None:
        """Did this killer notice it? None: it was not asked."""
        return next((each.caught for each in self.judged if each.killer == killer), None)


class Bench:
    """Work on a few copies at once."""

    def __init__(self, copies: Sequence[Copy]) -> None:
        self.copies = copies
        self._free: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for copy in copies:
            self._free.put(copy)
        self._threads = ThreadPoolExecutor(len(copies))

    def close(self) -> None:
        """Begin nothing more, and end what runs."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for copy in self.copies:
            copy.stop()
        self._threads.shutdown()

    def prove_health(self, killers: Iterable[Killer], mutants: Iterable[Mutant]) -> None:
        """Every bug applies, and without one every killer passes. Raises Inconclusive."""
        asked = list(mutants)
        for copy in self.copies:
            if copy.imports_from() != {copy.folder}:
                raise Inconclusive(f"{copy.folder} is not what commands in it import")
        for mutant in asked:
            try:
                mutant.applied_in(self.copies[0].folder)
            except (DoesNotApply, SyntaxError) as error:
                raise Inconclusive(str(error)) from error
        work = [
            partial(_health, killer, command)
            for killer in killers
            for command in killer.healthy(asked)
        ]
        for judged in self._each(work):
            if judged.result is not Result.PASSED:
                said = f"{judged.killer}: {judged.by} {judged.result.value} without any bug"
                raise Inconclusive(f"{said}\n{last_lines(judged.ran.output)}")

    def verdicts(self, killers: Sequence[Killer], mutants: Iterable[Mutant]) -> Iterator[Verdict]:
        """Each as soon as it is known. Raises Inconclusive."""
        yield from self._each([partial(_judge, killers, mutant) for mutant in mutants])

    def _each(self, work: Iterable[Callable[[Copy], T]]) -> Iterator[T]:
        for run in as_completed([self._threads.submit(self._on_a_copy, each) for each in work]):
            yield run.result()

    def _on_a_copy(self, work: Callable[[Copy], T]) -> T:
        copy = self._free.get()
        try:
            return work(copy)
        finally:
            self._free.put(copy)


@contextmanager
def bench(workers: int, root: Path = ROOT) -> Iterator[Bench]:
    """Copies of the tree at `root`, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="hothour-mutants-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's own user walks through here
        made = Bench([Copy(root, Path(folder) / str(n)) for n in range(workers)])
        try:
            yield made
        finally:
            made.close()


def _health(killer: Killer, command: Sequence[str], copy: Copy) -> Judged:
    return killer.read(copy.run(command, HEALTH_S_MAX))


def _judge(killers: Sequence[Killer], mutant: Mutant, copy: Copy) -> Verdict:
    """Ask one killer after another until one has noticed."""
    judged: list[Judged] = []
    with copy.with_bug(mutant):
        for killer in killers:
            each = killer.judge(copy, mutant)
            if each.result is Result.UNUSABLE:
                raise Inconclusive(f"{mutant.name}: {last_lines(each.ran.output)}")
            judged.append(each)
            if each.caught:
                break
    return Verdict(mutant, tuple(judged))
