"""`hothour simulate`: what it is asked, what it prints, and how it ends."""

import json
import re
import shlex

import pytest
from typer.testing import CliRunner, Result

from edge import simulate
from engine.simulation import runner
from engine.simulation.faults import Fault
from engine.simulation.plan import plan_of
from engine.simulation.world import run
from tests.simulation import mutations

FAILING = 60
"""Among so many small worlds the broken engine below is found out."""


def hothour(*arguments: str) -> Result:
    return CliRunner().invoke(simulate.app, [*arguments], catch_exceptions=False)


def one_worker(*arguments: str) -> Result:
    return hothour("--workers", "1", *arguments)


@pytest.fixture
def broken_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seats that come back are forgotten, here; so all work must be done in this process."""
    mutations.forgets_seats_that_come_back(monkeypatch)


def first_failing() -> int:
    return next(n for n in range(FAILING) if run(plan_of("small", n)).breach is not None)


# --- ranges --------------------------------------------------------------------------------------


def test_a_range_is_summed_up_in_a_table() -> None:
    done = one_worker("--seeds", "0-19")
    assert done.exit_code == 0
    assert "20 small worlds, seeds 0 to 19" in done.output
    assert all(f"fault {fault.value}" in done.output for fault in Fault)
    assert "0 failed; " in done.output
    assert "worlds a second; traces " in done.output


@pytest.mark.parametrize("seeds", ["0-9", "0:9"])
def test_a_range_may_be_written_either_way(seeds: str) -> None:
    assert "seeds 0 to 9" in one_worker("--seeds", seeds).output


def test_the_sums_can_be_had_as_json() -> None:
    done = one_worker("--seeds", "0-9", "--json")
    assert done.exit_code == 0
    report = json.loads(done.output)
    assert (report["kind"], report["worlds"], report["failures"]) == ("small", 10, 0)
    assert report["seen"]["presses"] > 100
    assert report["digest"] == runner.run_range("small", 0, 9).digest


def test_several_workers_come_to_the_same() -> None:
    def traces(workers: str) -> str:
        output = hothour("--workers", workers, "--seeds", "0-99", "--json").output
        digest: str = json.loads(output)["digest"]
        return digest

    assert traces("2") == traces("1")


def test_only_one_fault_or_none() -> None:
    def struck(*arguments: str) -> set[str]:
        report = json.loads(one_worker("--seeds", "0-29", "--json", *arguments).output)
        return set(report["struck"])

    assert struck("--fault", "node_crash") == {"node_crash"}
    assert struck("--fault", "node_crash", "--fault", "bus_lost") == {"node_crash", "bus_lost"}
    assert struck("--fault", "none") == set()


def test_a_range_in_which_too_little_happened_proves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "ENOUGH_TO_JUDGE", 2)
    done = one_worker("--seeds", "0-2")
    assert done.exit_code == 1
    assert "INCONCLUSIVE: never happened: " in done.output


# --- one seed ------------------------------------------------------------------------------------


def test_one_seed_says_what_it_came_to() -> None:
    outcome = run(plan_of("small", 7))
    done = hothour("--seeds", "7")
    assert done.exit_code == 0
    assert done.output == (
        f"small 7: every promise kept, {len(outcome.plan.acts)} acts, trace {outcome.digest}\n"
    )


def test_everything_can_be_told() -> None:
    outcome = run(plan_of("small", 7))
    lines = hothour("--seeds", "7", "--trace").output.splitlines()
    assert len(lines) == len(outcome.trace) + 1
    assert all(re.match(r" *\d+\.\d{3} ms  \S", line) for line in lines[:-1])


def test_another_world() -> None:
    outcome = run(plan_of("standard", 0))
    done = hothour("--seeds", "0", "--world", "standard")
    assert f"standard 0: every promise kept, {len(outcome.plan.acts)} acts" in done.output


def test_only_some_acts() -> None:
    numbers = [act.no for act in plan_of("small", 7).acts][:3]
    only = ",".join(str(number) for number in numbers)
    outcome = run(plan_of("small", 7).only(numbers))
    done = hothour("--seeds", "7", "--only", only)
    assert f"3 acts, trace {outcome.digest}" in done.output


# --- what fails ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("broken_engine")
def test_a_range_with_a_failure_ends_in_one_and_tells_how_to_have_it_again() -> None:
    done = one_worker("--seeds", f"0-{FAILING - 1}")
    assert done.exit_code == 1
    seed = first_failing()
    assert re.search(rf"^  seed {seed}: P1: ", done.output, re.MULTILINE)
    assert f"\nseed {seed}: P1 broken: " in done.output
    assert "BREACH P1" in done.output
    replayed = hothour(*told(done, "replay"))
    assert replayed.exit_code == 1
    assert f"small {seed}: P1 broken" in replayed.output
    shrunk = hothour(*told(done, "shrunk"))
    assert shrunk.exit_code == 1
    assert "BREACH P1" in shrunk.output
    acts = re.search(r"(\d+) acts, trace", shrunk.output)
    assert acts is not None
    assert int(acts[1]) < len(plan_of("small", seed).acts)


@pytest.mark.usefixtures("broken_engine")
def test_the_command_that_replays_names_the_faults_that_were_chosen() -> None:
    done = one_worker("--seeds", f"0-{FAILING - 1}", "--fault", "commit_late", "--json")
    assert done.exit_code == 1
    assert told(done, "replay")[-2:] == ["--fault", "commit_late"]
    replayed = hothour(*told(done, "replay"))
    assert (replayed.exit_code, told(replayed, "replay")) == (1, told(done, "replay"))


@pytest.mark.usefixtures("broken_engine")
def test_a_failure_without_any_fault_is_replayed_without_any() -> None:
    seed = next(n for n in range(200) if run(plan_of("small", n, ())).breach is not None)
    done = hothour("--seeds", str(seed), "--fault", "none")
    assert done.exit_code == 1
    assert told(done, "replay")[-2:] == ["--fault", "none"]


def told(done: Result, what: str) -> list[str]:
    """The arguments of the command that was printed."""
    found = re.search(rf"^{what}: hothour simulate (.*)$", done.output, re.MULTILINE)
    assert found is not None, done.output
    return shlex.split(found[1])


# --- what is asked wrong -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--fault", "gremlins"], "no fault is called gremlins"),
        (["--fault", "none", "--fault", "bus_lost"], "no fault is called none"),
        (["--world", "huge"], "there are the worlds small, standard"),
        (["--seeds", "9-3"], "a range is A-B"),
        (["--seeds", "many"], "a range is A-B"),
        (["--seeds", "0-9", "--only", "3"], "go with one seed"),
        (["--seeds", "0-9", "--trace"], "go with one seed"),
        (["--seeds", "3", "--only", "a,b"], "numbers of acts"),
    ],
)
def test_what_is_asked_wrong_is_a_sentence(arguments: list[str], sentence: str) -> None:
    done = hothour(*arguments)
    assert done.exit_code == 2
    assert sentence in " ".join(re.sub(r"[│╭╰─╮╯]", " ", done.output).split())
