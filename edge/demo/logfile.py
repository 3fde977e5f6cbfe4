"""The log's file: made late, so that a demo that cannot start leaves nothing behind."""

import io
import os
from pathlib import Path
from typing import Final, TextIO

from edge.embedded.layout import reason
from edge.running import CannotRun

LOG_BYTES_MAX: Final = 5_000_000
"""A longer log of earlier runs is begun anew."""


class LogFile(io.TextIOBase):
    """A stream to log to; what is written before `open_at` waits in memory."""

    def __init__(self) -> None:
        self._target: TextIO = io.StringIO()

    def open_at(self, path: Path) -> None:
        """Go on in this file, after what earlier runs wrote. Raises CannotRun."""
        waiting = self._target
        assert isinstance(waiting, io.StringIO), "opened once"
        try:
            is_long = path.exists() and path.stat().st_size > LOG_BYTES_MAX
            file = open(  # noqa: SIM115 - `close` closes it
                path, "w" if is_long else "a", encoding="utf-8", buffering=1, opener=_private
            )
        except OSError as error:
            raise CannotRun(f"{path} cannot be written: {reason(error)}.") from error
        file.write(waiting.getvalue())
        self._target = file

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        """Last words after `close` are lost, and nothing else is."""
        return len(text) if self.closed else self._target.write(text)

    def flush(self) -> None:
        if not self._target.closed:
            self._target.flush()

    def close(self) -> None:
        self._target.close()
        super().close()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
