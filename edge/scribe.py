"""A process of its own for what takes long and nobody waits for: putting booking mails together.

A QR code, a calendar entry and an envelope are ten milliseconds of Python. In a thread they would
hold the interpreter's lock beside the loop, fifteen times as long as the booking they tell of;
here they take what the bookings leave over. The process is started for the first piece of work,
started again if it dies, and ends with us, however we end: nobody is left to read from. It works
on one piece at a time.
"""

import asyncio
import os
import pickle
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, Final, TypeVar, cast

T = TypeVar("T")

PIECE_TIMEOUT_S: Final = 30.0
"""Longer than this for one piece of work: the process is stuck, and is ended."""
NICENESS: Final = 19
_SIZE_BYTES: Final = 4


class ScribeLost(Exception):
    """The process could not be started, died or was stuck; the work may be given again."""


class Scribe:
    """Works on what it is given, in order. `close` it at the end."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return None if self._process is None else self._process.pid

    async def do(self, work: Callable[[], T]) -> T:
        """What `work` returns over there, and what it raises; both have to be picklable.

        Raises ScribeLost.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(PIECE_TIMEOUT_S):
                    done, result = await self._ask(pickle.dumps(work))
            except (OSError, EOFError, TimeoutError) as error:
                await self._end()
                raise ScribeLost(type(error).__name__) from error
            except BaseException:  # cancelled: its answer must not be taken for the next one's
                await self._end()
                raise
        if done:
            return cast(T, result)
        raise result

    async def close(self) -> None:
        """Let the process go."""
        await self._end()

    async def _ask(self, work: bytes) -> tuple[bool, Any]:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await _started()
        assert process.stdin is not None, "piped"
        assert process.stdout is not None, "piped"
        process.stdin.write(_framed(work))
        await process.stdin.drain()
        size = await process.stdout.readexactly(_SIZE_BYTES)
        answer = await process.stdout.readexactly(int.from_bytes(size))
        done, result = pickle.loads(answer)  # from ourselves
        return done, result

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _started() -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "edge.scribe", stdin=PIPE, stdout=PIPE
    )


def _framed(message: bytes) -> bytes:
    return len(message).to_bytes(_SIZE_BYTES) + message


# --- over there ----------------------------------------------------------------------------------


def _work_on(given: BinaryIO, answers: BinaryIO) -> None:
    """Until there is nobody to work for."""
    while len(size := given.read(_SIZE_BYTES)) == _SIZE_BYTES:
        work = given.read(int.from_bytes(size))
        try:
            answer = (True, pickle.loads(work)())
        except Exception as error:
            answer = (False, error)
        answers.write(_framed(pickle.dumps(answer)))
        answers.flush()


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for our parent, who ends us
    os.nice(NICENESS)
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever is printed, nobody shall take it for an answer
    with suppress(BrokenPipeError):
        _work_on(sys.stdin.buffer, answers)


if __name__ == "__main__":
    _main()
