"""The catalogue cannot rot, and its runner can fail both ways."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants.bench import Bench, Inconclusive, Verdict, bench
from tests.mutants.catalogue import CATALOGUE
from tests.mutants.copies import Copy, Ran
from tests.mutants.killers import KILLERS, Judged, Killer, Result
from tests.mutants.mutant import DoesNotApply, Mutant, Promise
from tests.mutants.run import (
    ALL_CAUGHT,
    INCONCLUSIVE,
    SURVIVORS,
    chosen,
    fields,
    line,
    main,
    run,
    summary,
)
from tests.tidy.tree import ROOT

SAMPLE = next(bug for bug in CATALOGUE if bug.name.startswith("The locked price"))
HARMLESS = Mutant(
    "Somebody says it in other words",
    SAMPLE.file,
    "Sell the seat, or say why not.",
    "Sell the seat, or tell why not.",
    SAMPLE.breaks,
)


# --- the catalogue -------------------------------------------------------------------------------


def test_every_bug_still_applies_and_leaves_code_that_can_be_read() -> None:
    wrong = []
    for bug in CATALOGUE:
        try:
            bug.applied_in(ROOT)
        except (DoesNotApply, SyntaxError) as error:
            wrong.append(f"{bug.name}: {error}")
    assert not wrong, "\n".join(wrong)


def test_no_two_bugs_have_one_name_or_make_one_change() -> None:
    names = Counter(bug.name for bug in CATALOGUE)
    changes = Counter((bug.file, bug.old, bug.new) for bug in CATALOGUE)
    assert [name for name, count in names.items() if count > 1] == []
    assert [change for change, count in changes.items() if count > 1] == []


def test_there_are_enough_of_them_and_some_for_every_promise() -> None:
    assert len(CATALOGUE) >= 40
    assert sum(bug.simulated for bug in CATALOGUE) >= 40
    for promise in Promise:
        assert sum(bug.breaks is promise for bug in CATALOGUE) >= 5, promise


def test_all_parts_of_the_core_have_some() -> None:
    parts = Counter(bug.file.rpartition("/")[0] for bug in CATALOGUE)
    assert min(parts[each] for each in ("engine", "engine/domain", "engine/store")) >= 5
    assert min(parts[f"engine/store/{each}"] for each in ("memory", "postgres")) >= 5


def test_the_tests_that_bugs_name_are_there() -> None:
    named = {
        argument.partition("::")[0]
        for bug in CATALOGUE
        for argument in bug.selection
        if argument.startswith("tests/")
    }
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_a_bug_that_is_not_there_or_not_just_once_does_not_apply() -> None:
    bug = replace(SAMPLE, old="x = 1", new="x = 2")
    assert bug.applied_to("x = 1\n") == "x = 2\n"
    for text in ("y = 1\n", "x = 1\nx = 1\n"):
        with pytest.raises(DoesNotApply):
            bug.applied_to(text)
    with pytest.raises(DoesNotApply):
        replace(bug, new="x  =  1").applied_to("x = 1\n")
    with pytest.raises(SyntaxError):
        replace(bug, new="x = ").applied_to("x = 1\n")


# --- the runner, on the real tree ----------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> Iterator[Bench]:
    with bench(1) as made:
        yield made


def test_a_bug_is_caught_and_a_harmless_change_survives(real: Bench) -> None:
    before = (ROOT / SAMPLE.file).read_text("utf-8")
    verdicts: list[Verdict] = []
    assert run(real, ["tests"], [SAMPLE, HARMLESS], verdicts) == SURVIVORS
    by_name = {verdict.mutant.name: verdict for verdict in verdicts}
    catcher = by_name[SAMPLE.name].catcher
    assert catcher is not None
    assert catcher.by.startswith("tests/domain/test_booking.py::")
    assert by_name[HARMLESS.name].catcher is None
    assert (ROOT / SAMPLE.file).read_text("utf-8") == before
    assert (real.copies[0].folder / SAMPLE.file).read_text("utf-8") == before


def test_commands_import_the_copy_and_never_the_original(real: Bench) -> None:
    copy = real.copies[0]
    assert copy.imports_from() == {copy.folder}
    asked = [sys.executable, "-c", "from engine.domain.codes import PREFIX; print(PREFIX)"]
    assert copy.run(asked, 60).output.strip() == "HOT"
    bug = Mutant("Another prefix", "engine/domain/codes.py", '= "HOT"', '= "TOH"', Promise.P2)
    with copy.with_bug(bug):
        assert copy.run(asked, 60).output.strip() == "TOH"
    assert copy.run(asked, 60).output.strip() == "HOT"


def test_what_hangs_is_ended_with_all_that_it_has_started(real: Bench) -> None:
    waits = "import time; time.sleep(600)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {waits!r}])"
    ran = real.copies[0].run([sys.executable, "-c", parent], 0.5)
    assert ran.code is None
    assert KILLERS["tests"].read(ran).caught


# --- the runner, on killers that are known -------------------------------------------------------


class Scripted(Killer):
    """Fails where it is told to."""

    name = "scripted"

    def __init__(self, code: int | None, *, healthy_code: int = 0) -> None:
        self._code = code
        self._healthy_code = healthy_code

    def exists(self, copy: Copy) -> bool:
        return True

    def judge(self, copy: Copy, mutant: Mutant) -> Judged:
        return self.read(Ran(self._code, "FAILED a/b.py::test_c - why", 1.0))

    def healthy(self, mutants: Iterable[Mutant]) -> Sequence[Sequence[str]]:
        return [[sys.executable, "-c", f"raise SystemExit({self._healthy_code})"]]

    def read(self, ran: Ran) -> Judged:
        return KILLERS["tests"].read(ran)


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (0, Result.PASSED),
        (1, Result.FAILED),
        (2, Result.FAILED),
        (None, Result.HUNG),
        (4, Result.UNUSABLE),
        (5, Result.UNUSABLE),
    ],
)
def test_a_run_of_tests_is_read_by_its_exit_code(code: int | None, result: Result) -> None:
    assert KILLERS["tests"].read(Ran(code, "", 0.0)).result is result


@pytest.mark.parametrize(
    ("code", "result"),
    [(0, Result.PASSED), (1, Result.FAILED), (None, Result.HUNG), (2, Result.UNUSABLE)],
)
def test_a_simulation_is_read_by_its_exit_code(code: int | None, result: Result) -> None:
    assert KILLERS["simulation"].read(Ran(code, "", 0.0)).result is result


def test_a_simulation_says_which_promise_broke_and_may_be_short() -> None:
    broke = "1 failed; 0.1 hours\n  seed 7: P1 broken: two in one seat\n"
    judged = KILLERS["simulation"].read(Ran(1, broke, 0.0))
    assert (judged.result, judged.by) == (
        Result.FAILED,
        "simulation, seed 7: P1 broken: two in one seat",
    )
    short = "0 failed; 0.1 hours\nINCONCLUSIVE: never happened: bus_lost\n"
    assert KILLERS["simulation"].read(Ran(1, short, 0.0)).result is Result.PASSED


def test_a_killer_that_fails_without_a_bug_proves_nothing(
    real: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KILLERS, "scripted", Scripted(1, healthy_code=1))
    with pytest.raises(Inconclusive):
        run(real, ["scripted"], [SAMPLE], [])


def test_a_killer_that_cannot_judge_proves_nothing(
    real: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(KILLERS, "scripted", Scripted(5))
    with pytest.raises(Inconclusive):
        run(real, ["scripted"], [SAMPLE], [])


def test_nobody_to_ask_proves_nothing(real: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    absent = Scripted(0)
    monkeypatch.setattr(absent, "exists", lambda copy: False)
    monkeypatch.setitem(KILLERS, "scripted", absent)
    with pytest.raises(Inconclusive):
        run(real, ["scripted"], [SAMPLE], [])
    with pytest.raises(Inconclusive):
        run(real, ["nobody"], [SAMPLE], [])
    assert main(["--only", "no bug is called like that"]) == INCONCLUSIVE


@pytest.mark.parametrize(
    ("code", "expected"), [(1, ALL_CAUGHT), (None, ALL_CAUGHT), (0, SURVIVORS)]
)
def test_the_exit_code_says_whether_one_survived(
    real: Bench, monkeypatch: pytest.MonkeyPatch, code: int | None, expected: int
) -> None:
    monkeypatch.setitem(KILLERS, "scripted", Scripted(code))
    assert run(real, ["scripted"], [SAMPLE], []) == expected


def test_a_table_says_who_caught_what_and_what_the_simulation_missed() -> None:
    missed = Judged("simulation", Result.PASSED, "simulation", Ran(0, "", 2.0))
    caught = Judged("tests", Result.FAILED, "a.py::test_b", Ran(1, "", 1.0))
    one, two = Verdict(SAMPLE, (missed, caught)), Verdict(HARMLESS, (missed,))
    assert "caught" in line(one)
    assert "[a.py::test_b]" in line(one)
    assert "SURVIVED" in line(two)
    assert fields(one)["simulation"] is False
    assert fields(one)["caught_by"] == "a.py::test_b"
    said = "\n".join(summary([one, two]))
    assert "1 of 2 bugs caught" in said
    assert "The simulation alone caught 0 of 2" in said
    assert f"the simulation should see it: {SAMPLE.name}" in said
    assert f"SURVIVED: {HARMLESS.name}" in said


def test_bugs_are_chosen_by_a_part_of_their_name_or_file() -> None:
    assert chosen([SAMPLE.name.upper()]) == [SAMPLE]
    assert {bug.file for bug in chosen(["engine/mailbox"])} == {"engine/mailbox.py"}
    assert chosen([]) == list(CATALOGUE)


def test_a_copy_leaves_out_what_no_command_needs(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in ("engine/a.py", "docs/b.md", "edge/web/c.ts", "edge/d.py", ".gitignore"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("", "utf-8")
    copy = Copy(root, tmp_path / "copy")
    copied = {path.relative_to(copy.folder).as_posix() for path in copy.folder.rglob("*.*")}
    assert copied == {"engine/a.py", "edge/d.py"}
