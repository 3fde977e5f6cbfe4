"""Rules for any text file: no marks of unfinished work, nothing that only means something here."""

import re
from collections.abc import Iterator

from tests.tidy.tree import TextFile

FILE_BYTES_MAX = 500 * 1024

# Put together from pieces: this file is read by its own rules.
MARKS = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK")
MARK = re.compile(rf"\b({'|'.join(MARKS)})\b")

# Folders of one machine, and hosts that packages are fetched from: both change under our feet, and
# a hash or a name says what was meant without them.
FOLDERS = ("wo" + "rk", "fa" + "rm", "ro" + "ot", "Us" + "ers", "ho" + "me")
HOSTS = (
    "files.python" + "hosted",
    "py" + "pi.org",
    "registry.np" + "mjs",
    "registry.ya" + "rnpkg",
    "deb.deb" + "ian",
    "archive.ubu" + "ntu",
)
ELSEWHERE = re.compile(
    rf"(?<![\w.$}}*-])/(?:{'|'.join(FOLDERS)})/(?=[\w.])|{'|'.join(map(re.escape, HOSTS))}"
)


def marks_left(file: TextFile) -> Iterator[str]:
    """Work is finished or an issue says what is left; a mark in a file is neither."""
    yield from _found(MARK, file, "a mark of unfinished work")


def bound_to_a_place(file: TextFile) -> Iterator[str]:
    """Nothing names a folder of one machine or the host of a package index."""
    yield from _found(ELSEWHERE, file, "a machine's path or a package host")


def too_heavy(path: str, size: int) -> Iterator[str]:
    """A large file stays in every clone for ever."""
    if size > FILE_BYTES_MAX:
        yield f"{path}: {size} bytes, at most {FILE_BYTES_MAX}"


def _found(pattern: re.Pattern[str], file: TextFile, what: str) -> Iterator[str]:
    for number, line in enumerate(file.text.splitlines(), 1):
        if match := pattern.search(line):
            yield f"{file.path}:{number}: {what}: {match[0]}"
