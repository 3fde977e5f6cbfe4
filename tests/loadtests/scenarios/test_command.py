"""Short runs of the whole thing: a server, guests, Locust, thresholds, the end check.

A few seconds, with thresholds of their own beside this file: what is tried here is that guests do
all that they should and that the verdict is told, not how fast anything is.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

THRESHOLDS = Path(__file__).with_name("thresholds.toml")
GUESTS = 40
SECONDS = 8


async def run(shape: str, thresholds: Path) -> tuple[int | None, str]:
    """The exit code, and what was said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtests.scenarios", "--shape", shape),
        *("--time", str(SECONDS), "--guests", str(GUESTS), "--thresholds", str(thresholds)),
        stderr=PIPE,
    )
    try:
        _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return process.returncode, said.decode()


async def test_the_verdict_on_a_run_is_its_exit_code(tmp_path: Path) -> None:
    strict = tmp_path / "thresholds.toml"
    never = '\n[requests."LIVE ping"]\ncount_min = 1000000\n'
    strict.write_text(THRESHOLDS.read_text("utf-8") + never)
    async with asyncio.TaskGroup() as runs:
        rush = runs.create_task(run("rush", THRESHOLDS))
        spike = runs.create_task(run("spike", strict))
    good, said_of_good = rush.result()
    bad, said_of_bad = spike.result()
    assert "FAILED" not in said_of_good, said_of_good
    assert good == 0
    assert ", 0 complaints." in said_of_good
    complaints = [line for line in said_of_bad.splitlines() if line.startswith("FAILED")]
    assert len(complaints) == 1, said_of_bad
    assert complaints[0].startswith("FAILED LIVE ping: ")
    assert bad == 1
