"""Passwords, hashed by bcrypt in a lane of their own.

One hash takes a quarter of a second on purpose. So the work is done by a few threads (bcrypt lets
the interpreter go on meanwhile) behind a short queue; past its end the answer is Busy at once, and
a storm of log-ins slows nothing but log-ins. bcrypt refuses what is longer than 72 bytes and once
stopped at a zero byte: it is given the SHA-384 of the password instead, in 64 letters. Must never
run on the event loop, and never take less time for an account that does not exist.
"""

import asyncio
import os
import sys
import threading
import unicodedata
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha384
from typing import Final, TypeVar

import bcrypt

from engine.errors import Busy
from engine.settings import Settings

T = TypeVar("T")

_NICENESS: Final = 10
"""Behind the loop and the database, before the mail, which nobody waits for."""
_NO_DIGEST: Final = b"." * 31
"""Stands where a hash has its digest: nothing is known to hash to it, and a check works as hard."""


class HashLane:
    """The PasswordHasher port. `close` it when nobody asks any more."""

    def __init__(self, settings: Settings) -> None:
        self._cost = settings.bcrypt_cost
        self._places = settings.hash_lane_threads + settings.hash_lane_queue_max
        self._taken = 0
        self._counting = threading.Lock()
        self._nobody = bcrypt.gensalt(self._cost) + _NO_DIGEST
        self._threads = ThreadPoolExecutor(
            settings.hash_lane_threads, "hash-lane", initializer=_give_way
        )

    async def hash(self, password: str) -> str:
        """A fresh hash. Raises Busy."""
        letters = _letters(password)
        hashed = await self._run(lambda: bcrypt.hashpw(letters, bcrypt.gensalt(self._cost)))
        return hashed.decode()

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password of that hash. Raises Busy."""
        letters = _letters(password)
        stored = self._nobody if password_hash is None else password_hash.encode()
        return await self._run(lambda: bcrypt.checkpw(letters, stored))

    def close(self) -> None:
        """Finish the hash in hand; whoever waits for another is cancelled."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        with self._counting:
            if self._taken >= self._places:
                raise Busy
            self._taken += 1
        done = self._threads.submit(work)
        # The place is free when the thread is, not when the client gives up waiting.
        done.add_done_callback(self._leave)
        return await asyncio.wrap_future(done)

    def _leave(self, _: Future[T]) -> None:
        with self._counting:
            self._taken -= 1


def _give_way() -> None:
    """Beside a thread of equal rank the loop of a busy core came back 4 ms late at p99; beside one
    that gives way, 1. Where threads have no rank of their own, nothing."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def _letters(password: str) -> bytes:
    """64 letters, whatever the password's length and bytes, and however its accents are typed."""
    composed = unicodedata.normalize("NFC", password)
    return b64encode(sha384(composed.encode("utf-8", "surrogatepass")).digest())
