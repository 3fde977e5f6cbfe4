"""On disk before it is said: watched from outside, and a database that forgets is refused.

`python -m tests.e2e.kills --commits 1000` watches more.
"""

import re
from pathlib import Path

import pytest

from edge.adapters import UnsafeDatabase, prepare
from tests.database import open_folder
from tests.e2e.kills.flushes import NoStrace, Trace, audit_flushes, compare, read_trace, segment_of
from tests.e2e.kills.world import Database, world

COMMITS = 40


async def test_the_log_is_on_disk_before_a_guest_hears_201(tmp_path: Path) -> None:
    with open_folder() as folder:
        async with world(folder, 30) as shop:
            try:
                verdict = await audit_flushes(shop, COMMITS, tmp_path / "strace")
            except NoStrace as reason:
                pytest.skip(f"not run: {reason}")
    assert verdict.early == []
    assert verdict.commits >= COMMITS
    assert verdict.answers >= verdict.commits, "INCONCLUSIVE: commits without answers"
    assert verdict.flushes, "INCONCLUSIVE: no flush was seen"


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
async def test_a_database_that_may_forget_is_refused_by_the_name_of_what_is_off(
    forgetful: Path, name: str
) -> None:
    database = Database(forgetful, ((name, "off"),))
    await database.start()
    try:
        with pytest.raises(UnsafeDatabase, match=f"^The database runs with {name} off, so a conf"):
            await prepare(database.dsn, allow_unsafe=False)
        await prepare(database.dsn, allow_unsafe=True)
    finally:
        await database.stop()


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data directory for all three."""
    folder = tmp_path_factory.mktemp("forgetful")
    for each in (folder, *folder.parents[:2]):
        each.chmod(0o755)
    return folder


# --- the watch itself ---------------------------------------------------------------------------

WAL = "7</var/pg_wal/000000010000000000000001>"
END = 16 * 1024 * 1024 + 8_192 + 100


def trace_of(*lines: str) -> Trace:
    """What is understood of these lines of strace."""
    return read_trace(f"1{n % 3} 1.{n:06} {line}" for n, line in enumerate(lines))


WRITE = f'pwrite64({WAL}, "...", 8192, 8192) = 8192'
FLUSH = f"fdatasync({WAL}) = 0"
TOLD = 'write(9<socket:[1]>, "HTTP/1.1 201 Created\\r\\nX-Request-ID: a-key\\r\\n"..., 300) = 300'


def early(*lines: str) -> bool:
    return bool(compare(trace_of(*lines), {"a-key": END}, 1).early)


def test_written_then_flushed_then_told_is_right() -> None:
    assert not early(WRITE, FLUSH, TOLD)


@pytest.mark.parametrize(
    "lines",
    [
        (WRITE, TOLD, FLUSH),
        (FLUSH, WRITE, TOLD),
        (WRITE, TOLD),
        (FLUSH, TOLD),
        (WRITE, FLUSH.replace("= 0", "= -1 EIO (Input/output error)"), TOLD),
        (WRITE, FLUSH.replace("000001>", "000002>"), TOLD),
        (WRITE.replace("8192, 8192) = 8192", "8192, 16384) = 8192"), FLUSH, TOLD),
        (WRITE.replace("= 8192", "= 50"), FLUSH, TOLD),
    ],
    ids=[
        "flushed too late",
        "flushed before it was written",
        "never flushed",
        "never written",
        "a flush that failed",
        "another file",
        "other bytes",
        "half of it",
    ],
)
def test_every_other_order_is_found(lines: tuple[str, ...]) -> None:
    assert early(*lines)


def test_a_flush_that_returns_after_the_answer_is_found() -> None:
    """Three processes at once: calls are split over two lines."""
    write, told = f"11 1.1 {WRITE}", f"13 1.3 {TOLD}"
    begun = f"12 1.2 fdatasync({WAL} <unfinished ...>"
    returned = "12 1.4 <... fdatasync resumed>) = 0"
    right = read_trace((write, begun, returned, told))
    wrong = read_trace((write, begun, told, returned))
    assert not compare(right, {"a-key": END}, 1).early
    assert compare(wrong, {"a-key": END}, 1).early


def test_an_answer_that_was_not_seen_is_no_proof() -> None:
    assert compare(trace_of(WRITE, FLUSH), {"a-key": END}, 1).early


def test_segments_have_postgres_names() -> None:
    assert segment_of(0) == "000000010000000000000000"
    assert segment_of(16 * 1024 * 1024) == "000000010000000000000001"
    assert re.fullmatch(r"0{7}10{7}1000000FF", segment_of(0x1_FFFF_FFFF))
