"""Warnings of the server's log, told where somebody sees them: its file nobody reads."""

import logging
from collections.abc import Callable
from typing import Any

from edge.logs import mask


class Alarm(logging.Handler):
    """A log handler that tells one line for each warning; `tell` may change at any time."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        super().__init__(logging.WARNING)
        self.tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of one record, nothing personal in it."""
        said: Any = record.msg  # our own logger's records carry a whole event
        event = said.get("event", "") if isinstance(said, dict) else record.getMessage()
        masked = mask(None, "", {"event": str(event)})["event"]
        self.tell(str(masked).partition("\n")[0])
