"""The log's file."""

from pathlib import Path

import pytest

from edge.demo import logfile
from edge.demo.logfile import LogFile
from edge.running import CannotRun


def test_until_it_is_opened_nothing_is_made_and_nothing_lost(tmp_path: Path) -> None:
    path = tmp_path / "demo.log"
    with LogFile() as log:
        log.write("early\n")
        assert not path.exists()
        log.open_at(path)
        log.write("late\n")
        assert path.read_text() == "early\nlate\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_comes_after_the_end_is_no_error() -> None:
    with LogFile() as log:
        pass
    log.write("last words")
    log.flush()


def test_a_second_run_goes_on_after_the_first(tmp_path: Path) -> None:
    path = tmp_path / "demo.log"
    for text in ("first\n", "second\n"):
        with LogFile() as log:
            log.open_at(path)
            log.write(text)
    assert path.read_text() == "first\nsecond\n"


def test_a_long_log_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "LOG_BYTES_MAX", 3)
    path = tmp_path / "demo.log"
    path.write_text("long")
    with LogFile() as log:
        log.open_at(path)
        log.write("new")
    assert path.read_text() == "new"


def test_where_no_file_can_be_is_one_sentence(tmp_path: Path) -> None:
    with LogFile() as log, pytest.raises(CannotRun, match="cannot be written: is a directory"):
        log.open_at(tmp_path)
