"""Warnings of the log, told."""

import io
import logging
from collections.abc import Iterator

import pytest

from edge import logs
from edge.demo import alarm as alarms
from edge.demo.alarm import QUIET_S, Alarm


@pytest.fixture
def told() -> Iterator[list[str]]:
    """What the alarm tells while our log is set up as in production."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    lines: list[str] = []
    logs.configure("console", io.StringIO())
    alarm = Alarm(lines.append)
    root.addHandler(alarm)
    yield lines
    root.handlers[:] = handlers
    root.setLevel(level)


def test_our_own_warnings_are_told_by_their_event(told: list[str]) -> None:
    log = logs.configure("console", io.StringIO())
    logging.getLogger().addHandler(Alarm(told.append))
    log.warning("the mail server is away", row=4)
    assert told == ["the mail server is away"]


def test_a_librarys_warning_is_told_too(told: list[str]) -> None:
    logging.getLogger("asyncio").error("Task %s broke\nTraceback", 7)
    assert told == ["Task 7 broke"]


def test_what_is_no_warning_is_not_told(told: list[str]) -> None:
    logging.getLogger("asyncio").info("just so")
    assert told == []


def test_nothing_personal_is_told(told: list[str]) -> None:
    logging.getLogger("asyncio").warning("no mail for elif@example.com")
    assert told == ["no mail for [hidden]"]


def test_for_a_while_another_one_tells() -> None:
    first: list[str] = []
    second: list[str] = []
    alarm = Alarm(first.append)
    with alarm.told_by(second.append):
        alarm.emit(record("rain", 0))
    alarm.emit(record("hail", 0))
    assert (first, second) == (["hail"], ["rain"])


def test_the_same_warning_is_told_only_so_often() -> None:
    told: list[str] = []
    alarm = Alarm(told.append)
    for text, at_s in (("rain", 0.0), ("hail", 1.0), ("rain", QUIET_S - 1), ("rain", QUIET_S)):
        alarm.emit(record(text, at_s))
    assert told == ["rain", "hail", "rain"]


def test_not_every_warning_is_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "REMEMBERED_MAX", 2)
    told: list[str] = []
    alarm = Alarm(told.append)
    for text in ("rain", "hail", "snow", "rain"):
        alarm.emit(record(text, 0))
    assert told == ["rain", "hail", "snow", "rain"]


def record(text: str, at_s: float) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": text, "levelno": logging.WARNING, "created": at_s})
