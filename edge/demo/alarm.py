"""Warnings of the server's log, told where somebody sees them: its file nobody reads."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from edge.logs import mask

QUIET_S: Final = 30.0
"""What was told is not told again for so long: a database that is away warns twice a second."""
REMEMBERED_MAX: Final = 100


class Alarm(logging.Handler):
    """A log handler that tells one line for each warning, and the same one only so often."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell
        self._told_at_s: dict[str, float] = {}

    @contextmanager
    def told_by(self, tell: Callable[[str], object]) -> Iterator[None]:
        """For a while another one tells."""
        before, self._tell = self._tell, tell
        try:
            yield
        finally:
            self._tell = before

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of one record, nothing personal in it."""
        said: Any = record.msg  # our own logger's records carry a whole event
        event = said.get("event", "") if isinstance(said, dict) else record.getMessage()
        masked = mask(None, "", {"event": str(event)})["event"]
        line = str(masked).partition("\n")[0]
        if record.created - self._told_at_s.get(line, -QUIET_S) >= QUIET_S:
            if len(self._told_at_s) >= REMEMBERED_MAX:
                self._told_at_s.clear()
            self._told_at_s[line] = record.created
            self._tell(line)
