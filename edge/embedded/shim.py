"""Becomes another program: a session of its own, another account, dead when its parent is.

Run as a script, `python -I -S shim.py PARENT SIGNAL UID GID PROGRAM ARGUMENT...`, by spawn.py. A
script between fork and exec, because each of these steps has to happen in the child and after the
one before: the kernel forgets the death signal when the account changes. Must never import
anything outside the standard library, and nothing after the account has changed: the new account
may not be able to read the interpreter's folders.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def become(parent: int, death_signal: int, uid: int, gid: int, program: list[str]) -> None:
    """Replace this process by `program`; `uid` -1 keeps the account. Returns never."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    os.setsid()
    os.umask(0o077)
    if uid != -1:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if libc is not None:
        libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel knew that we mind
        sys.exit("the parent process is gone")
    # Nothing of our environment: no PGDATA, no locale that this machine lacks, messages in English.
    os.execve(program[0], program, {"LC_ALL": "C", "PATH": os.defpath})


if __name__ == "__main__":
    try:
        PARENT, SIGNAL, UID, GID = map(int, sys.argv[1:5])
        become(PARENT, SIGNAL, UID, GID, sys.argv[5:])
    except OSError as error:
        sys.exit(f"{sys.argv[5]}: {error.strerror}")
