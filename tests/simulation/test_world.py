"""Whole runs: the same every time, and only an engine that is wrong breaks a promise."""

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from engine.simulation.audience import Channel
from engine.simulation.crowd import Crowd
from engine.simulation.faults import Fault
from engine.simulation.loop import BEGIN_MS
from engine.simulation.network import Network
from engine.simulation.plan import Act, Habit, Plan, Press, Staff, Trouble, Wish, plan_of
from engine.simulation.wire import WiredOutbox
from engine.simulation.world import Outcome, World, run
from tests.simulation import mutations
from tests.simulation.elsewhere import elsewhere
from tests.simulation.mutations import Mutation

RUNS = (("small", 1), ("small", 2), ("standard", 1))
DIGESTS = """
from engine.simulation.plan import plan_of
from engine.simulation.world import run
for kind, seed in (("small", 1), ("small", 2), ("standard", 1)):
    outcome = run(plan_of(kind, seed))
    print(outcome.digest, len(outcome.trace))
"""


# --- the same every time -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def here() -> list[str]:
    outcomes = [run(plan_of(*of)) for of in RUNS]
    assert all(len(outcome.trace) > 20 for outcome in outcomes), "INCONCLUSIVE"
    return [f"{outcome.digest} {len(outcome.trace)}" for outcome in outcomes]


def test_a_seed_is_one_run_whatever_ran_before_it(here: list[str]) -> None:
    again = [run(plan_of(*of)) for of in reversed(RUNS)]
    assert [f"{each.digest} {len(each.trace)}" for each in reversed(again)] == here
    assert len(set(here)) == len(RUNS)


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_a_seed_is_one_run_in_every_process(here: list[str], hash_seed: str) -> None:
    assert elsewhere(DIGESTS, hash_seed).splitlines() == here


# --- an engine that is right ---------------------------------------------------------------------


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_alone_strikes_and_breaks_nothing(fault: Fault) -> None:
    struck: Counter[str] = Counter()
    for seed in range(30):
        outcome = run(troubled(plan_of("small", seed, [fault]), fault))
        assert outcome.breach is None, (seed, outcome.breach)
        struck.update(outcome.struck)
    assert struck[fault] >= 10, "INCONCLUSIVE"
    # Whoever stands still or is flooded may meet a full mailbox without anybody's planning it.
    assert set(struck) <= {fault, Fault.MAILBOX_FULL}


def troubled(plan: Plan, fault: Fault) -> Plan:
    """The plan with that fault three times more, in the midst of it: alone it is seldom drawn."""
    if fault is Fault.TIMER_EARLY:
        return replace(plan, wakes_early=True)
    if fault is Fault.MAILBOX_FULL:
        settings = replace(plan.settings, mailbox_depth_max=3)
        rush = tuple(
            Press(9_000 + guest, BEGIN_MS + 1_500, guest, 1, Habit.PATIENT, exact=True)
            for guest in range(1, 11)
        )
        return replace(plan, settings=settings, acts=in_order((*plan.acts, *rush)))
    size = {Fault.CLOCK_STEP: 2_000, Fault.NODE_PAUSE: 3_500, Fault.LINE_CUT: 3_500}.get(fault, 300)
    more = tuple(
        Trouble(9_000 + no, BEGIN_MS + 600 + 700 * no, fault, 0, size if size_counts(fault) else 1)
        for no in range(3)
    )
    return replace(plan, acts=in_order((*plan.acts, *more)))


def size_counts(fault: Fault) -> bool:
    """Is a trouble's size a time? Of the others it is a number of strikes."""
    timed = (
        Fault.STORE_AWAY,
        Fault.NODE_PAUSE,
        Fault.LINE_CUT,
        Fault.LOOP_STALL,
        Fault.CLOCK_STEP,
        Fault.BUS_PARTITION,
        Fault.NODE_CRASH,
        Fault.NODE_RESTART,
    )
    return fault in timed


def in_order(acts: Iterable[Act]) -> tuple[Act, ...]:
    return tuple(sorted(acts, key=lambda act: (act.at_ms, act.no)))


def test_without_faults_nothing_strikes() -> None:
    seen: Counter[str] = Counter()
    for seed in range(30):
        outcome = run(plan_of("small", seed, ()))
        assert outcome.breach is None, (seed, outcome.breach)
        assert not outcome.struck
        seen.update(outcome.seen)
    assert min(seen["booked"], seen["refusals"], seen["personal"], seen["mails"]) > 100
    assert not seen["Superseded"]


def test_a_run_says_what_it_came_to() -> None:
    plan = plan_of("small", 1)
    outcome = run(plan)
    assert outcome.plan is plan
    assert outcome.virtual_ms >= plan.until_ms - BEGIN_MS
    assert outcome.seen["presses"] > 0
    instants = [int(str(line[0])) for line in outcome.trace]
    assert instants == sorted(instants)
    assert any("all faults end" in line for line in outcome.trace)


def test_a_seat_that_is_left_is_asked_for_in_the_end() -> None:
    plan = plan_of("small", 1, ())
    outcome = run(plan.only([]))
    assert outcome.breach is None
    assert outcome.seen["booked"] >= 1


# --- what is looked at in the end ----------------------------------------------------------------


def promise_of(plan: Plan) -> str | None:
    breach = run(plan).breach
    return None if breach is None else breach.promise


def test_in_the_end_everything_heals() -> None:
    plan = plan_of("small", 1, ())
    trouble = (
        Trouble(9_000, BEGIN_MS + 1, Fault.MAIL_DELAYED, 0, 5_000),
        Trouble(9_001, BEGIN_MS + 2, Fault.COMMIT_REFUSED, 0, 5_000),
        Trouble(9_002, plan.until_ms - 1, Fault.STORE_AWAY, 0, 10**9),
        Trouble(9_003, plan.until_ms - 1, Fault.LINE_CUT, 0, 10**9),
        Trouble(9_004, plan.until_ms - 1, Fault.BUS_PARTITION, 0, 10**9),
    )
    assert promise_of(replace(plan, acts=in_order((*plan.acts, *trouble)))) is None


async def _forever(*_: object) -> None:
    await asyncio.Event().wait()


def test_a_guest_who_waits_for_ever_is_a_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Crowd, "press", _forever)
    assert promise_of(plan_of("small", 1, ())) == "liveness"


def test_whoever_asks_for_what_is_left_and_waits_for_ever_is_a_breach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Crowd, "press", _forever)
    assert promise_of(plan_of("small", 1, ()).only([])) == "liveness"


def test_a_seat_that_is_left_in_spite_of_demand_is_a_breach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refused(self: Crowd, act: Press) -> None:
        self.judge.asks(act.guest, f"k{act.no}", act.auction_id)

    monkeypatch.setattr(Crowd, "press", refused)
    assert promise_of(plan_of("small", 1, ())) == "P1"


def test_a_notice_that_is_never_carried_is_a_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    async def done(*_: object) -> None: ...

    monkeypatch.setattr(WiredOutbox, "done", done)
    assert promise_of(plan_of("small", 1, ())) == "liveness"


def test_a_watcher_who_ends_with_less_than_is_stored_is_a_breach(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = plan_of("small", 1, ())
    sales = {auction.id: auction for auction in plan.auctions}
    monkeypatch.setattr(Channel, "carry", lambda *_: None)
    monkeypatch.setattr(Network, "snapshot", lambda _, auction_id: sales[auction_id])
    assert promise_of(plan) == "P6"


def test_what_nobody_caught_is_a_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    async def raises(*_: object) -> None:
        raise ValueError("of the crowd")

    monkeypatch.setattr(Crowd, "staff", raises)
    plan = plan_of("small", 1, ())
    plan = replace(plan, acts=(Staff(1, BEGIN_MS + 1, 1, Wish.LOOK),))
    assert promise_of(plan) == "no surprise"


def test_what_the_engine_logs_as_a_mistake_is_a_surprise(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = [logging.LogRecord("engine", logging.ERROR, "", 0, "it broke", (), None)]
    outcome = World(plan_of("small", 1, ()), heard).run()
    assert outcome.breach is not None
    assert (outcome.breach.promise, "it broke" in outcome.breach.what) == ("no surprise", True)
    run(plan_of("small", 1))
    assert (caplog.records, capsys.readouterr().err) == ([], "")


def test_the_logs_of_the_engine_are_as_they_were() -> None:
    logger = logging.getLogger("engine")
    before = (logger.propagate, logger.level, list(logger.handlers))
    run(plan_of("small", 1))
    assert (logger.propagate, logger.level, list(logger.handlers)) == before


# --- an engine that is not -----------------------------------------------------------------------

SEEDS = range(60)


def first_breach(mutation: Mutation, kind: str = "small") -> Outcome:
    """The first run in which an engine with that fault breaks a promise."""
    with pytest.MonkeyPatch.context() as patch:
        mutation(patch)
        for seed in SEEDS:
            outcome = run(plan_of(kind, seed))
            if outcome.breach is not None:
                gc.collect()
                return outcome
    raise AssertionError(f"nobody noticed {mutation.__name__}")


@pytest.mark.parametrize(
    ("mutation", "promises"),
    [
        (mutations.commits_ignore_fence_and_revision, {"P8"}),
        (mutations.answers_before_the_commit, {"P2"}),
        (mutations.publishes_before_the_commit, {"P6"}),
        (mutations.takes_the_unknown_for_a_no, {"P3", "liveness"}),
        (mutations.never_asks_what_became_of_it, {"liveness"}),
        (mutations.sells_at_the_price_of_a_drop_ago, {"P4"}),
        (mutations.forgets_keys, {"P5"}),
        (mutations.forgets_seats_that_come_back, {"P1"}),
        (mutations.tells_the_wrong_guest, {"P3"}),
        (mutations.counts_frames_wrong, {"P6"}),
        (mutations.done_without_carrying, {"P2"}),
    ],
)
def test_an_engine_with_a_fault_breaks_its_promise(mutation: Mutation, promises: set[str]) -> None:
    breach = first_breach(mutation).breach
    assert breach is not None
    assert breach.promise in promises
