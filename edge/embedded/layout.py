"""Where the files of a data directory lie, and the error for what cannot be done with them.

Makes the folder, never what is inside it.
"""

import os
from dataclasses import dataclass
from pathlib import Path


class EmbeddedError(Exception):
    """PostgreSQL or its data directory cannot be used; `str()` is one sentence saying why."""


def reason(error: OSError) -> str:
    """What the operating system said, without its numbers and paths."""
    return (error.strerror or str(error)).lower()


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one data directory; `root` is absolute and free of symbolic links."""

    root: Path

    @property
    def pgdata(self) -> Path:
        """PostgreSQL's own folder."""
        return self.root / "postgres"

    @property
    def unborn(self) -> Path:
        """Where `pgdata` is made: it gets its name only when it is whole."""
        return self.root / "postgres.new"

    @property
    def lock(self) -> Path:
        """The lock that says who runs PostgreSQL."""
        return self.root / "postgres.lock"

    @property
    def log(self) -> Path:
        """What PostgreSQL says."""
        return self.root / "postgres.log"

    @property
    def sockets(self) -> Path:
        """The private folder of the unix socket, where its path is short enough."""
        return self.root / "run"


def open_layout(data_dir: Path) -> Layout:
    """Make the folder if need be.

    Raises EmbeddedError when it is not a folder or may not be written.
    """
    try:
        root = data_dir.expanduser().resolve()
        # As root another account runs PostgreSQL and has to walk through here.
        root.mkdir(mode=0o755 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise EmbeddedError(
            f"The data directory {data_dir} is not a directory: choose another with --data-dir."
        ) from None
    except OSError as error:
        raise EmbeddedError(
            f"The data directory {data_dir} cannot be made: {reason(error)}."
        ) from None
    if not os.access(root, os.R_OK | os.W_OK | os.X_OK):
        raise EmbeddedError(
            f"The data directory {root} may not be written by this user:"
            " change its owner or choose another with --data-dir."
        )
    return Layout(root)
