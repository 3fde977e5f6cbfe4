"""One running member: starts the parts in order, stops them in reverse.

Everything from outside comes in as a port. A node is `ready` when it can book: it is a member, it
can commit, its clock is set and its due sales are on the heap. It is over when `stop` returns, or
when another process has taken its name (`superseded`).
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any

from engine.actor import House
from engine.clock import AnchoredClock
from engine.committer import Committer
from engine.directory import Directory
from engine.domain import codes
from engine.draw import NodeDraw
from engine.housekeeping import Housekeeping
from engine.leases import Membership
from engine.outbox import Outbox
from engine.ports.bus import Bus
from engine.ports.commit import CommitStore, ScheduleStore, StoreError
from engine.ports.leases import LeaseStore
from engine.ports.mail import Mailer
from engine.ports.outbox import OutboxStore
from engine.ports.telemetry import Telemetry
from engine.settings import Settings
from engine.supervisor import Supervisor
from engine.timers import Timers

_log = logging.getLogger(__name__)

_CLOCK_CHECK_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world a node runs in."""

    commits: CommitStore
    schedule: ScheduleStore
    leases: LeaseStore
    outbox: OutboxStore
    bus: Bus
    mailer: Mailer
    clock: AnchoredClock
    rng: Random
    telemetry: Telemetry


class Node:
    """Build it, `start`, use `directory`, `supervisor`, `outbox`, then `drain` and `stop`."""

    def __init__(
        self,
        node_id: str,
        ports: Ports,
        settings: Settings,
        *,
        superseded: Callable[[], None] = lambda: None,
    ) -> None:
        self.clock = ports.clock
        self.bus = ports.bus
        self.settings = settings
        self.timers = Timers(ports.clock, yield_after_ms=settings.yield_after_ms)
        self.membership = Membership(node_id, ports.leases, ports.clock, settings)
        self.directory = Directory(self.membership, ports.commits)
        self.outbox = Outbox(ports.outbox, ports.bus, ports.mailer, settings)
        self.supervisor = Supervisor(
            self.directory, self.membership, ports.commits, ports.schedule, settings
        )
        self._ports = ports
        self._superseded = superseded
        self._draw = NodeDraw(ports.commits, ports.rng, codes_recent_max=settings.codes_recent_max)
        self._committer = Committer(
            ports.commits, ports.clock, ports.rng, settings, ports.telemetry
        )
        self._housekeeping = Housekeeping(
            ports.schedule, self.directory, ports.clock, settings, self._codes_in_use
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._draining = False

    async def start(self) -> None:
        """Become bookable. Raises StoreError, and ClockWrong when the clock cannot be right."""
        await self.membership.join()
        await self._draw.fill()
        await self._committer.start()
        self.supervisor.open(self._house())
        await self.supervisor.scan(self.membership.shards)
        await self._committer.connected()
        membership = self.membership.beat(self.supervisor.shards_changed, self._superseded)
        self._run(membership, "membership")
        self._run(self.supervisor.watch(), "supervisor")
        self._run(self.outbox.run(), "outbox")
        self._run(self._housekeeping.run(), "housekeeping")
        self._run(self._watch_clock(), "clock")

    async def drain(self) -> None:
        """Take nothing more and see through what was taken."""
        self._draining = True
        await self.supervisor.drain()

    async def stop(self) -> None:
        """After `drain`: give the lease back and end all work, also when it is cancelled while a
        commit's outcome is still unknown."""
        try:
            await self._committer.stop()
        finally:
            for task in reversed(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self.timers.stop()
            await self._leave()

    async def _leave(self) -> None:
        try:
            await self.membership.leave()
        except StoreError:
            _log.warning("the lease could not be given back; it runs out by itself")

    @property
    def draining(self) -> bool:
        return self._draining

    @property
    def bookable(self) -> bool:
        """Can a booking be decided and committed here, at this moment?"""
        return self._committer.available and self.membership.valid and not self._draining

    def _house(self) -> House:
        return House(
            settings=self.settings,
            clock=self.clock,
            timers=self.timers,
            commits=self._committer,
            bus=self.bus,
            draw=self._draw,
            telemetry=self._ports.telemetry,
            may_refuse=self.membership.may_refuse,
            hand_over=self.outbox.hand_over,
            ended=self.supervisor.ended,
        )

    def _codes_in_use(self, count: int) -> None:
        self._draw.make_room(count)
        self._ports.telemetry.codes_in_use(count / codes.SPACE)

    async def _watch_clock(self) -> None:
        while True:
            await asyncio.sleep(_CLOCK_CHECK_S)
            self.clock.check()
            self.timers.catch_up()

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        async def supervised() -> None:
            try:
                await work
            except Exception:
                # A part of the node has ended that never ends: the node is no good any more.
                _log.exception("%s broke", name)
                self._superseded()

        self._tasks.append(asyncio.get_running_loop().create_task(supervised(), name=name))
