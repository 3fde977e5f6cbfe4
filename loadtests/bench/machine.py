"""The machine under the figures: which cores are whose, what a process has used, who else works.

Cores and use are known on Linux; elsewhere nothing is pinned, and use is said not to be known.
"""

import gc
import os
import platform
import resource
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WAITED_SHARE_MAX = 0.1
"""In line for a core for more of the time than this: somebody else was on it."""
_BUSY_SHARE = 0.9
"""On its core this much of the time: nothing is left to give."""
_ALL = frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset()

# --- cores ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cores:
    """Whose cores are whose; empty: any."""

    server: frozenset[int] = frozenset()
    generator: frozenset[int] = frozenset()


def split(cores: frozenset[int]) -> Cores:
    """The first half is the server's and its database's, the rest the generator's. A single core
    is everybody's."""
    ranked = sorted(cores)
    half = len(ranked) // 2
    if not half:
        return Cores()
    return Cores(frozenset(ranked[:half]), frozenset(ranked[half:]))


CORES = split(_ALL)


def pin(pid: int, cores: frozenset[int]) -> None:
    """That process (0: this one), and whatever it starts from now on, stays on these cores."""
    if cores:
        with suppress(ProcessLookupError):  # it has ended, which its caller will notice
            os.sched_setaffinity(pid, cores)


@contextmanager
def generating() -> Iterator[None]:
    """This process stays on the generator's cores, and collects no garbage meanwhile."""
    pin(0, CORES.generator)
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        pin(0, _ALL)


# --- use -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Use:
    """What a process has used so far, in seconds. `waited_s`: its main thread, for a core."""

    cpu_s: float
    waited_s: float


def use(pid: int) -> Use | None:
    """None where it is not known."""
    try:
        waited_ns = int(Path(f"/proc/{pid}/schedstat").read_text().split()[1])
        return Use(cpu_s(pid), waited_ns / 1e9)
    except (OSError, IndexError):
        return None


def cpu_s(pid: int) -> float:
    """Processor time of all its threads so far, to the nanosecond where /proc has hundredths of a
    second. Raises OSError where there is no such process, or no such clock."""
    return time.clock_gettime(~pid << 3 | 2)  # Linux' number for that process' CPUCLOCK_SCHED


@dataclass(frozen=True, slots=True)
class Spell:
    """What a process used in some time."""

    who: str
    wall_s: float
    used: Use | None

    @property
    def at_its_limit(self) -> bool:
        return self.used is not None and self.used.cpu_s >= _BUSY_SHARE * self.wall_s

    @property
    def waited_share(self) -> float:
        return 0.0 if self.used is None else self.used.waited_s / self.wall_s

    def __str__(self) -> str:
        if self.used is None:
            return f"{self.who}'s use is not known"
        busy = self.used.cpu_s / self.wall_s
        return f"{self.who} busy {busy:.0%}, in line {self.waited_share:.0%}"


class Stopwatch:
    """Runs from its making to each `spell`."""

    def __init__(self, who: str, pid: int) -> None:
        self._who = who
        self._pid = pid
        self._began_s = time.perf_counter()
        self._before = use(pid)

    def spell(self) -> Spell:
        """Until now."""
        after, before = use(self._pid), self._before
        used = None
        if after is not None and before is not None:
            used = Use(after.cpu_s - before.cpu_s, after.waited_s - before.waited_s)
        return Spell(self._who, time.perf_counter() - self._began_s, used)


def bottleneck(server: Spell, generator: Spell) -> str | None:
    """A doubt, if the generator was what could not do more."""
    if generator.at_its_limit and not server.at_its_limit:
        return "the generator was the bottleneck"
    return None


def crowded(rounds: Sequence[Spell]) -> str | None:
    """A doubt, if somebody else was on a process' core in half of the rounds or more."""
    usual = sorted(rounds, key=lambda spell: spell.waited_share)[len(rounds) // 2]
    if usual.waited_share <= WAITED_SHARE_MAX:
        return None
    return f"the {usual.who} stood in line for its core {usual.waited_share:.0%} of the time"


def rss_bytes(pid: int) -> int:
    """Memory of a process that is really there."""
    said = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return int(said.stdout) * 1024


def load() -> float:
    """Processes that wanted a core in the last minute, on average."""
    return os.getloadavg()[0]


# --- limits and facts ----------------------------------------------------------------------------


def allow_files(count: int) -> int:
    """Let this process and its children have so many files open, or as many as they may; how
    many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < count:
        soft = count if hard == resource.RLIM_INFINITY else min(count, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return count if soft == resource.RLIM_INFINITY else soft


def facts() -> dict[str, Any]:
    """What to write beside figures."""
    return {
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "server_cores": sorted(CORES.server),
        "generator_cores": sorted(CORES.generator),
        "python": platform.python_version(),
    }
