"""Under which account PostgreSQL runs, and what that account can reach.

PostgreSQL refuses to run as root. Must never change the mode of a folder that is not ours.
"""

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.embedded.layout import EmbeddedError, Layout

_WALK, _READ_AND_WALK = 0o1, 0o5


@dataclass(frozen=True, slots=True)
class Account:
    """Another account than our own."""

    uid: int
    gid: int
    name: str

    def may_reach(self, path: Path) -> bool:
        """Whether the mode bits let it walk to `path` and read or run it (no access lists)."""
        return self._may(path, _READ_AND_WALK) and all(
            self._may(parent, _WALK) for parent in path.parents
        )

    def _may(self, path: Path, wanted: int) -> bool:
        status = path.stat()
        whose = 6 if status.st_uid == self.uid else 3 if status.st_gid == self.gid else 0
        return (status.st_mode >> whose) & wanted == wanted


def account_for(layout: Layout) -> Account | None:
    """Who is to run PostgreSQL: None for ourselves; as root somebody else.

    As root: the owner of an existing database or of the data directory (so that they can run it
    themselves later), else `postgres`, else `nobody`. Raises EmbeddedError when nobody is left.
    """
    owners = [path.stat().st_uid for path in (layout.pgdata, layout.root) if path.exists()]
    if os.geteuid() != 0:
        _of_uid(os.geteuid())  # initdb wants a name
        if owners[0] != os.geteuid() and layout.pgdata.exists():
            raise EmbeddedError(
                f"The database in {layout.pgdata} belongs to the user {_of_uid(owners[0]).name}:"
                " run as that user or as root, or choose another --data-dir."
            )
        return None
    for uid in owners:
        if uid != 0:
            return _of_uid(uid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)
    raise EmbeddedError(
        "PostgreSQL does not run as root and there is no user `postgres` or `nobody`:"
        " run as a normal user or set HOTHOUR_DATABASE_URL."
    )


def _of_uid(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedError(
            f"The user id {uid} has no entry in /etc/passwd, which PostgreSQL needs:"
            " add one or set HOTHOUR_DATABASE_URL."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


@contextmanager
def within_reach(path: Path, account: Account | None) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The name by which `account` can open the folder `path`, and descriptors its child needs.

    A folder below one that the account may not walk through (root's home, say) is handed over as
    an open descriptor: the kernel follows /proc/self/fd without asking the folders above.
    """
    if account is None or account.may_reach(path):
        yield str(path), ()
        return
    if sys.platform != "linux":
        raise EmbeddedError(
            f"The user {account.name}, who has to run PostgreSQL for root, cannot reach {path}:"
            " choose another --data-dir or run as a normal user."
        )
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}", (descriptor,)
    finally:
        os.close(descriptor)
