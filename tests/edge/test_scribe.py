"""A process of its own for letters: it works, it may die at any time, and it never outlives us."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from edge import scribe as module
from edge.scribe import NICENESS, Scribe, ScribeLost


@pytest.fixture
async def scribe() -> AsyncIterator[Scribe]:
    made = Scribe()
    yield made
    await made.close()


async def test_it_works_in_another_process_that_gives_way(scribe: Scribe) -> None:
    pid = await scribe.do(os.getpid)
    assert pid == scribe.pid != os.getpid()
    assert await scribe.do(partial(os.getpriority, os.PRIO_PROCESS, 0)) == NICENESS
    assert await scribe.do(os.getpid) == pid


async def test_what_the_work_raises_is_raised_here_and_hurts_nobody(scribe: Scribe) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await scribe.do(partial(int, "ten"))
    assert await scribe.do(partial(int, "10")) == 10


async def test_what_is_printed_over_there_is_no_answer(scribe: Scribe) -> None:
    assert await scribe.do(partial(eval, "print('hello') or 7")) == 7
    assert await scribe.do(partial(int, "10")) == 10


async def test_one_that_dies_loses_its_work_and_the_next_one_goes_on(scribe: Scribe) -> None:
    with pytest.raises(ScribeLost):
        await scribe.do(partial(os._exit, 3))
    first = await scribe.do(os.getpid)
    os.kill(first, signal.SIGKILL)
    with suppress(ScribeLost):  # its death may be seen before the question or behind it
        await scribe.do(os.getpid)
    assert await scribe.do(os.getpid) != first


async def test_one_that_is_stuck_is_ended(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    await scribe.do(os.getpid)
    monkeypatch.setattr(module, "PIECE_TIMEOUT_S", 0.1)
    with pytest.raises(ScribeLost):
        await scribe.do(signal.pause)
    monkeypatch.undo()
    assert await scribe.do(partial(int, "10")) == 10


async def test_who_stops_waiting_is_not_answered_in_the_next_ones_place(scribe: Scribe) -> None:
    await scribe.do(os.getpid)
    waiting = asyncio.ensure_future(scribe.do(signal.pause))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await scribe.do(partial(int, "10")) == 10


async def test_ctrl_c_in_the_terminal_leaves_it_to_its_parent(scribe: Scribe) -> None:
    pid = await scribe.do(os.getpid)
    os.kill(pid, signal.SIGINT)
    assert await scribe.do(os.getpid) == pid


async def test_it_ends_when_its_parent_is_killed() -> None:
    program = (
        "import asyncio, os\n"
        "from edge.scribe import Scribe\n"
        "async def main():\n"
        "    print(await Scribe().do(os.getpid), flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await parent.communicate()  # until the child has let go of it, too
    child = int(said)
    for _ in range(200):
        if not _works(child):
            return
        await asyncio.sleep(0.05)
    pytest.fail("the process outlived its parent")


def _works(pid: int) -> bool:
    """It is there, and more than an entry that nobody has taken note of."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
