"""Was the log on disk before the guest heard 201? Asked of the kernel, not of the program.

strace follows PostgreSQL and the server at once. For every 201 the place of its commit in the log
is looked up (`pg_waldump`), and then: a write that covers it has returned, after that a flush of
that file has begun and returned, and only then has the first byte of the answer been written.
"""

import asyncio
import re
import shutil
import signal
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edge.embedded.binaries import find_binaries
from edge.embedded.leftovers import processes_in
from tests.e2e.kills.world import World
from tests.e2e.program import Api, Guest

SEGMENT = 16 * 1024 * 1024
_CALLS = "pwrite64,pwritev,fdatasync,fsync,write,writev,sendto,sendmsg"
_WAL = re.compile(r"/pg_wal/(?P<name>[0-9A-F]{24})>")
_LINE = re.compile(r"(?P<pid>\d+) +(?P<at>\d+\.\d+) (?P<rest>.*)")
_RESUMED = re.compile(r"<\.\.\. (?P<call>\w+) resumed>(?P<rest>.*)")
_WRITTEN = re.compile(r", (?P<size>\d+), (?P<offset>\d+)\) += (?P<did>\d+)$")
_TOLD = re.compile(r"HTTP/1\.1 201 .*?X-Request-ID: (?P<key>[\w.-]+)", re.IGNORECASE)
_XACT = re.compile(r"tx: +(?P<xid>\d+), lsn: (?P<lsn>[0-9A-F]+/[0-9A-F]+),.* desc: COMMIT")
_NEXT = re.compile(r"len \(rec/tot\): +\d+/ +(?P<length>\d+)")


class NoStrace(Exception):
    """It is not here, or may not look; `str()` says which."""


@dataclass(slots=True)
class Trace:
    """What strace saw, in the order of its lines."""

    writes: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)
    """Log file -> (line at which the write had returned, first byte, last byte + 1)."""
    flushes: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Log file -> (line at which it was asked for, line at which it had returned)."""
    told: dict[str, int] = field(default_factory=dict)
    """Request -> line at which the first byte of its 201 was about to be written."""

    def durable_at(self, end: int) -> int | None:
        """The line by which the log up to this byte was on disk; None: by none."""
        name, within = segment_of(end - 1), (end - 1) % SEGMENT
        written = min(
            (line for line, first, last in self.writes.get(name, ()) if first <= within < last),
            default=None,
        )
        if written is None:
            return None
        return min(
            (done for begun, done in self.flushes.get(name, ()) if begun > written), default=None
        )


@dataclass(slots=True)
class Verdict:
    """What the audit of one run came to."""

    answers: int = 0
    commits: int = 0
    flushes: int = 0
    early: list[str] = field(default_factory=list)
    """Answers that went out before their commit was on disk, or of which no flush was seen."""


def segment_of(position: int) -> str:
    """The file of the log that holds this byte (first timeline)."""
    number = position // SEGMENT
    per_group = 0x1_0000_0000 // SEGMENT
    return f"{1:08X}{number // per_group:08X}{number % per_group:08X}"


def read_trace(lines: Iterable[str]) -> Trace:
    """The writes and flushes of the log and the 201s in what `strace -f -y -ttt` wrote."""
    trace, begun = Trace(), dict[str, tuple[int, str]]()
    for number, line in enumerate(lines):
        match = _LINE.match(line)
        if match is None:
            continue
        pid, rest = match["pid"], match["rest"]
        if (told := _TOLD.search(rest)) is not None:
            trace.told.setdefault(told["key"], number)
        started = number
        if rest.endswith("<unfinished ...>"):
            begun[pid] = (number, rest.removesuffix("<unfinished ...>"))
            continue
        if (resumed := _RESUMED.match(rest)) is not None:
            if pid not in begun:
                continue
            started, head = begun.pop(pid)
            rest = head.rstrip() + resumed["rest"]
        _note(trace, rest, started, number)
    return trace


def _note(trace: Trace, call: str, started: int, done: int) -> None:
    wal = _WAL.search(call.partition(",")[0] + ">")
    if wal is None:
        return
    if call.startswith(("fdatasync", "fsync")):
        if call.rstrip().endswith("= 0"):
            trace.flushes.setdefault(wal["name"], []).append((started, done))
    elif (written := _WRITTEN.search(call.rstrip())) is not None:
        first = int(written["offset"])
        trace.writes.setdefault(wal["name"], []).append((done, first, first + int(written["did"])))


@asynccontextmanager
async def tracing(world: World, into: Path) -> AsyncIterator[None]:
    """strace on all of PostgreSQL and on the server. Raises NoStrace."""
    program = shutil.which("strace")
    if program is None:
        raise NoStrace("strace is not installed")
    assert world.node.program is not None
    pids = [world.node.program.pid, *await processes_in(world.database.folder)]
    process = await asyncio.create_subprocess_exec(
        *(program, "-f", "-y", "-ttt", "-s", "700", "-e", f"trace={_CALLS}", "-o", str(into)),
        *(word for pid in pids for word in ("-p", str(pid))),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(40):
            while not all(_is_traced(pid) for pid in pids):
                if process.returncode is not None:
                    raise NoStrace("strace may not look at other processes here")
                await asyncio.sleep(0.05)
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.wait()


def _is_traced(pid: int) -> bool:
    """Somebody looks at it, or it is no more."""
    try:
        return "TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return True


async def book_until(world: World, commits: int) -> int:
    """Guests book one seat after another until so many commits hold them; the 201s."""
    api, node = world.api(), world.node
    booked, number = 0, 0
    guests = world.cast.guests
    while len(node.commits.seen) < commits:
        number += 1
        sale = await api.sale(world.cast.admin, title=f"Flush {number}", seats=len(guests))
        lanes = [guests[lane::4] for lane in range(4)]
        told = await asyncio.gather(*(_lane(api, lane, sale["id"]) for lane in lanes))
        booked += sum(told)
        assert sum(told), "nobody booked"
    return booked


async def _lane(api: Api, guests: list[Guest], auction_id: int) -> int:
    """One after another, each under the name of its key."""
    booked = 0
    for guest in guests:
        key = f"flush-{auction_id:06}-{guest.id:08}"
        status, _ = await api.book(guest, auction_id, key=key, headers={"X-Request-ID": key})
        booked += status == 201
    return booked


async def commits_in_log(world: World, since: str) -> dict[int, int]:
    """Transaction -> the byte after its commit record."""
    binaries = await find_binaries(None, None)
    program = binaries.folder / "pg_waldump"
    if not program.exists():
        raise NoStrace("pg_waldump is not among PostgreSQL's programs here")
    process = await asyncio.create_subprocess_exec(
        *(str(program), "-p", str(world.database.folder / "pg_wal"), "-s", since),
        *("-r", "Transaction"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # "invalid record": the end of the log
    )
    said, _ = await process.communicate()
    return dict(_commit_ends(said.decode().splitlines()))


def _commit_ends(lines: Iterable[str]) -> Iterator[tuple[int, int]]:
    for line in lines:
        commit, length = _XACT.search(line), _NEXT.search(line)
        if commit is None or length is None:
            continue
        high, low = commit["lsn"].split("/")
        yield int(commit["xid"]), (int(high, 16) << 32) + int(low, 16) + int(length["length"])


async def audit_flushes(world: World, commits: int, into: Path) -> Verdict:
    """Trace, book, and compare. Raises NoStrace."""
    world.node.commits.seen.clear()
    async with world.database.connected() as db:
        since: str = await db.fetchval("select pg_current_wal_lsn()::text")
    async with tracing(world, into):
        booked = await book_until(world, commits)
    async with world.database.connected() as db:
        await db.execute("select pg_switch_wal()")  # so that all of it can be read
        rows = await db.fetch(
            "select key, xmin::text::bigint as xid from reservation where key like 'flush-%'"
        )
    ends = await commits_in_log(world, since)
    with into.open(errors="replace") as file:
        trace = read_trace(file)
    return compare(trace, {row["key"]: ends.get(row["xid"]) for row in rows}, booked)


def compare(trace: Trace, ends: dict[str, int | None], booked: int) -> Verdict:
    """Each 201 against the flush of its commit."""
    verdict = Verdict(
        answers=sum(key in trace.told for key in ends),
        commits=len(set(ends.values())),
        flushes=sum(map(len, trace.flushes.values())),
    )
    if verdict.answers != booked:
        verdict.early.append(f"{booked} were told 201, {verdict.answers} answers were seen")
    for key, end in ends.items():
        durable = None if end is None else trace.durable_at(end)
        if key in trace.told and (durable is None or durable > trace.told[key]):
            verdict.early.append(f"{key}: 201 at line {trace.told[key]}, on disk at {durable}")
    return verdict
