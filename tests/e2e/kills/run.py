"""One cycle: open sales, let the crowd press, strike, wait until everybody knows, audit.

`Row` is what is told of a kind. Broken promises make it red, and so does too little: a strike whose
instant never came, a cycle without a booking, a run without both outcomes of an unknown commit.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, fields
from random import Random
from time import monotonic
from typing import Any

from tests.e2e.kills.asked import Asked, Press
from tests.e2e.kills.audit import Findings, audit, audit_api, became_of
from tests.e2e.kills.crowd import Crowd
from tests.e2e.kills.strikes import Strike
from tests.e2e.kills.world import World

_TRIES_MAX = 3
_COUNTED = ("lost", "oversold", "ghosts", "unsold", "prices", "answers", "log")


@dataclass(slots=True)
class Row:
    """What became of all cycles of one kind."""

    kind: str
    cycles: int = 0
    kills: int = 0
    presses: int = 0
    booked: int = 0
    again: int = 0
    """Answers that asked a guest to come again: busy, no owner."""
    lost_then_booked: int = 0
    """Presses whose answer was lost at least once, and that turned out to have a seat."""
    lost_then_refused: int = 0
    lost: int = 0
    oversold: int = 0
    ghosts: int = 0
    unsold: int = 0
    prices: int = 0
    answers: int = 0
    log: int = 0
    committed: int = 0
    """Commits whose answer never reached the server, and that are in the tables."""
    never: int = 0
    """The same, and that are not."""
    stale: int = 0
    back_s_max: float = 0.0
    seconds: float = 0.0
    points: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    inconclusive: list[str] = field(default_factory=list)
    not_run: str = ""

    def add(self, findings: Findings) -> None:
        for name in _COUNTED:
            setattr(self, name, getattr(self, name) + len(getattr(findings, name)))
        self.violations += findings.all()

    def count(self, presses: Iterable[Press]) -> None:
        for press in presses:
            self.presses += press.sent
            self.booked += sum(answer.booked for answer in press.answers)
            if press.lost:
                self.lost_then_booked += press.booked is not None
                self.lost_then_refused += press.booked is None

    def as_json(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(slots=True)
class Run:
    """All cycles on one world; what was promised in any of them is held to the end."""

    world: World
    seed: int
    told: list[tuple[Asked, list[int]]] = field(default_factory=list)

    async def cycles(
        self, kind: str, strike: Strike, count: int, *, patience_s: float = 15.0
    ) -> Row:
        """`count` cycles of one kind."""
        row, began = Row(kind), monotonic()
        for number in range(count):
            rng = Random(f"{self.seed}/{kind}/{number}")
            for _ in range(_TRIES_MAX):
                crowd = Crowd(self.world, Asked(), rng, patience_s=patience_s)
                if await self._cycle(row, strike, number, crowd):
                    break
            else:
                row.inconclusive.append(f"cycle {number}: the instant to strike never came")
        row.seconds = monotonic() - began
        return row

    async def everything_once_more(self, row: Row) -> None:
        """What was promised in the first cycle is kept after the last one, too."""
        async with self.world.database.connected() as db:
            for asked, auctions in self.told:
                row.add(await audit(db, asked, auctions))

    async def _cycle(self, row: Row, strike: Strike, number: int, crowd: Crowd) -> bool:
        """Was there something to strike? What was promised is held either way."""
        world, asked = self.world, crowd.asked
        for node in world.nodes:
            node.commits.seen.clear()
        await crowd.open_sales()
        load = asyncio.ensure_future(crowd.press_all())
        try:
            struck = await strike(world, crowd, Random(crowd.rng.getrandbits(64)), number)
            await load
        finally:
            load.cancel()
            with suppress(asyncio.CancelledError):
                await load
        await crowd.fill_up()
        row.count(asked.presses.values())
        row.again += sum(asked.refusals.values())
        if struck is not None:
            row.cycles += 1
            row.kills += struck.kills
            row.stale += struck.stale
            row.points[struck.point] += 1
            row.back_s_max = max(row.back_s_max, struck.back_s)
        if not any(press.booked for press in asked.presses.values()):
            row.inconclusive.append(f"cycle {number}: nobody booked")
        await self._audit(row, crowd)
        self.told.append((asked, crowd.auctions))
        return struck is not None

    async def _audit(self, row: Row, crowd: Crowd) -> None:
        world = self.world
        async with world.database.connected() as db:
            findings = await audit(db, crowd.asked, crowd.auctions)
            unanswered = [each for node in world.nodes for each in node.commits.unanswered()]
            committed, never = await became_of(db, unanswered)
        findings.answers += await audit_api(
            world.api(), world.cast.guests, crowd.asked, crowd.auctions
        )
        findings.log += [sentence for node in world.nodes for sentence in node.complaints()]
        findings.lost += [f"{key} was never answered for good" for key in crowd.unsettled]
        row.add(findings)
        row.committed += committed
        row.never += never


def judge(rows: Iterable[Row]) -> list[str]:
    """What was too little in the whole of a run."""
    rows = list(rows)
    found = [f"{row.kind}: {reason}" for row in rows for reason in row.inconclusive]
    ambiguous = [row for row in rows if row.kind in ("application", "postgres", "proxy")]
    if any(row.cycles for row in ambiguous):
        for name in ("committed", "never"):
            if not sum(getattr(row, name) for row in ambiguous):
                found.append(f"no unknown commit turned out {name}")
    found += [
        f"{row.kind}: no answer was ever lost"
        for row in rows
        if row.kind in ("application", "stale")
        and row.cycles
        and not row.lost_then_booked + row.lost_then_refused
    ]
    found += [
        f"{row.kind}: {row.stale} stale commits in {row.cycles} cycles"
        for row in rows
        if row.kind == "stale" and row.stale < row.cycles
    ]
    return found
