"""What a question answers with: figures, each with its rounds and what stands beside it.

Pure. A figure is the median of its rounds; a ratio is taken round by round, so that what slows the
machine down for a moment slows both sides.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any, TypeVar

T = TypeVar("T")


class Broken(Exception):
    """The product did not do what it promises, so there is nothing to measure; one sentence."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to do."""

    quick: bool = False

    def of(self, whole: T, quick: T) -> T:
        """One of the two."""
        return quick if self.quick else whole


@dataclass(frozen=True, slots=True)
class Beside:
    """What a figure is compared with, in the same unit and in the same run."""

    name: str
    samples: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row. `samples`: one a round, in order; at least one."""

    name: str
    unit: str
    samples: tuple[float, ...]
    beside: Beside | None = None
    note: str = ""
    doubts: tuple[str, ...] = ()
    """Why the figure does not count, if it does not."""

    @property
    def median(self) -> float:
        return median(self.samples)

    @property
    def low(self) -> float:
        return min(self.samples)

    @property
    def high(self) -> float:
        return max(self.samples)

    @property
    def ratio(self) -> float | None:
        """This to that beside it: the median of the rounds' ratios where rounds can be paired.
        None where nothing, or a zero, is beside it."""
        if self.beside is None or not all(self.beside.samples):
            return None
        other = self.beside.samples
        if len(other) == len(self.samples):
            return median(mine / its for mine, its in zip(self.samples, other, strict=True))
        return self.median / median(other)


def quantile(samples: Iterable[float], share: float) -> float:
    """The smallest sample that at least `share` of them do not exceed (nearest rank)."""
    ranked = sorted(samples)
    # Rounded first: 0.99 * 100 is a little more than 99.
    return ranked[max(0, ceil(round(share * len(ranked), 9)) - 1)]


def quantiles(rounds: Sequence[Sequence[float]], share: float) -> tuple[float, ...]:
    """That quantile of each round."""
    return tuple(quantile(samples, share) for samples in rounds)


def doubts(found: Iterable[str | None]) -> tuple[str, ...]:
    """The reasons that are reasons, each once."""
    return tuple(dict.fromkeys(reason for reason in found if reason))


def leaves(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    """The exceptions that the groups in a group hold in the end."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error
