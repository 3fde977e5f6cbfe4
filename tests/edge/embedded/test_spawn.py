"""Children of ours: under which account, where their words go, and that they die with us."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from functools import partial
from signal import SIGTERM

from edge.embedded.spawn import spawn
from tests.edge.embedded.processes import (
    REPOSITORY,
    eventually,
    is_alive,
    needs_linux,
    needs_root,
    nobody,
)

PARENT = """
import asyncio, os
from signal import SIGQUIT
from edge.embedded.spawn import spawn

async def main():
    child = await spawn(["/bin/sleep", "60"], None, death_signal=SIGQUIT, output=2)
    # By now the child may still be on its way: the kill below can hit it at any point of it.
    print(child.pid, flush=True)
    await child.wait()

asyncio.run(main())
"""


def _is_gone(pid: int) -> bool:
    return not is_alive(pid)


async def test_what_it_says_can_be_read() -> None:
    child = await spawn(
        ["/bin/sh", "-c", "echo out; echo err >&2; pwd"], None, death_signal=SIGTERM, output=PIPE
    )
    said, _ = await child.communicate()
    assert said.split() == [b"out", b"err", b"/"]


@needs_root
async def test_it_runs_as_the_account_and_is_our_direct_child() -> None:
    child = await spawn(
        ["/bin/sh", "-c", "id -u; echo $PPID; echo $$"], nobody(), death_signal=SIGTERM, output=PIPE
    )
    said, _ = await child.communicate()
    assert said.split() == [b"%d" % n for n in (nobody().uid, os.getpid(), child.pid)]


async def test_it_gets_the_descriptors_it_needs_and_no_others() -> None:
    reading, writing = os.pipe()
    child = await spawn(
        ["/bin/sh", "-c", f"echo handed over > /dev/fd/{writing}; ls /dev/fd/{reading}"],
        None,
        death_signal=SIGTERM,
        output=PIPE,
        descriptors=(writing,),
    )
    said, _ = await child.communicate()
    os.close(writing)
    assert os.read(reading, 100) == b"handed over\n"
    assert b"No such file" in said
    os.close(reading)


@needs_linux
async def test_it_dies_with_us_at_whatever_moment() -> None:
    for pause_s in (0.0, 0.02, 0.2):
        parent = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PARENT), stdout=PIPE, cwd=REPOSITORY
        )
        assert parent.stdout is not None
        pid = int(await parent.stdout.readline())
        await asyncio.sleep(pause_s)
        parent.kill()
        await parent.wait()
        await eventually(partial(_is_gone, pid), within_s=3.0)
