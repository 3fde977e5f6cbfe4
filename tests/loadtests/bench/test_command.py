"""Asking questions: what is kept, what a failure costs."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loadtests.bench import command
from loadtests.bench.command import answered
from loadtests.bench.figures import Beside, Broken, Effort, Figure
from loadtests.bench.table import Answered

ONE = Figure(name="one", unit="ms", samples=(1.0,))


async def quiet(_: Effort) -> AsyncIterator[Figure]:
    yield ONE


async def broken(_: Effort) -> AsyncIterator[Figure]:
    yield ONE
    raise Broken("two 201 for one seat")


async def test_a_question_is_answered_with_its_figures() -> None:
    assert await answered("rush", quiet, Effort()) == Answered("rush", (ONE,))


async def test_what_was_measured_before_a_failure_stays() -> None:
    answer = await answered("rush", broken, Effort())
    assert answer == Answered("rush", (ONE,), "two 201 for one seat")


async def test_a_mistake_of_ours_fails_its_question_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def mistaken(_: Effort) -> AsyncIterator[Figure]:
        yield ONE
        raise ExceptionGroup("tasks", [ZeroDivisionError("by zero"), ZeroDivisionError("by zero")])

    answer = await answered("rush", mistaken, Effort())
    assert answer == Answered("rush", (ONE,), "ZeroDivisionError('by zero')")
    assert "ZeroDivisionError" in capsys.readouterr().err


async def test_a_question_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(_: Effort) -> AsyncIterator[Figure]:
        await asyncio.Event().wait()
        yield ONE

    monkeypatch.setattr(command, "QUESTION_TIMEOUT_S", 0.01)
    assert (await answered("rush", endless, Effort())).failure == "not answered within 0 s"


@pytest.mark.parametrize(("question", "code"), [(quiet, 0), (broken, 1)])
def test_the_exit_code_says_whether_a_promise_was_broken(
    question: command.Question,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = tmp_path / "figures.json"
    monkeypatch.setattr(command, "QUESTIONS", {"rush": question})
    monkeypatch.setattr(sys, "argv", ["bench", "rush", "--quick", "--json", str(kept)])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == code
    assert "one" in capsys.readouterr().out
    told = json.loads(kept.read_text())
    assert told["quick"] is True
    assert [each["question"] for each in told["questions"]] == ["rush"]


@pytest.mark.parametrize(
    ("costs", "stored", "code", "said"),
    [
        ((2.4,), {"rush: a press / nothing": 2.0}, 0, "held"),
        ((2.6, 2.6), {"rush: a press / nothing": 2.0}, 1, "REGRESSION"),
        ((2.6, 2.1), {"rush: a press / nothing": 2.0}, 0, "held"),
        ((1.0,), {"rush: another / nothing": 2.0}, 1, "MISSING"),
        ((9.0,), {"fanout: a frame / nothing": 2.0}, 0, ""),
    ],
)
def test_a_ratio_that_is_worse_than_stored_is_measured_again_and_then_fails(
    costs: tuple[float, ...],
    stored: dict[str, float],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    left = list(costs)

    async def measured(_: Effort) -> AsyncIterator[Figure]:
        beside = Beside("nothing", (1.0,))
        yield Figure(name="a press", unit="us", samples=(left.pop(0),), beside=beside)

    kept, ratios = tmp_path / "kept.json", tmp_path / "ratios.json"
    ratios.write_text(json.dumps(stored))
    monkeypatch.setattr(command, "QUESTIONS", {"rush": measured})
    arguments = ["bench", "rush", "--against", str(ratios), "--store", str(kept)]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == code
    assert said in capsys.readouterr().out
    assert json.loads(kept.read_text()) == {"rush: a press / nothing": costs[0]}
    assert not left


def test_there_are_no_other_questions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "colour"])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2
    assert "lateness" in capsys.readouterr().err
