"""A plan is all that a seed decides, and nothing else decides anything."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.domain.rules import broken
from engine.domain.terms import Terms
from engine.simulation.faults import Fault
from engine.simulation.loop import BEGIN_MS
from engine.simulation.plan import (
    WORLDS,
    Habit,
    Plan,
    Press,
    Staff,
    Trouble,
    Wish,
    plan_of,
)
from tests.simulation.elsewhere import elsewhere

SEEDS = range(300)
DIGESTS = """
import hashlib
from engine.simulation.plan import plan_of
for kind, seed in (("small", 3), ("small", 4), ("standard", 3)):
    print(hashlib.sha256(repr(plan_of(kind, seed)).encode()).hexdigest())
"""


def plans(kind: str = "small") -> Iterator[Plan]:
    return (plan_of(kind, seed) for seed in (SEEDS if kind == "small" else range(20)))


def digest(plan: Plan) -> str:
    return hashlib.sha256(repr(plan).encode()).hexdigest()


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_one_seed_is_one_plan_in_every_process(hash_seed: str) -> None:
    here = [digest(plan_of(*of)) for of in (("small", 3), ("small", 4), ("standard", 3))]
    assert elsewhere(DIGESTS, hash_seed).split() == here
    assert len(set(here)) == 3


def test_another_seed_is_another_plan() -> None:
    assert len({digest(replace(plan, seed=0)) for plan in plans()}) == len(SEEDS)


@pytest.mark.parametrize("kind", WORLDS)
def test_every_sale_keeps_the_rules_of_sales(kind: str) -> None:
    for plan in plans(kind):
        for auction in plan.auctions:
            assert broken(auction.terms, auction.terms.ends_at_ms - 1) == (), plan.seed


@pytest.mark.parametrize("kind", WORLDS)
def test_every_plan_has_the_size_of_its_world(kind: str) -> None:
    size = WORLDS[kind]
    for plan in plans(kind):
        presses = [act for act in plan.acts if isinstance(act, Press)]
        troubles = [act for act in plan.acts if isinstance(act, Trouble)]
        asked_of = {auction.id for auction in plan.auctions}
        assert size.members[0] <= plan.members <= size.members[1]
        assert size.auctions[0] <= len(plan.auctions) <= size.auctions[1]
        assert size.guests[0] <= plan.guests <= size.guests[1]
        assert size.presses[0] <= len(presses) <= size.presses[1] + 12, "a crowd comes on top"
        assert size.troubles[0] <= len(troubles) <= size.troubles[1]
        assert {auction.terms.seats for auction in plan.auctions} <= set(size.seats)
        assert len(plan.skew_ms) == plan.members
        assert all(1 <= press.guest <= plan.guests for press in presses)
        assert {act.auction_id for act in plan.acts if not isinstance(act, Trouble)} <= asked_of
        assert all(0 <= trouble.where < plan.members for trouble in troubles)


def test_acts_are_numbered_once_each_and_happen_in_order_before_the_end() -> None:
    for plan in plans():
        assert len({act.no for act in plan.acts}) == len(plan.acts)
        assert list(plan.acts) == sorted(plan.acts, key=lambda act: (act.at_ms, act.no))
        assert all(BEGIN_MS <= act.at_ms < plan.until_ms for act in plan.acts)


def test_every_fault_habit_and_wish_occurs() -> None:
    seen: Counter[object] = Counter()
    for plan in plans():
        for act in plan.acts:
            match act:
                case Press():
                    seen[act.habit] += 1
                    seen["exact"] += act.exact
                    seen["careful"] += act.careful
                case Staff():
                    seen[act.wish] += 1
                case Trouble():
                    seen[act.fault] += 1
        seen[Fault.TIMER_EARLY] += plan.wakes_early
        seen[Fault.MAILBOX_FULL] += plan.settings.mailbox_depth_max < 20_000
        seen["turbo"] += any(auction.terms.turbo for auction in plan.auctions)
        seen["ends in it"] += any(a.terms.ends_at_ms < plan.until_ms for a in plan.auctions)
        seen["starts in it"] += any(a.terms.starts_at_ms > BEGIN_MS for a in plan.auctions)
    wanted = [*Fault, *Habit, *Wish, "exact", "careful", "turbo", "ends in it", "starts in it"]
    assert [what for what in wanted if not seen[what]] == []


def test_an_exact_press_is_mostly_at_a_mark_or_a_millisecond_beside_it() -> None:
    marks: Counter[str] = Counter()
    for plan in plans():
        sales = {auction.id: auction.terms for auction in plan.auctions}
        for act in plan.acts:
            if isinstance(act, Press) and act.exact:
                marks[mark_of(act.at_ms, sales[act.auction_id])] += 1
    assert min(marks[mark] for mark in ("drop", "turbo", "end")) > 100, "INCONCLUSIVE"
    assert marks["none"] < 0.4 * marks.total()


def mark_of(at_ms: int, terms: Terms) -> str:
    if (at_ms - terms.starts_at_ms + 1) % terms.drop_every_ms <= 2:
        return "drop"
    if abs(at_ms - terms.ends_at_ms) <= 1:
        return "end"
    due_ms = terms.turbo_due_at_ms
    return "turbo" if due_ms is not None and abs(at_ms - due_ms) <= 1 else "none"


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_that_is_switched_off_changes_nothing_else(fault: Fault) -> None:
    for seed in range(25):
        whole = plan_of("small", seed)
        without = plan_of("small", seed, [other for other in Fault if other is not fault])
        acts = tuple(
            act for act in whole.acts if not (isinstance(act, Trouble) and act.fault is fault)
        )
        expected = replace(whole, acts=acts)
        if fault is Fault.TIMER_EARLY:
            expected = replace(expected, wakes_early=False)
        if fault is Fault.MAILBOX_FULL:
            settings = replace(whole.settings, mailbox_depth_max=20_000)
            expected = replace(expected, settings=settings)
        assert without == expected, seed


def test_a_plan_without_faults_has_no_trouble() -> None:
    for seed in range(25):
        plan = plan_of("small", seed, ())
        assert not any(isinstance(act, Trouble) for act in plan.acts)
        assert not plan.wakes_early
        assert plan.settings.mailbox_depth_max == 20_000


def test_a_plan_can_be_tried_with_fewer_of_its_acts() -> None:
    plan = plan_of("small", 1)
    numbers = [act.no for act in plan.acts][::3]
    fewer = plan.only(numbers)
    assert [act.no for act in fewer.acts] == numbers
    assert replace(fewer, acts=plan.acts) == plan
