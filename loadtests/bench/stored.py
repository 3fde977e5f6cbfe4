"""Ratios as they were once measured, and what has become worse since. Pure.

Figures of two machines, or of two hours of one, cannot be compared; ratios taken side by side in
one run can, within bounds. A figure that the run itself calls doubtful is not judged.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from loadtests.bench.figures import Figure
from loadtests.bench.table import Answered

WORSE_MAX: Final = 1.25
"""A ratio that is worse than the stored one by more than this factor is a regression."""
_PER_SECOND: Final = "/s"
_OURS: Final = "HotHour"
"""What stands beside a figure of somebody else."""

Ratios = Mapping[str, float]
"""Figure, with its question, to its ratio."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure whose ratio is stored. `factor`: how much worse it is now; below 1 it is better."""

    name: str
    question: str
    stored: float
    now: float
    factor: float
    doubtful: bool

    @property
    def regressed(self) -> bool:
        return not self.doubtful and self.factor > WORSE_MAX

    def __str__(self) -> str:
        said = f"{self.name}: {self.now:.2f}, stored {self.stored:.2f}"
        if self.doubtful:
            return f"not judged   {said}"
        verdict = "REGRESSION" if self.regressed else "held"
        return f"{verdict:<12} {said} ({self.factor:.2f} times as bad, {WORSE_MAX} allowed)"


def ratios_of(answers: Iterable[Answered]) -> dict[str, float]:
    """What to store of a run."""
    return {
        _name(answered.question, figure): round(figure.ratio, 3)
        for answered in answers
        for figure in answered.figures
        if figure.ratio and not figure.doubts
    }


def judged(answers: Iterable[Answered], stored: Ratios) -> list[Judged]:
    """Every figure of the run that has a stored ratio."""
    return [
        Judged(
            name,
            answered.question,
            stored[name],
            figure.ratio,
            worse_by(figure, stored[name]),
            bool(figure.doubts),
        )
        for answered in answers
        for figure in answered.figures
        if (name := _name(answered.question, figure)) in stored and figure.ratio
    ]


def worse_by(figure: Figure, stored: float) -> float:
    """The factor by which the figure's ratio is worse than the stored one."""
    assert figure.ratio, "only a figure with a ratio is compared"
    assert figure.beside is not None, "it has a ratio"
    theirs = figure.beside.name.startswith(_OURS)
    more_is_better = (figure.unit == _PER_SECOND) != theirs
    return stored / figure.ratio if more_is_better else figure.ratio / stored


def missing(answers: Iterable[Answered], stored: Ratios) -> list[str]:
    """Stored ratios of questions that were asked, and whose figures did not come."""
    answers = list(answers)
    came = {_name(each.question, figure) for each in answers for figure in each.figures}
    asked = {each.question for each in answers}
    return [name for name in stored if name.partition(": ")[0] in asked and name not in came]


def better_of(first: Iterable[Judged], second: Iterable[Judged]) -> list[Judged]:
    """Of two runs, each figure as it was measured better: what is slow by chance is slow once."""
    best: dict[str, Judged] = {}
    for each in (*first, *second):
        known = best.get(each.name)
        if known is None or (each.doubtful, each.factor) < (known.doubtful, known.factor):
            best[each.name] = each
    return list(best.values())


def _name(question: str, figure: Figure) -> str:
    beside = "" if figure.beside is None else f" / {figure.beside.name}"
    return f"{question}: {figure.name}{beside}"
