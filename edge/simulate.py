"""`hothour simulate`: runs of the whole engine under virtual time, and what they came to.

The only place outside of the tests that knows engine.simulation; nothing that serves imports it.
"""

import os
import sys
from collections.abc import Collection
from dataclasses import fields
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from engine.simulation.faults import Fault
from engine.simulation.plan import WORLDS, plan_of
from engine.simulation.runner import Report, run_range
from engine.simulation.shrink import shrunk
from engine.simulation.world import Outcome, run

_TRACE_LINES = 120

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Seeds = Annotated[str, typer.Option(help="A range A-B, both included, or one seed.")]
World = Annotated[str, typer.Option(help="small: for counts; standard: for depth.")]
Faults = Annotated[
    list[str] | None, typer.Option("--fault", help="Only this fault (again for another); or none.")
]
Workers = Annotated[int, typer.Option(help="Processes; 0: one a core.")]
Only = Annotated[str | None, typer.Option(help="With one seed: only these acts, such as 3,7.")]
Trace = Annotated[bool, typer.Option("--trace", help="With one seed: tell everything.")]
Json = Annotated[bool, typer.Option("--json", help="The sums as JSON instead of a table.")]


@app.command()
def simulate(
    seeds: Seeds = "0-499",
    world: World = "small",
    fault: Faults = None,
    workers: Workers = 0,
    only: Only = None,
    trace: Trace = False,
    as_json: Json = False,
) -> None:
    """Simulate the engine under every fault it may meet; exits with 1 when a promise breaks."""
    first, last = _range(seeds)
    if world not in WORLDS:
        raise typer.BadParameter(f"there are the worlds {', '.join(WORLDS)}", param_hint="--world")
    faults = _faults(fault)
    if first == last:
        _one(world, first, faults, only, tell_all=trace)
        return
    if only is not None or trace:
        raise typer.BadParameter("--only and --trace go with one seed", param_hint="--seeds")
    report = run_range(
        world, first, last, faults=faults, workers=workers or os.cpu_count() or 1, told=_progress
    )
    _clear()
    if as_json:
        sums = {each.name: getattr(report, each.name) for each in fields(report)}
        _say(orjson.dumps(sums, option=orjson.OPT_NON_STR_KEYS).decode())
    else:
        _show(report)
    silent = report.never(faults)
    if silent:
        _say(f"INCONCLUSIVE: never happened: {', '.join(silent)}")
    if report.failed:
        seed = min(report.failed)
        _explain(run(plan_of(world, seed, faults)), fault)
    if report.failures or silent:
        raise typer.Exit(1)


def _range(seeds: str) -> tuple[int, int]:
    first, _, last = seeds.replace(":", "-").partition("-")
    try:
        ends = int(first), int(last or first)
    except ValueError:
        ends = (1, 0)
    if ends[1] < ends[0]:
        raise typer.BadParameter("a range is A-B, such as 0-499", param_hint="--seeds")
    return ends


def _faults(names: list[str] | None) -> tuple[Fault, ...]:
    if names is None:
        return tuple(Fault)
    if names == ["none"]:
        return ()
    known = {fault.value for fault in Fault}
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"no fault is called {', '.join(unknown)}; there are {', '.join(sorted(known))}"
        raise typer.BadParameter(message, param_hint="--fault")
    return tuple(Fault(name) for name in names)


def _one(
    world: str, seed: int, faults: Collection[Fault], only: str | None, *, tell_all: bool
) -> None:
    plan = plan_of(world, seed, faults)
    if only is not None:
        try:
            plan = plan.only({int(number) for number in only.split(",")})
        except ValueError:
            raise typer.BadParameter("numbers of acts, such as 3,7", param_hint="--only") from None
    outcome = run(plan)
    if tell_all:
        _tell(outcome, len(outcome.trace))
    elif outcome.breach is not None:
        chosen = [fault.value for fault in faults] or ["none"]
        _explain(outcome, None if set(faults) == set(Fault) else chosen)
    _say(f"{world} {seed}: {_verdict(outcome)}, {len(plan.acts)} acts, trace {outcome.digest}")
    if outcome.breach is not None:
        raise typer.Exit(1)


def _verdict(outcome: Outcome) -> str:
    breach = outcome.breach
    return "every promise kept" if breach is None else f"{breach.promise} broken: {breach.what}"


def _explain(failed: Outcome, faults: list[str] | None) -> None:
    """The smallest run that fails the same way, and how to have it again."""
    small = shrunk(failed)
    acts = ",".join(str(act.no) for act in small.plan.acts)
    chosen = "".join(f" --fault {name}" for name in faults or ())
    _say(f"\nseed {failed.plan.seed}: {_verdict(small)}")
    for act in small.plan.acts:
        _say(f"  {act}")
    _tell(small, _TRACE_LINES)
    where = f"--world {failed.plan.kind} --seeds {failed.plan.seed}"
    _say(f"\nreplay: hothour simulate {where}{chosen}\n")
    _say(f"shrunk: hothour simulate {where}{chosen} --only {acts} --trace")


def _tell(outcome: Outcome, most: int) -> None:
    begin_ns = outcome.trace[0][0] if outcome.trace else 0
    assert isinstance(begin_ns, int)
    for at_ns, *what in outcome.trace[-most:]:
        assert isinstance(at_ns, int)
        _say(f"{(at_ns - begin_ns) / 1e6:12.3f} ms  {' '.join(str(each) for each in what)}")


def _show(report: Report) -> None:
    console = Console(width=100, highlight=False)
    title = f"{report.worlds:,} {report.kind} worlds, seeds {report.first} to {report.last}"
    table = Table("what", "times", title=title, title_justify="left")
    for name in (fault.value for fault in Fault):
        table.add_row(f"fault {name}", f"{report.struck[Fault(name)]:,}")
    for name, times in sorted(report.seen.items()):
        table.add_row(name, f"{times:,}")
    console.print(table)
    rate = report.worlds / report.seconds
    _say(
        f"{report.failures} failed; {report.virtual_s / 3600:,.1f} hours simulated in "
        f"{report.seconds:.1f} s, {rate:.0f} worlds a second; traces {report.digest}"
    )
    for seed, why in report.failed.items():
        _say(f"  seed {seed}: {why}")


def _progress(report: Report) -> None:
    if sys.stderr.isatty():
        done = f"{report.worlds:,} of {report.last - report.first + 1:,}"
        sys.stderr.write(f"\r{done} worlds, {report.failures} failed ")
        sys.stderr.flush()


def _clear() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
