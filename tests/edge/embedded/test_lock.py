"""Who runs the PostgreSQL of a data directory: one at a time, freed by any death."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.embedded.layout import EmbeddedError
from edge.embedded.lock import DataDirLock, Holder

HOLD = """
import sys
from pathlib import Path
from edge.embedded.lock import DataDirLock
assert DataDirLock(Path(sys.argv[1])).try_acquire("serve")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "postgres.lock"


def test_one_holds_it_and_the_next_one_after(path: Path) -> None:
    first, second = DataDirLock(path), DataDirLock(path)
    assert first.try_acquire("serve")
    assert not second.try_acquire("command")
    first.release()
    assert second.try_acquire("command")
    second.release()
    second.release()


def test_the_holder_says_who_it_is_and_where_postgresql_is_once_it_is_ready(path: Path) -> None:
    held, other = DataDirLock(path), DataDirLock(path)
    assert held.try_acquire("serve")
    assert other.holder() == Holder(os.getpid(), "serve", None)
    held.announce("postgresql://here")
    assert other.holder() == Holder(os.getpid(), "serve", "postgresql://here")
    held.release()


def test_a_killed_holder_holds_nothing(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        lock = DataDirLock(path)
        assert not lock.try_acquire("command")
        process.kill()
        process.wait()
        assert lock.holder() is None  # what it wrote is history
        assert lock.try_acquire("command")
        lock.release()


def test_a_child_does_not_inherit_it(path: Path) -> None:
    lock = DataDirLock(path)
    assert lock.try_acquire("serve")
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        lock.release()
        other = DataDirLock(path)
        assert other.try_acquire("serve")
        other.release()
        child.kill()


@pytest.mark.parametrize("text", [b"", b"{", b'{"pid": 1}', b"[]", b"\xff"])
def test_what_is_half_written_says_nothing(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    assert DataDirLock(path).holder() is None


def test_a_lock_that_cannot_be_written_is_one_sentence(path: Path) -> None:
    path.mkdir()
    with pytest.raises(EmbeddedError, match=r"may not be written: is a directory\.$"):
        DataDirLock(path).try_acquire("serve")
