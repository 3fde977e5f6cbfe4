"""Who runs PostgreSQL, what that account can reach, and how it gets what it cannot."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.embedded.account import Account, account_for, within_reach
from edge.embedded.layout import EmbeddedError, Layout
from tests.edge.embedded.processes import needs_linux, needs_root, nobody

STRANGER = Account(54321, 54321, "stranger")


@pytest.mark.skipif(os.geteuid() == 0, reason="for normal users")
def test_a_normal_user_runs_it_itself(open_dir: Path) -> None:
    assert account_for(Layout(open_dir)) is None


@needs_root
def test_root_takes_a_user_that_exists(open_dir: Path) -> None:
    account = account_for(Layout(open_dir))
    assert account is not None
    assert account.name in {"postgres", "nobody"}
    assert account.uid == pwd.getpwnam(account.name).pw_uid != 0


@needs_root
def test_root_takes_the_owner_of_the_folder_and_rather_that_of_the_database(open_dir: Path) -> None:
    os.chown(open_dir, nobody().uid, nobody().gid)
    assert account_for(Layout(open_dir)) == nobody()
    (open_dir / "postgres").mkdir()
    owner = pwd.getpwnam("daemon")
    os.chown(open_dir / "postgres", owner.pw_uid, owner.pw_gid)
    account = account_for(Layout(open_dir))
    assert account is not None
    assert account.name == "daemon"


@needs_root
def test_an_owner_without_a_name_is_refused(open_dir: Path) -> None:
    os.chown(open_dir, STRANGER.uid, STRANGER.gid)
    with pytest.raises(EmbeddedError, match="54321 has no entry in /etc/passwd"):
        account_for(Layout(open_dir))


@needs_root
def test_nobody_left_is_refused(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_here(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr(pwd, "getpwnam", nobody_here)
    with pytest.raises(EmbeddedError, match="does not run as root and there is no user"):
        account_for(Layout(open_dir))


@needs_root
def test_a_normal_user_does_not_run_somebody_elses_database(open_dir: Path) -> None:
    (open_dir / "postgres").mkdir()
    with as_effective(nobody()), pytest.raises(EmbeddedError, match="belongs to the user root"):
        account_for(Layout(open_dir))


@pytest.mark.parametrize(
    ("above", "mode", "reachable"),
    [
        (0o755, 0o755, True),
        (0o711, 0o755, True),  # through, though not to be listed
        (0o755, 0o700, False),
        (0o700, 0o755, False),
        (0o744, 0o755, False),
        (0o755, 0o711, False),
    ],
)
def test_the_mode_bits_say_what_an_account_reaches(
    open_dir: Path, above: int, mode: int, reachable: bool
) -> None:
    folder = open_dir / "above" / "folder"
    folder.mkdir(parents=True)
    folder.chmod(mode)
    folder.parent.chmod(above)
    assert STRANGER.may_reach(folder) is reachable


def test_the_owner_and_the_group_have_their_own_bits(open_dir: Path) -> None:
    open_dir.chmod(0o750)
    uid, gid = open_dir.stat().st_uid, open_dir.stat().st_gid
    assert Account(uid, 54321, "owner").may_reach(open_dir)
    assert Account(54321, gid, "member").may_reach(open_dir)
    assert not STRANGER.may_reach(open_dir)


def test_what_is_in_reach_is_called_by_its_name(open_dir: Path) -> None:
    for account in (None, nobody()):
        with within_reach(open_dir, account) as (name, descriptors):
            assert (name, descriptors) == (str(open_dir), ())


@needs_root
@needs_linux
def test_what_is_out_of_reach_is_handed_over(open_dir: Path) -> None:
    closed = open_dir / "closed" / "folder"
    closed.mkdir(parents=True)
    (closed / "inside").touch()
    closed.parent.chmod(0o700)
    assert seen_by_nobody(str(closed)) == ""
    with within_reach(closed, nobody()) as (name, descriptors):
        assert seen_by_nobody(f"{name}/", *descriptors) == "inside\n"
    assert seen_by_nobody(f"{name}/", *()) == ""


def seen_by_nobody(folder: str, *descriptors: int) -> str:
    return subprocess.run(
        ["ls", folder],
        user=nobody().uid,
        group=nobody().gid,
        extra_groups=[],
        pass_fds=descriptors,
        capture_output=True,
        text=True,
        check=False,
    ).stdout


@contextmanager
def as_effective(account: Account) -> Iterator[None]:
    """Act as another account in this process."""
    os.seteuid(account.uid)
    try:
        yield
    finally:
        os.seteuid(0)
