"""The probe table: `python -m tests.hostile.probes` prints it with what was seen.

One row is an input nobody should send, the answer it has to get, and, after the run, what was
seen. Rows that wait for the server's own deadlines run beside the others.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from tests.database import open_folder
from tests.hostile import probes_body, probes_http, probes_live, probes_slow
from tests.hostile.probe import SHIPPED, SHORT, Deadlines, Probe, markdown
from tests.hostile.stand import Stand, standing

QUICK: tuple[Probe, ...] = (*probes_http.PROBES, *probes_body.PROBES, *probes_live.PROBES)
SLOW: tuple[Probe, ...] = (*probes_slow.PROBES,)


async def seen_by(probe: Probe, stand: Stand) -> str:
    """Run one row: what was seen, and what else it did that no row may do."""
    before = await stand.rows()
    seen = await probe.act(stand.target)
    if complaint := await stand.complaint():
        seen += f"; AND {complaint}"
    if await stand.rows() != before:
        seen += "; AND SOMETHING WAS WRITTEN"
    return seen


async def patiently(probe: Probe, stand: Stand) -> str:
    """Run a row that waits for a deadline: what was seen."""
    try:
        return await probe.act(stand.target)
    except TimeoutError:
        return "silence"


async def run(folder: Path, deadlines: Deadlines, only: str = "") -> list[tuple[Probe, str]]:
    """All rows on a server of their own, in the table's order."""
    async with standing(folder, deadlines) as stand:
        slow = SLOW if deadlines != SHIPPED else (*SLOW, *probes_slow.SLOWEST)
        waiting = [
            (probe, asyncio.create_task(patiently(probe, stand)))
            for probe in slow
            if only in probe.id
        ]
        rows = [(probe, await seen_by(probe, stand)) for probe in QUICK if only in probe.id]
        rows += [(probe, await task) for probe, task in waiting]
    return rows


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--as-shipped", action="store_true", help="wait for the real deadlines")
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    given = parser.parse_args()
    with open_folder() as folder:
        rows = asyncio.run(run(folder, SHIPPED if given.as_shipped else SHORT, given.only))
    wrong = sum(seen != probe.expected for probe, seen in rows)
    sys.stdout.write(f"{markdown(rows)}\n\n{len(rows)} rows, {wrong} not as expected\n")
    return 1 if wrong or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
