"""A copy of the tree that a bug may be put into, and commands that run in it.

The original is never touched. A command must not reach it either: the package is installed in
place, so the copy stands before it on the path, and `imports_from` proves that it does.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path
from typing import Final

from tests.mutants.mutant import Mutant
from tests.tidy.tree import walk

_COPIED: Final = frozenset({"engine", "edge", "tests", "schema.sql", "pyproject.toml"})
_LEFT_OUT: Final = ("edge/web/",)
_LAST_LINES: Final = 30


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended. `code` is None when it had to be ended: it hung."""

    code: int | None
    output: str
    seconds: float


class Copy:
    """One folder with all that tests and simulation need."""

    def __init__(self, root: Path, folder: Path, *, on_path: bool = True) -> None:
        """`on_path`: commands import from here. (mutmut makes a copy of its own, to be imported
        instead.)"""
        self.folder = folder
        self._on_path = on_path
        self._running: subprocess.Popen[str] | None = None
        for path in walk(root):
            name = path.as_posix()
            if path.parts[0] in _COPIED and not name.startswith(_LEFT_OUT):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / path, folder / path)

    @contextmanager
    def with_bug(self, mutant: Mutant) -> Iterator[None]:
        """The bug is in the copy for as long as this lasts. Raises DoesNotApply."""
        target = self.folder / mutant.file
        before = target.read_text("utf-8")
        self._write(target, mutant.applied_to(before))
        try:
            yield
        finally:
            self._write(target, before)

    def run(self, command: Sequence[str], timeout_s: float) -> Ran:
        """Run a command here. What hangs is killed, with all it has started."""
        started = time.monotonic()
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            self._running = process
            code: int | None = None
            try:
                output, _ = process.communicate(timeout=timeout_s)
                code = process.returncode
            except subprocess.TimeoutExpired:
                _kill(process)
                output, _ = process.communicate()
            finally:
                _kill(process)
                self._running = None
        return Ran(code, output, time.monotonic() - started)

    def stop(self) -> None:
        """End what runs here, from another thread."""
        if (running := self._running) is not None:
            _kill(running)

    def imports_from(self) -> set[Path]:
        """The folders that a command here imports the product from."""
        asked = "import edge, engine; print(edge.__path__[0], engine.__path__[0], sep='\\n')"
        ran = self.run([sys.executable, "-c", asked], timeout_s=60)
        return {Path(line).parent for line in ran.output.splitlines()}

    def _environment(self) -> dict[str, str]:
        # CI: hypothesis then tries the same examples each time, so a verdict can be repeated.
        return {
            **os.environ,
            **({"PYTHONPATH": str(self.folder)} if self._on_path else {}),
            "CI": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }

    @staticmethod
    def _write(target: Path, text: str) -> None:
        target.write_text(text, "utf-8")
        # A change of equal length within a second would not be noticed by the compiled file.
        Path(cache_from_source(str(target))).unlink(missing_ok=True)


def last_lines(output: str) -> str:
    """Enough of an output to see what went wrong."""
    return "\n".join(output.splitlines()[-_LAST_LINES:])


def _kill(process: "subprocess.Popen[str]") -> None:
    """End the group it leads, whatever of it is left."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
