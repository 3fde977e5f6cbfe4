"""What stands between fork and exec: session, account, environment, a living parent."""

import os
import subprocess
import sys
from pathlib import Path

import edge.embedded.shim
from edge.embedded.account import Account
from tests.edge.embedded.processes import needs_root, nobody

SHIM = edge.embedded.shim.__file__
ENV = "/usr/bin/env"
SHELL = "/bin/sh"


def run(
    *program: str, parent: int | None = None, account: Account | None = None
) -> tuple[int, str]:
    """Its exit status, and all it said."""
    uid, gid = (account.uid, account.gid) if account else (-1, -1)
    words = (parent or os.getpid(), 15, uid, gid, *program)
    finished = subprocess.run(
        [sys.executable, "-I", "-S", SHIM, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        extra_groups=[0, 4] if account else None,
    )
    return finished.returncode, finished.stdout.strip()


def test_the_program_gets_an_environment_of_its_own() -> None:
    _, said = run(ENV)
    assert sorted(said.splitlines()) == ["LC_ALL=C", f"PATH={os.defpath}"]


def test_the_program_leads_a_session_and_makes_private_files() -> None:
    _, said = run(SHELL, "-c", 'echo $$; cut -d" " -f6 /proc/$$/stat || ps -o sess= -p $$; umask')
    pid, session, umask = said.split()
    assert session == pid
    assert umask == "0077"


@needs_root
def test_the_program_runs_as_the_account_and_in_no_other_group() -> None:
    _, said = run(SHELL, "-c", "id -u; id -G", account=nobody())
    assert said.split() == [str(nobody().uid), str(nobody().gid)]


def test_without_its_parent_the_program_does_not_start(tmp_path: Path) -> None:
    status, said = run("/bin/touch", str(tmp_path / "made"), parent=1)
    assert status != 0
    assert said == "the parent process is gone"
    assert not (tmp_path / "made").exists()


def test_a_program_that_is_not_there_is_named() -> None:
    status, said = run("/no/such/program")
    assert status != 0
    assert said == "/no/such/program: No such file or directory"
