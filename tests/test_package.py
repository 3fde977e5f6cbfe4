"""What a built wheel and a source archive hold: the product whole, and nothing beside it."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one wheel and one source archive of this tree."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def in_wheel(built: Path) -> dict[str, str]:
    """Each file of the wheel that is text, by its path."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


def told(in_wheel: dict[str, str], name: str) -> list[str]:
    """The lines of one file of the wheel's own description."""
    (text,) = (text for path, text in in_wheel.items() if path.endswith(f".dist-info/{name}"))
    return text.splitlines()


def test_the_wheel_brings_the_schema_as_it_is(in_wheel: dict[str, str]) -> None:
    assert in_wheel["engine/schema.sql"] == (ROOT / "schema.sql").read_text("utf-8")


def test_the_wheel_brings_every_module_and_says_that_it_is_typed(in_wheel: dict[str, str]) -> None:
    modules = {
        path.relative_to(ROOT).as_posix()
        for package in ("engine", "edge")
        for path in (ROOT / package).rglob("*.py")
        if not path.is_relative_to(ROOT / "edge/web")
    }
    assert modules <= in_wheel.keys()
    assert {"engine/py.typed", "edge/py.typed"} <= in_wheel.keys()


def test_the_wheel_brings_nothing_but_the_two_packages(in_wheel: dict[str, str]) -> None:
    tops = {name.partition("/")[0] for name in in_wheel}
    assert {"edge", "engine"} == {top for top in tops if not top.endswith(".dist-info")}
    assert not [name for name in in_wheel if name.startswith("edge/web/")]


def test_the_wheel_installs_the_command(in_wheel: dict[str, str]) -> None:
    assert "hothour = edge.main:main" in told(in_wheel, "entry_points.txt")


def test_the_wheel_is_kept_from_public_indexes(in_wheel: dict[str, str]) -> None:
    assert "Classifier: Private :: Do Not Upload" in told(in_wheel, "METADATA")


def test_the_source_archive_holds_what_it_is_built_from_and_no_environment(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    assert {"pyproject.toml", "schema.sql", "Makefile", "Dockerfile", "LICENSE"} <= names
    assert not [name for name in names if name.startswith((".venv", ".hothour", ".git/"))]
