"""The private folder of the unix socket: short, plain, ours, empty."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from edge.embedded.layout import EmbeddedError, Layout
from edge.embedded.sockets import dsn_of, open_socket_folder
from tests.edge.embedded.processes import needs_root, nobody


@pytest.fixture
def made() -> Iterator[list[Path]]:
    """Folders outside the data directory, to remove after the test."""
    folders: list[Path] = []
    yield folders
    for folder in folders:
        shutil.rmtree(folder)


def test_it_lies_in_the_data_directory_and_is_private(open_dir: Path) -> None:
    folder = open_socket_folder(Layout(open_dir), None)
    assert folder == open_dir / "run"
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["x" * 90, "with space", "comma,", "ütüğ", "100%"])
def test_a_path_no_socket_can_have_is_replaced_by_a_short_one(
    open_dir: Path, made: list[Path], name: str
) -> None:
    root = open_dir / name
    root.mkdir()
    folder = open_socket_folder(Layout(root), None)
    made.append(folder)
    assert not folder.is_relative_to(root)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert open_socket_folder(Layout(root), None) == folder  # the same one at the next start


def test_an_open_folder_is_closed(open_dir: Path) -> None:
    (open_dir / "run").mkdir()
    (open_dir / "run").chmod(0o777)
    assert open_socket_folder(Layout(open_dir), None).stat().st_mode & 0o777 == 0o700


def test_what_an_earlier_run_left_is_removed(open_dir: Path) -> None:
    folder = open_socket_folder(Layout(open_dir), None)
    for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
        (folder / name).touch()
    open_socket_folder(Layout(open_dir), None)
    assert list(folder.iterdir()) == []


@needs_root
def test_it_belongs_to_who_runs_postgresql(open_dir: Path) -> None:
    assert open_socket_folder(Layout(open_dir), nobody()).stat().st_uid == nobody().uid


@needs_root
def test_a_folder_that_its_user_cannot_reach_is_replaced(open_dir: Path, made: list[Path]) -> None:
    open_dir.chmod(0o700)
    folder = open_socket_folder(Layout(open_dir), nobody())
    made.append(folder)
    assert not folder.is_relative_to(open_dir)


@needs_root
def test_somebody_elses_folder_is_not_used(open_dir: Path) -> None:
    os.mkdir(open_dir / "run")
    os.chown(open_dir / "run", 54321, 54321)
    with pytest.raises(EmbeddedError, match="run belongs to somebody else: remove it"):
        open_socket_folder(Layout(open_dir), nobody())


def test_a_link_in_its_place_is_not_followed(open_dir: Path) -> None:
    (open_dir / "elsewhere").mkdir()
    (open_dir / "run").symlink_to(open_dir / "elsewhere")
    with pytest.raises(EmbeddedError):
        open_socket_folder(Layout(open_dir), None)


def test_a_file_in_its_place_is_one_sentence(open_dir: Path) -> None:
    (open_dir / "run").touch()
    with pytest.raises(EmbeddedError, match=r"run cannot be made: file exists\.$"):
        open_socket_folder(Layout(open_dir), None)


def test_its_address_names_the_socket_and_the_port() -> None:
    url = urlsplit(dsn_of(Path("/srv/a+b/run"), user="u", database="d"))
    assert (url.scheme, url.netloc, url.path) == ("postgresql", "u@", "/d")
    assert parse_qs(url.query) == {"host": ["/srv/a+b/run"], "port": ["5432"]}
