"""Figures as one table for people, and as JSON for programs. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.bench.figures import Figure

HEAD = ("question", "figure", "median", "lowest", "highest", "rounds", "beside it", "ratio", "")
_LEFT = frozenset({0, 1, 6, 8})
"""Columns of words; the rest are numbers."""
INCONCLUSIVE = "INCONCLUSIVE"
FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Answered:
    """A question's name and what came of it: figures, or the sentence that it failed with."""

    question: str
    figures: tuple[Figure, ...] = ()
    failure: str | None = None


def number(value: float) -> str:
    """Three significant digits, at most; thousands apart."""
    size = abs(value)
    digits = 0 if size >= 100 or size == 0 else 1 if size >= 10 else 2 if size >= 1 else 3
    return f"{value:,.{digits}f}"


def table(answers: Iterable[Answered]) -> str:
    """One table, and under it the notes its last column points to."""
    notes: list[str] = []
    rows: list[tuple[str, ...]] = [HEAD]
    for answered in answers:
        name = answered.question
        for figure in answered.figures:
            rows.append((name, *_cells(figure), _mark(figure, notes)))
            name = ""
        if answered.failure is not None:
            mark = _noted("", answered.failure, notes)
            rows.append((name, FAILED, *[""] * 6, mark))
    lines = _aligned(rows)
    lines.insert(1, "-" * max(map(len, lines)))
    lines += ["", *notes] if notes else []
    return "\n".join(lines)


def _cells(figure: Figure) -> tuple[str, ...]:
    ratio = figure.ratio
    return (
        figure.name,
        f"{number(figure.median)} {figure.unit}",
        number(figure.low),
        number(figure.high),
        str(len(figure.samples)),
        "" if figure.beside is None else figure.beside.name,
        "" if ratio is None else f"{ratio:.2f}",
    )


def _mark(figure: Figure, notes: list[str]) -> str:
    mark = INCONCLUSIVE if figure.doubts else ""
    said = "; ".join((*figure.doubts, *filter(None, [figure.note])))
    return _noted(mark, said, notes)


def _noted(mark: str, said: str, notes: list[str]) -> str:
    if not said:
        return mark
    known = next((n for n, note in enumerate(notes, 1) if note == f"[{n}] {said}"), None)
    if known is None:
        known = len(notes) + 1
        notes.append(f"[{known}] {said}")
    return f"{mark} [{known}]".strip()


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return [
        "  ".join(
            cell.ljust(width) if column in _LEFT else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def as_json(answers: Iterable[Answered], about: Mapping[str, Any]) -> dict[str, Any]:
    """Everything, samples included."""
    return {
        **about,
        "questions": [
            {
                "question": answered.question,
                "failure": answered.failure,
                "figures": [_fields(figure) for figure in answered.figures],
            }
            for answered in answers
        ],
    }


def _fields(figure: Figure) -> dict[str, Any]:
    beside = figure.beside
    return {
        "name": figure.name,
        "unit": figure.unit,
        "median": figure.median,
        "lowest": figure.low,
        "highest": figure.high,
        "samples": list(figure.samples),
        "beside": None
        if beside is None
        else {"name": beside.name, "samples": list(beside.samples)},
        "ratio": figure.ratio,
        "note": figure.note,
        "doubts": list(figure.doubts),
    }
