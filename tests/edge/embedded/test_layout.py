"""The data directory: made when missing, refused when it cannot be one."""

import os
from pathlib import Path

import pytest

from edge.embedded.layout import EmbeddedError, Layout, open_layout, reason


def test_a_missing_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    layout = open_layout(tmp_path / "a" / "b")
    assert layout == Layout(tmp_path / "a" / "b")
    assert layout.root.is_dir()


def test_its_path_is_free_of_symbolic_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert open_layout(tmp_path / "link").root == tmp_path / "real"


@pytest.mark.skipif(os.geteuid() != 0, reason="for root, whose PostgreSQL runs as another user")
def test_roots_folder_lets_another_user_walk_through(tmp_path: Path) -> None:
    assert open_layout(tmp_path / "new").root.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_is_no_data_directory(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match=r"is not a directory: choose another"):
        open_layout(tmp_path / name)


def test_a_folder_that_cannot_be_made_is_told_with_its_reason() -> None:
    with pytest.raises(EmbeddedError, match=r"/proc/hothour cannot be made: \w.*\.$"):
        open_layout(Path("/proc/hothour"))


def test_a_reason_is_what_the_system_said() -> None:
    assert reason(PermissionError(13, "Permission denied", "/x")) == "permission denied"
    assert reason(OSError("odd")) == "odd"
