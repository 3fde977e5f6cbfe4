"""Cases made of the served OpenAPI document, against a real server, as everybody who may ask.

    python -m tests.hostile.schema_cases --cases 100000 --seed 1 --json cases.json

Rounds are added until there are that many cases; each has a seed of its own and new goods. Exit
code 0: no 5xx and nothing that the document does not say, 1: there was, 2: inconclusive.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from tests.database import open_folder
from tests.e2e.program import serving
from tests.edge.premises import KEY, Premises, open_premises
from tests.hostile.schema_goods import ROLES, stock
from tests.hostile.schema_runs import EVERYBODY, Tally, run

SETTINGS: Final[Mapping[str, str]] = {
    "HOTHOUR_SECRET_KEY": KEY,
    # Counted, but never too many.
    "HOTHOUR_RATE_LIMITS": "on",
    "HOTHOUR_RATE_REQUESTS_PER_S": "1000000",
    "HOTHOUR_RATE_REQUESTS_BURST": "1000000",
    "HOTHOUR_RATE_BOOKINGS_PER_S": "1000000",
    "HOTHOUR_RATE_BOOKINGS_BURST": "1000000",
    "HOTHOUR_RATE_LOGINS_PER_MIN": "1000000",
    "HOTHOUR_RATE_CODES_PER_MIN": "1000000",
}


@dataclass(frozen=True, slots=True)
class Effort:
    """How much of each kind one round makes, an operation."""

    examples: int
    scenarios: int


GATE: Final = Effort(examples=3, scenarios=10)
LONG: Final = Effort(examples=60, scenarios=300)


async def one_round(premises: Premises, url: str, seed: int, effort: Effort, into: Tally) -> None:
    """The edges of every schema, drawn data as each role, and chains of requests."""
    goods = await stock(premises)
    plan = [
        (EVERYBODY, ["examples", "coverage"], effort.examples),
        *((role, ["fuzzing"], effort.examples) for role in ROLES),
        (EVERYBODY, ["stateful"], effort.scenarios),
    ]
    for role, phases, examples in plan:
        await asyncio.to_thread(
            run, url, goods, role, seed, phases=phases, examples=examples, into=into
        )


def judged(tally: Tally, cases_min: int) -> tuple[int, str]:
    """Exit code and one line."""
    said = f"{tally.cases} cases, {tally.server_errors} 5xx, {sum(tally.failed.values())} drifts"
    if tally.server_errors or tally.failed:
        return 1, said
    wanting = sorted(tally.never_answered_well)
    if tally.cases < cases_min or wanting or not tally.links or tally.errors:
        why = f"never a 2xx: {wanting}, linked steps: {tally.links}, {tally.errors[:3]}"
        return 2, f"INCONCLUSIVE: {said}, {why}"
    return 0, said


async def long_run(cases: int, seed: int) -> Tally:
    """Rounds against a server of our own."""
    tally = Tally()
    with open_folder() as folder:
        async with serving(folder, **SETTINGS) as server:
            dsn = json.loads((folder / "data" / "postgres.lock").read_text())["dsn"]
            async with open_premises(dsn, seed) as premises:
                while tally.cases < cases and not tally.errors:
                    await one_round(premises, server.url, seed, LONG, tally)
                    sys.stderr.write(f"seed {seed}: {judged(tally, 0)[1]}\n")
                    seed += 1
            assert server.process.returncode is None, "the server is gone"
            assert "Traceback" not in server.log, server.log[-5_000:]
    return tally


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    tally = asyncio.run(long_run(given.cases, given.seed))
    code, said = judged(tally, given.cases)
    if given.json is not None:
        report = {"seed": given.seed, "verdict": said, **tally.report()}
        given.json.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    for what, how in tally.failures.items():
        sys.stdout.write(f"{what}\n{how}\n\n")
    sys.stdout.write(f"{said}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
