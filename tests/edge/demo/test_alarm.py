"""Warnings of the log, told."""

import io
import logging
from collections.abc import Iterator

import pytest

from edge import logs
from edge.demo.alarm import Alarm


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
