"""What guests want."""

from random import Random

from loadtests.scenarios.schedule import Schedule
from loadtests.scenarios.temper import REACTION_MS, Offer, Wish, choose, wish
from tests.loadtests.scenarios.samples import ENDS_MS, STARTS_MS, schedule

SALE = Schedule.of(schedule())
LATER = Schedule.of(schedule(starts_at="2026-03-12T07:20:05.000Z"))
FIRST_DROP_MS = STARTS_MS + 10_000


def offers() -> list[Offer]:
    return [
        Offer(1, "SOLD", SALE),
        Offer(2, "ACTIVE", LATER),
        Offer(3, "ACTIVE", SALE),
        Offer(4, "SCHEDULED", SALE),
    ]


def wishes(now_ms: float, *, rushing: bool) -> set[Wish]:
    return {wish(Random(seed), SALE, now_ms, rushing=rushing) for seed in range(200)}


def test_who_rushes_takes_the_sale_that_is_next_to_fall_for_the_first_time() -> None:
    chosen = {choose(Random(n), offers(), {3}, STARTS_MS, rushing=True) for n in range(50)}
    assert chosen == {offers()[3]}


def test_who_has_missed_the_first_drops_tries_whatever_is_open() -> None:
    late_ms = STARTS_MS + 20_000
    chosen = {choose(Random(n), offers(), (), late_ms, rushing=True) for n in range(50)}
    assert chosen == set(offers()[1:])


def test_nobody_tries_what_is_over_or_done() -> None:
    assert choose(Random(1), offers(), {2, 3, 4}, STARTS_MS, rushing=False) is None
    assert choose(Random(1), offers(), (), ENDS_MS, rushing=False) is None


def test_all_who_rush_press_at_the_very_same_instant() -> None:
    rush = wishes(STARTS_MS - 500, rushing=True)
    assert {each.at_ms for each in rush} == {FIRST_DROP_MS}
    assert {each.over_rest for each in rush} == {False, True}


def test_others_press_at_once_or_after_a_drop_they_like() -> None:
    now_ms = STARTS_MS + 12_000
    instants = {each.at_ms for each in wishes(now_ms, rushing=False)}
    assert now_ms in instants
    for at_ms in instants - {now_ms}:
        assert any(0 <= at_ms - drop_ms <= REACTION_MS[1] for drop_ms in SALE.changes_after(now_ms))


def test_nobody_presses_before_the_start() -> None:
    assert min(each.at_ms for each in wishes(STARTS_MS - 500, rushing=False)) == STARTS_MS


def test_what_a_guest_pays_at_most_is_the_price_they_wait_for() -> None:
    for each in wishes(STARTS_MS, rushing=False):
        assert each.most == SALE.price_at(int(each.at_ms))


def test_at_the_floor_there_is_nothing_to_wait_for() -> None:
    assert {each.at_ms for each in wishes(STARTS_MS + 40_000, rushing=True)} == {STARTS_MS + 40_000}
