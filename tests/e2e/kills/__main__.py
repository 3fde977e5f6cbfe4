"""`python -m tests.e2e.kills`: as many of each kind as it is told; a table; 1 when it is red."""

import argparse
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from time import monotonic

import orjson
import uvloop

from tests.e2e.kills import strikes, surroundings
from tests.e2e.kills.flushes import NoStrace, audit_flushes
from tests.e2e.kills.run import Row, Run, judge
from tests.e2e.kills.strikes import Strike
from tests.e2e.kills.world import World, world

GUESTS = 70
STALE_PATIENCE_S = 2.0
"""Guests who wait for a stopped owner go to the other one after this long."""
AT_ONCE: dict[str, Strike] = {
    "application": strikes.application,
    "postgres": strikes.postgres,
    "proxy": strikes.proxy,
}
COLUMNS = (
    ("cycles", "cycles"),
    ("kills", "kills"),
    ("presses", "presses"),
    ("201s", "booked"),
    ("again", "again"),
    ("lost: seat", "lost_then_booked"),
    ("lost: none", "lost_then_refused"),
    ("LOST", "lost"),
    ("OVERSOLD", "oversold"),
    ("GHOSTS", "ghosts"),
    ("UNSOLD", "unsold"),
    ("PRICES", "prices"),
    ("ANSWERS", "answers"),
    ("LOG", "log"),
    ("committed", "committed"),
    ("never", "never"),
    ("stale", "stale"),
    ("back s", "back_s_max"),
    ("s", "seconds"),
)


def main() -> int:
    """Run what is asked for."""
    asked = _arguments()
    tell(f"seed {asked.seed}: every instant of every strike follows from it")
    rows = uvloop.run(everything(asked))
    tell(table(rows))
    reasons = [sentence for row in rows for sentence in row.violations]
    too_little = judge(rows)
    for sentence in reasons:
        tell(f"VIOLATION {sentence}")
    for sentence in too_little:
        tell(f"INCONCLUSIVE {sentence}")
    if asked.json:
        said = {
            "seed": asked.seed,
            "rows": [row.as_json() for row in rows],
            "inconclusive": too_little,
        }
        asked.json.write_bytes(orjson.dumps(said, option=orjson.OPT_INDENT_2))
    return 1 if reasons or too_little else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.kills", description=__doc__)
    for kind in (*AT_ONCE, "stale", "away", "disk", "descriptors"):
        parser.add_argument(f"--{kind}", type=int, default=0, metavar="CYCLES")
    parser.add_argument("--commits", type=int, default=0, help="watched from outside: on disk?")
    parser.add_argument("--away-s", type=float, default=30.0, help="how long PostgreSQL is away")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where to write all figures")
    return parser.parse_args()


async def everything(asked: argparse.Namespace) -> list[Row]:
    """One row a kind, in the order in which they were run."""
    rows = []
    if any(getattr(asked, kind) for kind in (*AT_ONCE, "stale", "away")):
        rows += await on_one_world(asked)
    if asked.disk:
        rows.append(await _disk(asked))
        tell(told(rows[-1]))
    if asked.descriptors:
        rows.append(await _descriptors(asked))
        tell(told(rows[-1]))
    if asked.commits:
        rows.append(await _durability(asked))
    return rows


async def on_one_world(asked: argparse.Namespace) -> list[Row]:
    """The kinds that need nothing but processes; all promises are looked up again at the end."""
    rows = []
    async with _open_world() as shop:
        run = Run(shop, asked.seed)
        for kind, strike in AT_ONCE.items():
            if count := getattr(asked, kind):
                rows.append(await run.cycles(kind, strike, count))
                tell(told(rows[-1]))
        if asked.away:
            away = partial(strikes.away, for_s=asked.away_s)
            rows.append(await run.cycles("away", away, asked.away))
            tell(told(rows[-1]))
        if asked.stale:
            await shop.add_node()
            row = await run.cycles("stale", strikes.stale, asked.stale, patience_s=STALE_PATIENCE_S)
            rows.append(row)
            tell(told(row))
        await run.everything_once_more(rows[-1])
    return rows


async def _disk(asked: argparse.Namespace) -> Row:
    try:
        with open_folder() as folder:
            async with surroundings.small_disk(folder, GUESTS) as shop:
                return await Run(shop, asked.seed).cycles("disk", surroundings.disk, asked.disk)
    except surroundings.NotHere as reason:
        return Row("disk", not_run=str(reason))


async def _descriptors(asked: argparse.Namespace) -> Row:
    async with _open_world(descriptors=surroundings.DESCRIPTORS) as shop:
        run = Run(shop, asked.seed)
        return await run.cycles("descriptors", surroundings.descriptors, asked.descriptors)


async def _durability(asked: argparse.Namespace) -> Row:
    """Not a cycle: so many commits, and whether each was on disk before its guest was told."""
    row, began = Row("durability"), monotonic()
    try:
        async with _open_world() as shop:
            with tempfile.TemporaryDirectory() as folder:
                verdict = await audit_flushes(shop, asked.commits, Path(folder) / "strace")
    except NoStrace as reason:
        row.not_run = str(reason)
        return row
    row.booked, row.committed, row.violations = verdict.answers, verdict.commits, verdict.early
    row.lost, row.seconds = len(verdict.early), monotonic() - began
    if verdict.commits < asked.commits or not verdict.flushes:
        row.inconclusive.append(f"{verdict.commits} commits and {verdict.flushes} flushes seen")
    tell(
        f"durability: {verdict.answers} answers of {verdict.commits} commits,"
        f" {verdict.flushes} flushes, {len(verdict.early)} too early"
    )
    return row


@asynccontextmanager
async def _open_world(descriptors: int | None = None) -> AsyncIterator[World]:
    with open_folder() as folder:
        async with world(folder, GUESTS, descriptors=descriptors) as shop:
            yield shop


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's user may walk through."""
    with tempfile.TemporaryDirectory(prefix="hothour-kills-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def told(row: Row) -> str:
    """What a kind has come to, in a line."""
    if row.not_run:
        return f"{row.kind}: NOT RUN: {row.not_run}"
    points = ", ".join(f"{count} {point}" for point, count in sorted(row.points.items()))
    return f"{row.kind}: {row.cycles} cycles in {row.seconds:.0f} s ({points})"


def table(rows: list[Row]) -> str:
    """One line a kind."""
    lines = ["kind         " + " ".join(f"{head:>10}" for head, _ in COLUMNS)]
    for row in rows:
        if row.not_run:
            lines.append(f"{row.kind:<12} NOT RUN: {row.not_run}")
            continue
        cells = (getattr(row, name) for _, name in COLUMNS)
        shown = (f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in cells)
        lines.append(f"{row.kind:<12} " + " ".join(f"{cell:>10}" for cell in shown))
    return "\n".join(lines)


def tell(text: str) -> None:
    """To whoever waits for it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
