"""What is in the repository: every file below the root that .gitignore does not name.

Asks no git, so the rules also hold in an unpacked archive, and for files not yet committed.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pathspec import GitIgnoreSpec

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class TextFile:
    """One file of the repository: its path from the root, with slashes, and its text."""

    path: str
    text: str


def walk(root: Path) -> Iterator[Path]:
    """Every file that belongs to the repository at `root`, as a path relative to it."""
    ignored = GitIgnoreSpec.from_lines((root / ".gitignore").read_text("utf-8").splitlines())
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root)
        folders[:] = sorted(
            name
            for name in folders
            if name != ".git" and not ignored.match_file(f"{(here / name).as_posix()}/")
        )
        for name in sorted(names):
            if not ignored.match_file((here / name).as_posix()):
                yield here / name


@cache
def sizes() -> dict[str, int]:
    """The size of every file, in bytes."""
    return {path.as_posix(): (ROOT / path).lstat().st_size for path in walk(ROOT)}


@cache
def texts() -> tuple[TextFile, ...]:
    """Every file that is text: no NUL byte in it, and UTF-8."""
    found = []
    for path in sizes():
        content = (ROOT / path).read_bytes()
        if b"\0" not in content:
            found.append(TextFile(path, content.decode("utf-8")))
    return tuple(found)


def python(*folders: str) -> list[TextFile]:
    """Every Python file, or those below `folders` only."""
    prefixes = tuple(f"{folder}/" for folder in folders) or ("",)
    return [
        file for file in texts() if file.path.endswith(".py") and file.path.startswith(prefixes)
    ]


def text_of(path: str) -> str:
    """The text of one file, empty while there is none."""
    return next((file.text for file in texts() if file.path == path), "")
