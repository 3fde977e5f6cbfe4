"""Whose processor time is counted."""

import os
import subprocess
import sys
import time

import pytest

from loadtests.bench.families import Member, family, family_cpu_s, family_of, read_member

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="known on Linux only")
WORK = "sum(range(5_000_000))"


def test_a_family_is_a_process_its_children_and_theirs() -> None:
    members = [Member(pid, parent, 0.0) for pid, parent in ((9, 3), (3, 2), (2, 1), (4, 1), (1, 0))]
    assert [member.pid for member in family(2, members)] == [2, 3, 9]
    assert family(7, members) == []


def test_a_program_may_be_called_anything() -> None:
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    stat = "12 (a (b) 1 2) S 3 12 12 0 -1 0 0 0 0 0 70 80 5 6 20 0 1 0"
    assert read_member(stat) == Member(12, 3, 11 * tick_s)


@needs_linux
def test_what_has_ended_still_counts() -> None:
    before = family_cpu_s(os.getpid())
    subprocess.run([sys.executable, "-c", WORK], check=True)
    after = family_cpu_s(os.getpid())
    assert before is not None
    assert after is not None
    assert after - before > 0.01


@needs_linux
def test_a_child_at_work_counts_without_its_end() -> None:
    with subprocess.Popen([sys.executable, "-c", f"while True: {WORK}"]) as child:
        try:
            assert child.pid in family_of(os.getpid())
            before = family_cpu_s(child.pid)
            assert before is not None
            until_s = time.monotonic() + 10
            while (now := family_cpu_s(child.pid)) is not None and now < before + 0.05:
                assert time.monotonic() < until_s
        finally:
            child.kill()
    assert family_cpu_s(child.pid) is None
