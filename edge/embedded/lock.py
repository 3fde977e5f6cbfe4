"""Who runs the PostgreSQL of a data directory: one process at a time, by flock.

The kernel frees the lock with its holder, however it died. The file's text says who holds it and,
once PostgreSQL is ready, where to reach it. Must never be trusted without the lock being taken:
what is in a free file is history.
"""

import fcntl
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import orjson

from edge.embedded.layout import EmbeddedError, reason

Owner = Literal["serve", "command"]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock; `dsn` is None until PostgreSQL is ready."""

    pid: int
    owner: Owner
    dsn: str | None


class DataDirLock:
    """The lock of one data directory: try_acquire, announce, release."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def try_acquire(self, owner: Owner) -> bool:
        """Take it if it is free. Raises EmbeddedError when the file cannot be written."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return False
            self._descriptor = descriptor
            self._write(Holder(os.getpid(), owner, None))
        except OSError as error:
            self.release()
            raise EmbeddedError(
                f"The data directory {self._path.parent} may not be written: {reason(error)}."
            ) from None
        self._owner = owner
        return True

    def announce(self, dsn: str) -> None:
        """Tell others where PostgreSQL is. Only for the holder."""
        self._write(Holder(os.getpid(), self._owner, dsn))

    def holder(self) -> Holder | None:
        """Who holds it; None when that cannot be said at this moment."""
        try:
            holder = Holder(**orjson.loads(self._path.read_bytes()))
            os.kill(holder.pid, 0)
        except PermissionError:  # alive, under another account
            return holder
        except (OSError, ValueError, TypeError):  # gone, or in the middle of writing
            return None
        return holder

    def release(self) -> None:
        """Let the next one in. Harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, holder: Holder) -> None:
        assert self._descriptor is not None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, orjson.dumps(asdict(holder)), 0)
