"""The processor time of a process and of all that it has started: a server with its database.

PostgreSQL is a process a connection. What has ended counts as well: the kernel keeps its time with
the parent that waited for it. Known on Linux only.
"""

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from loadtests.bench.machine import cpu_s


@dataclass(frozen=True, slots=True)
class Member:
    """One process; `buried_s` is the processor time of its children that have ended."""

    pid: int
    parent: int
    buried_s: float


def family_cpu_s(pid: int) -> float | None:
    """What all of them have used so far, in seconds; None where it is not known."""
    members = _running()
    if not any(member.pid == pid for member in members):
        return None
    return sum(_living_s(member.pid) + member.buried_s for member in family(pid, members))


def family_of(pid: int) -> list[int]:
    """The processes that run now; none where that is not known."""
    return [member.pid for member in family(pid, _running())]


def family(pid: int, members: list[Member]) -> list[Member]:
    """That process, its children, theirs, and so on."""
    children: defaultdict[int, list[Member]] = defaultdict(list)
    for member in members:
        children[member.parent].append(member)
    found = [member for member in members if member.pid == pid]
    for member in found:  # grows on the way
        found += children[member.pid]
    return found


def read_member(stat: str) -> Member:
    """From /proc/PID/stat."""
    # The program's name stands in parentheses and may hold anything.
    pid, _, rest = stat.partition(" ")
    fields = rest.rpartition(")")[2].split()
    ticks = int(fields[13]) + int(fields[14])
    return Member(int(pid), int(fields[1]), ticks / os.sysconf("SC_CLK_TCK"))


def _running() -> list[Member]:
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            members.append(read_member(stat.read_text()))
        except OSError:  # it ended while we looked
            continue
    return members


def _living_s(pid: int) -> float:
    try:
        return cpu_s(pid)
    except OSError:  # it ended while we looked; its parent has its time the next time
        return 0.0
