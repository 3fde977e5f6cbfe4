"""The private folder of the unix socket: owned by who runs PostgreSQL, closed to everybody else."""

import hashlib
import os
import re
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

from edge.embedded.account import Account
from edge.embedded.layout import EmbeddedError, Layout, reason

PORT = 5432
_SOCKET = f".s.PGSQL.{PORT}"
_PATH_BYTES_MAX = 103  # a socket's path holds 107 bytes on Linux, 103 on macOS
_PLAIN = re.compile(r"[A-Za-z0-9_./+-]+")  # what needs no quoting in a setting and in a DSN


def open_socket_folder(layout: Layout, account: Account | None) -> Path:
    """Make the folder, or empty it of what an earlier run left; the caller holds the lock.

    It lies in the data directory, or in the temporary one where that path would be too long, hold
    odd characters or be out of the account's reach. Raises EmbeddedError when it is not ours.
    """
    mark = hashlib.sha256(os.fsencode(layout.root)).hexdigest()[:12]
    temporary = dict.fromkeys((Path(tempfile.gettempdir()).resolve(), Path("/tmp").resolve()))
    for folder in (layout.sockets, *(path / f"hothour-{mark}" for path in temporary)):
        if _fits(folder, account):
            _make_private(folder, account)
            return folder
    raise EmbeddedError(
        f"The data directory {layout.root} has too long a path for a socket and so has the"
        " temporary directory: choose another with --data-dir."
    )


def dsn_of(folder: Path, *, user: str, database: str) -> str:
    """How to reach the PostgreSQL that hears in `folder`."""
    return f"postgresql://{user}@/{database}?host={quote(str(folder), safe='/')}&port={PORT}"


def _fits(folder: Path, account: Account | None) -> bool:
    path = folder / _SOCKET
    return (
        len(os.fsencode(path)) <= _PATH_BYTES_MAX
        and _PLAIN.fullmatch(str(path)) is not None
        and (account is None or account.may_reach(folder.parent))
    )


def _make_private(folder: Path, account: Account | None) -> None:
    uid, gid = (os.geteuid(), os.getegid()) if account is None else (account.uid, account.gid)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {uid, os.geteuid()}:
            raise EmbeddedError(f"{folder} belongs to somebody else: remove it.")
        if account is not None:
            os.chown(folder, uid, gid, follow_symlinks=False)
        folder.chmod(0o700)
        for left in folder.glob(f"{_SOCKET}*"):
            left.unlink()
    except OSError as error:
        raise EmbeddedError(
            f"The socket folder {folder} cannot be made: {reason(error)}."
        ) from None
