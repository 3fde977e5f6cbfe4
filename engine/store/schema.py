"""The shape of the database, as text: schema.sql whole, and the migrations that lead to it.

Reads the package's own files. Must never talk to a database: store/postgres/migrate.py does.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

_FILE_NAME = re.compile(r"(?P<version>\d{14})_(?P<name>[a-z0-9_]+)\.sql")
_UP = re.compile(r"^-- migrate:up[ \t]*$", re.MULTILINE)
_DOWN = re.compile(r"^-- migrate:down[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from an older shape to a newer one."""

    version: str
    name: str
    up: str

    @property
    def checksum(self) -> str:
        """Tells whether the step was changed after it was taken."""
        return hashlib.sha256(self.up.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.version}_{self.name}"


@dataclass(frozen=True, slots=True)
class Shape:
    """The newest shape, and the steps to it in the order of their versions."""

    schema: str
    migrations: tuple[Migration, ...]


def load_shape() -> Shape:
    """The shape that this version of the code works on."""
    package = Path(str(files("engine")))
    return Shape(
        find_schema(package).read_text("utf-8"), read_migrations(package / "store" / "migrations")
    )


def find_schema(package: Path) -> Path:
    """schema.sql: in the package where it is installed, else beside it in a checkout."""
    inside, beside = package / "schema.sql", package.parent / "schema.sql"
    return inside if inside.is_file() else beside


def read_migrations(folder: Path) -> tuple[Migration, ...]:
    """The folder's `<stamp>_<name>.sql`, oldest first. Raises ValueError for any that is none."""
    found = [
        parse_migration(path.name, path.read_text("utf-8")) for path in sorted(folder.glob("*.sql"))
    ]
    versions = [migration.version for migration in found]
    if len(set(versions)) != len(versions):
        raise ValueError(f"two migrations in {folder} have the same version")
    return tuple(found)


def parse_migration(file_name: str, text: str) -> Migration:
    """Read dbmate's format: the statements between `-- migrate:up` and `-- migrate:down`."""
    named = _FILE_NAME.fullmatch(file_name)
    if named is None:
        raise ValueError(f"{file_name} is not named <14 digits>_<name>.sql")
    parts = _UP.split(text)
    if len(parts) != 2:
        raise ValueError(f"{file_name} does not have exactly one line `-- migrate:up`")
    return Migration(named["version"], named["name"], _DOWN.split(parts[1])[0].strip())
