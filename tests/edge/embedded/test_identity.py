"""What a data directory remembers of its node: names and the development secret."""

import fcntl
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge.embedded.identity import claimed_node_identity, node_identity, secret_key
from edge.embedded.layout import EmbeddedError


def test_a_node_keeps_its_name(tmp_path: Path) -> None:
    name = node_identity(tmp_path / "new")
    assert str(uuid.UUID(name)) == name
    assert node_identity(tmp_path / "new") == name
    assert node_identity(tmp_path / "other") != name


def test_who_asks_while_a_name_is_being_made_gets_that_name(tmp_path: Path) -> None:
    name = str(uuid.uuid4())
    with ThreadPoolExecutor(1) as pool, (tmp_path / "node-id").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        asking = pool.submit(node_identity, tmp_path)
        with pytest.raises(TimeoutError):
            asking.result(timeout=0.2)
        file.write(name)
        file.flush()
        fcntl.flock(file, fcntl.LOCK_UN)
        assert asking.result(timeout=10) == name


def test_processes_side_by_side_bear_different_names_and_get_them_back(tmp_path: Path) -> None:
    with claimed_node_identity(tmp_path) as first, claimed_node_identity(tmp_path) as second:
        assert first == node_identity(tmp_path)
        assert second != first
    with claimed_node_identity(tmp_path) as again, claimed_node_identity(tmp_path) as beside:
        assert (again, beside) == (first, second)


def test_more_processes_than_names_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.embedded.identity._NODES_MAX", 2)
    with ExitStack() as held:
        for _ in range(2):
            held.enter_context(claimed_node_identity(tmp_path))
        with pytest.raises(EmbeddedError, match="More than 2 processes"):
            held.enter_context(claimed_node_identity(tmp_path))


def test_the_secret_stays_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    key = secret_key(tmp_path)
    assert len(key) == 48
    assert secret_key(tmp_path) == key
    path = tmp_path / "secret-key"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    assert secret_key(tmp_path) == key
    assert path.stat().st_mode & 0o777 == 0o600


def test_two_folders_have_two_secrets(tmp_path: Path) -> None:
    assert secret_key(tmp_path / "one") != secret_key(tmp_path / "other")


@pytest.mark.parametrize("text", ["short", "not base64 !", "bm90IGxvbmcgZW5vdWdo"])
def test_a_damaged_secret_is_told_and_not_used(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret-key").write_text(text)
    with pytest.raises(EmbeddedError, match="secret-key is damaged: remove it"):
        secret_key(tmp_path)


def test_a_damaged_name_is_told_and_not_used(tmp_path: Path) -> None:
    (tmp_path / "node-id").write_text("node 7")
    with pytest.raises(EmbeddedError, match="node-id is damaged: remove it"):
        node_identity(tmp_path)


def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "node-id")
    with pytest.raises(
        EmbeddedError, match=r"node-id cannot be read or written: is a directory\.$"
    ):
        node_identity(tmp_path)
