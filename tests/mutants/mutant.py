"""What a hand-made bug is: one small change to one file, and the promise that it breaks."""

import ast
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath


class Promise(StrEnum):
    """What users may rely on (docs/promises.md)."""

    P1 = "P1 no oversell, and not one seat less"
    P2 = "P2 an answer is for ever"
    P3 = "P3 no ghost"
    P4 = "P4 honest price"
    P5 = "P5 once a key"
    P6 = "P6 one story on the wire"
    P7 = "P7 bounded"
    P8 = "P8 PostgreSQL alone judges"
    LIVE = "liveness: every ask is answered"

    @property
    def short(self) -> str:
        return self.value.split()[0].rstrip(":")


class DoesNotApply(Exception):
    """The code has moved on: the text to change is not there, or not just once."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` stands exactly once in `file` and becomes `new`."""

    name: str
    """A sentence: what goes wrong."""
    file: str
    old: str
    new: str
    breaks: Promise
    tests: tuple[str, ...] = ()
    """What pytest is told to run; empty: the file's mirror tests."""
    simulated: bool = True
    """Should the simulation see it? False: that part is not in it (PostgreSQL, memory bounds), or
    nothing a guest could notice comes of it."""

    @property
    def selection(self) -> tuple[str, ...]:
        """Arguments for pytest."""
        return self.tests or (mirror(self.file),)

    def applied_to(self, text: str) -> str:
        """The file's text with the bug in it. Raises DoesNotApply."""
        found = text.count(self.old)
        if found != 1:
            raise DoesNotApply(f"{self.name!r}: found {found} times in {self.file}:\n{self.old}")
        changed = text.replace(self.old, self.new)
        if ast.dump(ast.parse(changed)) == ast.dump(ast.parse(text)):
            raise DoesNotApply(f"{self.name!r} changes nothing in {self.file}")
        return changed

    def applied_in(self, root: Path) -> str:
        """As `applied_to`, for a tree."""
        return self.applied_to((root / self.file).read_text("utf-8"))


def mirror(file: str) -> str:
    """The test file of a module: engine/x.py has tests/engine/test_x.py."""
    path = PurePosixPath(file)
    folder = "domain" if path.parent == PurePosixPath("engine/domain") else "engine"
    return f"tests/{folder}/test_{path.name}"
