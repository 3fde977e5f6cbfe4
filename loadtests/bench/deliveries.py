"""What it costs a server to tell a crowd something, apart from what it does anyway.

A server that tells everybody the same at each multiple of some time works in bursts. The stretches
in between say what it uses when nothing is told; that is taken off.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass

from loadtests.bench.crowd import Crowd
from loadtests.bench.figures import Broken
from loadtests.bench.machine import Spell, Stopwatch, Use, cpu_s

LEAD_S = 0.02
"""The crowd listens so long before something is due."""
SETTLE_S = 0.02
"""What the server does this soon after the last frame has arrived belongs to the burst."""
REST_SHARE = 0.15
REST_FOR_S = 0.2
REST_WITHIN_S = 40.0


@dataclass(frozen=True, slots=True)
class Told:
    """Some deliveries: all bursts together, and all of the quiet between them."""

    frames: int
    bytes: int
    last_ms: tuple[float, ...]
    """From the instant at which each delivery was due until its last frame had arrived."""
    server: Spell
    """In the bursts."""
    generator: Spell
    """In the bursts."""
    quiet: Spell
    """The server, in between."""

    @property
    def cpu_us(self) -> float | None:
        """The server's processor time a frame, less what it uses when nothing is told."""
        if self.server.used is None or self.quiet.used is None or not self.frames:
            return None
        idle_s = self.quiet.used.cpu_s / self.quiet.wall_s * self.server.wall_s
        return (self.server.used.cpu_s - idle_s) * 1e6 / self.frames


def rest(pid: int, within_s: float = REST_WITHIN_S) -> None:
    """Wait until that process has next to nothing to do, when its crowd is gone. Raises Broken."""
    until_s = time.time() + within_s
    while True:
        before_s = cpu_s(pid)
        time.sleep(REST_FOR_S)
        if cpu_s(pid) - before_s < REST_SHARE * REST_FOR_S:
            return
        if time.time() > until_s:
            raise Broken(f"the server did not come to rest within {within_s:g} s")


def deliveries(crowd: Crowd, count: int, every_ms: int) -> Told:
    """Hear so many, each by everybody before the next one is due; the one before them does not
    count, since it still meets a crowd that has just come. Raises Broken."""
    bursts, own, quiet = [], [], []
    last_ms = []
    crowd.hear_until(next_due_s(time.time(), every_ms) + every_ms / 2_000)
    frames, size = crowd.heard.frames, crowd.heard.bytes
    for _ in range(count):
        resting = crowd.server.stopwatch()
        due_s = next_due_s(time.time() + LEAD_S, every_ms)
        crowd.hear_until(due_s - LEAD_S)
        quiet.append(resting.spell())
        working, listening = crowd.server.stopwatch(), Stopwatch("generator", os.getpid())
        crowd.hear_frames(crowd.count, due_s + every_ms / 1_000 - 2 * LEAD_S)
        last_ms.append((crowd.heard.last_s - due_s) * 1_000)
        crowd.hear_until(time.time() + SETTLE_S)
        bursts.append(working.spell())
        own.append(listening.spell())
    return Told(
        frames=crowd.heard.frames - frames,
        bytes=crowd.heard.bytes - size,
        last_ms=tuple(last_ms),
        server=together(bursts),
        generator=together(own),
        quiet=together(quiet),
    )


def next_due_s(now_s: float, every_ms: int) -> float:
    """The first multiple of `every_ms` after now; seconds since the epoch."""
    return (int(now_s * 1_000) // every_ms + 1) * every_ms / 1_000


def together(spells: Iterable[Spell]) -> Spell:
    """As if they had been one, of the same process."""
    each = list(spells)
    known = [spell.used for spell in each if spell.used is not None]
    used = None
    if len(known) == len(each):
        used = Use(sum(use.cpu_s for use in known), sum(use.waited_s for use in known))
    return Spell(each[0].who, sum(spell.wall_s for spell in each), used)
