"""Who presses when."""

from collections import Counter
from random import Random

import pytest

from edge.demo import temper
from edge.demo.catalogue import LESSONS, is_planned, offer
from edge.demo.sale import schedule_of
from edge.demo.temper import Manner, Wish
from edge.wire.auctions import AuctionIn
from engine.catalog.drafting import entered
from engine.domain.pricing import PriceSchedule
from tests.edge.demo.samples import END_MS, START_MS, schedule

FALLING = schedule_of(schedule())
WITHOUT_TURBO = schedule_of(schedule(turbo=False))


def wishes(manner: Manner, falling: PriceSchedule, people: int = 400) -> list[Wish]:
    """What many people want of it."""
    rng = Random(3)
    found = (temper.wish(rng, manner, falling) for _ in range(people))
    return [wish for wish in found if wish is not None]


def test_about_half_of_the_guests_want_a_class() -> None:
    assert 160 <= len(wishes(Manner.WATCHING, FALLING)) <= 240


def test_the_greedy_may_wait_in_vain_and_the_others_press_during_the_sale() -> None:
    moments = [wish.met_at_ms(FALLING) for wish in wishes(Manner.QUICK, FALLING)]
    come = [at_ms for at_ms in moments if at_ms is not None]
    assert all(START_MS < at_ms < END_MS for at_ms in come)
    assert len(come) >= len(moments) * 0.8


def test_a_wish_is_met_exactly_when_the_schedule_says_so() -> None:
    wish = Wish(target=45_000, reaction_ms=0)
    assert wish.met_at_ms(FALLING) == START_MS + 50_000
    assert not wish.is_met(FALLING.price_at(START_MS + 49_999), turbo=True)
    assert wish.is_met(FALLING.price_at(START_MS + 50_000), turbo=False)


def test_who_waits_for_turbo_does_not_look_at_the_price() -> None:
    wish = Wish(target=None, reaction_ms=0)
    assert wish.met_at_ms(FALLING) == END_MS - 20_000
    assert wish.is_met(99_999, turbo=True)
    assert not wish.is_met(1, turbo=False)


def test_without_turbo_nobody_waits_for_it() -> None:
    assert Wish(target=None, reaction_ms=0).met_at_ms(WITHOUT_TURBO) is None
    assert all(wish.target is not None for wish in wishes(Manner.WATCHING, WITHOUT_TURBO))
    assert any(wish.target is None for wish in wishes(Manner.WATCHING, FALLING))


def test_a_price_that_is_below_the_floor_is_never_met() -> None:
    assert Wish(target=29_999, reaction_ms=0).met_at_ms(FALLING) is None


def test_people_like_round_prices() -> None:
    targets = {wish.target for wish in wishes(Manner.WATCHING, WITHOUT_TURBO)}
    assert all(target is not None and target % 2_500 == 0 for target in targets)
    assert len(targets) > 3


def test_the_quick_are_there_at_once_and_the_others_after_a_human_while() -> None:
    quick = [wish.reaction_ms for wish in wishes(Manner.QUICK, FALLING)]
    watching = [wish.reaction_ms for wish in wishes(Manner.WATCHING, FALLING)]
    assert 0 <= min(quick) <= max(quick) <= 25
    assert 120 <= min(watching) <= max(watching) <= 1_200


@pytest.mark.parametrize("house", LESSONS)
def test_most_sales_are_a_race(house: str) -> None:
    """Two of sixteen guests or more want the seat at the very same, first moment."""
    races = sales = 0
    for seed in range(100):
        rng = Random(seed)
        body = offer(rng, house, START_MS)
        if is_planned(body):
            continue
        falling = entered(AuctionIn(**body).asked()).must_hold(START_MS).terms.schedule()
        found = (temper.wish(rng, Manner.QUICK, falling) for _ in range(16))
        moments = Counter(wish.met_at_ms(falling) for wish in found if wish is not None)
        first = min(at_ms for at_ms in moments if at_ms is not None)
        sales += 1
        races += moments[first] >= 2
    assert races >= sales / 2
