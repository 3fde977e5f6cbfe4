"""Callers that press again as soon as they are answered, over HTTP or over open sockets.

What is pressed comes as bytes; answers are counted and timed, and one that is not the right one
ends the run. The processor time of an answer is the server's, all of it.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from loadtests.bench import http_load, live_load
from loadtests.bench.beside import Contestant
from loadtests.bench.figures import Broken
from loadtests.bench.http_load import Answer, Connection
from loadtests.bench.live_load import LiveSocket
from loadtests.bench.machine import Spell, Stopwatch, generating

Next = Callable[[int], bytes | None]
"""The nth caller's next press; None: nothing is left to press for."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """What some callers did in some time."""

    took_ms: tuple[float, ...]
    """One an answer."""
    server: Spell
    generator: Spell
    whole_cpu_s: float | None
    """What the server and all that works for it used; None where it is not known."""

    @property
    def answers(self) -> int:
        return len(self.took_ms)

    @property
    def per_s(self) -> float:
        return self.answers / self.server.wall_s

    @property
    def cpu_us(self) -> float | None:
        """The server's processor time an answer."""
        used = self.server.used
        return None if used is None else used.cpu_s * 1e6 / self.answers

    @property
    def whole_cpu_us(self) -> float | None:
        """The same with its database's."""
        return None if self.whole_cpu_s is None else self.whole_cpu_s * 1e6 / self.answers


def template(request: bytes, key: str) -> Callable[[int], bytes]:
    """`request` for whichever number: it takes the place of `key`, whose length it keeps."""
    before, found, after = request.partition(key.encode())
    assert found, "the key is in the request"
    form = b"%%0%dd" % len(key)
    return lambda number: before + form % number + after


async def over_http(
    contestant: Contestant, callers: int, press: Next, right: int, most_s: float
) -> Pressed:
    """So many callers, for so long at most. Raises Broken at an answer with another status."""
    opened = await http_load.connections(contestant.server, callers)
    calls = _Calls(press)

    def answered(nth: int, connection: Connection, answer: Answer, came_ns: int) -> None:
        calls.note(nth, came_ns, "" if answer.status == right else str(answer.status))
        if (request := calls.next(nth)) is not None:
            connection.send(request)

    with generating():
        for nth, connection in enumerate(opened):
            connection.heard = partial(answered, nth)
            if (request := calls.next(nth)) is not None:
                connection.send(request)
        pressed = await calls.measured(contestant, most_s)
    http_load.hang_up(opened)
    return pressed


async def over_sockets(
    contestant: Contestant, opened: list[LiveSocket], press: Next, right: bytes, most_s: float
) -> Pressed:
    """A caller a socket, for so long at most. Raises Broken at an answer without `right` in it."""
    calls = _Calls(press)

    def answered(nth: int, socket: LiveSocket, payload: bytes) -> None:
        wrong = "" if right in payload else payload.decode(errors="replace")
        calls.note(nth, time.perf_counter_ns(), wrong)
        if (message := calls.next(nth)) is not None:
            socket.send(message)

    with generating():
        for nth, socket in enumerate(opened):
            socket.heard = partial(answered, nth)
            if (message := calls.next(nth)) is not None:
                socket.send(message)
        pressed = await calls.measured(contestant, most_s)
    live_load.hang_up(opened)
    return pressed


async def at_a_pace(
    opened: Sequence[Connection],
    requests: Iterable[bytes],
    per_s: float,
    right: int,
    over: asyncio.Event,
) -> list[float]:
    """Press so often, evenly, until nothing is left or `over` is set; how long each answer took, in
    milliseconds since its press was due. Raises Broken at an answer with another status."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in opened:
        free.put_nowait(connection)

    async def answered(request: bytes, due_s: float) -> float:
        connection = await free.get()
        answer = await connection.ask(request)
        free.put_nowait(connection)
        if answer.status != right:
            raise Broken(f"a press was answered {answer.status}")
        return (time.perf_counter() - due_s) * 1_000

    began_s = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        tasks = []
        for nth, request in enumerate(requests):
            due_s = began_s + nth / per_s
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            if over.is_set():
                break
            tasks.append(group.create_task(answered(request, due_s)))
    return [task.result() for task in tasks]


class _Calls:
    """Who has pressed when, and what is left to press."""

    def __init__(self, press: Next) -> None:
        self._press = press
        self._sent_ns: dict[int, int] = {}
        self._took_ms: list[float] = []
        self._wrong = ""
        self._over = False
        self._all_answered = asyncio.Event()

    def next(self, nth: int) -> bytes | None:
        """What this caller sends now; None: nothing any more."""
        request = None if self._over or self._wrong else self._press(nth)
        if request is not None:
            self._sent_ns[nth] = time.perf_counter_ns()
        elif not self._sent_ns:
            self._all_answered.set()
        return request

    def note(self, nth: int, came_ns: int, wrong: str) -> None:
        """This caller is answered."""
        self._took_ms.append((came_ns - self._sent_ns.pop(nth)) / 1e6)
        self._wrong = self._wrong or wrong

    async def measured(self, contestant: Contestant, most_s: float) -> Pressed:
        """Until nothing is left to press, or it has taken so long."""
        server_watch = contestant.server.stopwatch()
        own_watch = Stopwatch("generator", os.getpid())
        cpu_before_s, answers_before = contestant.cpu_s(), len(self._took_ms)
        with suppress(TimeoutError):
            async with asyncio.timeout(most_s):
                await self._all_answered.wait()
        took_ms = tuple(self._took_ms[answers_before:])
        spells = server_watch.spell(), own_watch.spell()
        cpu_after_s = contestant.cpu_s()
        self._over = True
        if self._wrong:
            raise Broken(f"{contestant.name}: a press was answered {self._wrong}")
        if not took_ms:
            raise Broken(f"{contestant.name}: no press was answered")
        if cpu_before_s is None or cpu_after_s is None:
            return Pressed(took_ms, *spells, None)
        return Pressed(took_ms, *spells, cpu_after_s - cpu_before_s)
