"""What a wire between the server and PostgreSQL carries: which commits were sent, which answered.

Reads PostgreSQL's protocol as it passes. A commit is *sent* when the Sync after its Bind has come
by, and *answered* when ReadyForQuery has: between the two nobody but the database knows. `traps`
are asked at both instants, before the bytes go on. Must never change a byte.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from tests.store.proxy import Wire

_COMMIT = b"insert into reservation"
_WIDE = b"e.edited"
_NO_COMMIT = UUID(int=0)
"""The id under which a new connection runs the statement on nothing."""
_AUCTIONS, _FENCES, _RESERVATIONS = 1, 3, 10
"""Places of the lists in the statement's parameters."""


@dataclass(eq=False, slots=True)
class Sighting:
    """One commit statement with bookings in it."""

    commit_id: UUID
    auctions: tuple[int, ...]
    fences: tuple[int, ...]
    bookings: int
    wire: Wire
    backend_pid: int
    went_on: bool = False
    """All of it was handed to PostgreSQL."""
    answered: bool = False
    """The answer was handed to the server."""
    rows: int | None = None
    """Auctions and offenders in the answer; None: there was none, or an error."""


Trap = Callable[[Sighting], bool]
"""True: the bytes go on; False: they and the wire die."""


@dataclass(slots=True)
class Commits:
    """All that was seen on the wires of one server, and who wants to know at once."""

    seen: list[Sighting] = field(default_factory=list)
    on_sent: Trap | None = None
    on_answer: Trap | None = None
    deaf: bool = False
    """The server is dead: what still comes for it is heard by nobody."""

    def watch(self, wire: Wire) -> None:
        """Read along on a new wire."""
        reader = _Reader(self, wire)
        wire.up.watch, wire.down.watch = reader.up, reader.down

    def unanswered(self) -> list[Sighting]:
        """The commits of which the server never heard what became."""
        return [each for each in self.seen if not each.answered]


class _Reader:
    """One wire's two ways."""

    def __init__(self, commits: Commits, wire: Wire) -> None:
        self._commits, self._wire = commits, wire
        self._up = _Messages(started=False)
        self._down = _Messages(started=True)
        self._names: set[bytes] = set()
        self._backend_pid = 0
        self._bound: Sighting | None = None
        self._awaited: Sighting | None = None
        self._rows: int | None = None

    def up(self, chunk: bytes) -> bool:
        for kind, body in self._up.of(chunk):
            if kind == b"P":
                self._parse(body)
            elif kind == b"B":
                self._bound = self._bind(body)
            elif kind == b"S" and self._bound is not None:
                self._awaited, self._bound = self._bound, None
                self._commits.seen.append(self._awaited)
                trap = self._commits.on_sent
                self._awaited.went_on = True
                if trap is not None and not trap(self._awaited):
                    self._awaited.went_on = False
                    return False
        return True

    def down(self, chunk: bytes) -> bool:
        for kind, body in self._down.of(chunk):
            if kind == b"K":
                self._backend_pid = struct.unpack_from("!i", body)[0]
            elif kind == b"C" and body.startswith(b"SELECT "):
                self._rows = int(body[7:-1])
            elif kind == b"Z" and self._awaited is not None:
                sighting, self._awaited = self._awaited, None
                sighting.rows, self._rows = self._rows, None
                trap = self._commits.on_answer
                if trap is not None and not trap(sighting):
                    return False
                sighting.answered = not self._commits.deaf
        return True

    def _parse(self, body: bytes) -> None:
        name, _, rest = body.partition(b"\0")
        if _COMMIT in rest and _WIDE not in rest:
            self._names.add(name)

    def _bind(self, body: bytes) -> Sighting | None:
        _, _, rest = body.partition(b"\0")
        name, _, rest = rest.partition(b"\0")
        if name not in self._names:
            return None
        values = list(_values(rest))
        commit_id = UUID(bytes=values[0])
        booked = _numbers(values[_RESERVATIONS])
        if commit_id == _NO_COMMIT or not booked:
            return None
        return Sighting(
            commit_id,
            _numbers(values[_AUCTIONS]),
            _numbers(values[_FENCES]),
            len(booked),
            self._wire,
            self._backend_pid,
        )


class _Messages:
    """Cuts a stream into messages: a letter, a length, a body. The first one has no letter."""

    def __init__(self, *, started: bool) -> None:
        self._left = b""
        self._started = started

    def of(self, chunk: bytes) -> Iterator[tuple[bytes, bytes]]:
        """What has become whole with this chunk."""
        self._left += chunk
        while True:
            head = 1 if self._started else 0
            if len(self._left) < head + 4:
                return
            end = head + struct.unpack_from("!i", self._left, head)[0]
            if len(self._left) < end:
                return
            kind, body = self._left[:head], self._left[head + 4 : end]
            self._left, self._started = self._left[end:], True
            yield kind, body


def _values(rest: bytes) -> Iterator[bytes]:
    """The parameters of a Bind, after its two names; null as nothing."""
    formats = struct.unpack_from("!h", rest)[0]
    at = 2 + 2 * formats
    count, at = struct.unpack_from("!h", rest, at)[0], at + 2
    for _ in range(count):
        size, at = struct.unpack_from("!i", rest, at)[0], at + 4
        yield rest[at : at + max(0, size)]
        at += max(0, size)


def _numbers(array: bytes) -> tuple[int, ...]:
    """A bigint[] in PostgreSQL's binary form: dimensions, flags, type, (size, first), elements."""
    if struct.unpack_from("!i", array)[0] == 0:
        return ()
    count = struct.unpack_from("!i", array, 12)[0]
    return tuple(struct.unpack_from("!q", array, 20 + 12 * n + 4)[0] for n in range(count))
