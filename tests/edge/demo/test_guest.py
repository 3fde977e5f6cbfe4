"""A guest who watches and presses, on a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from edge.demo import guest as guests
from edge.demo import temper
from edge.demo.api import Fields
from edge.demo.door import Visit
from edge.demo.feed import Kind
from edge.demo.guest import Guest
from edge.demo.people import GUESTS, HOUSES, Login
from edge.demo.temper import Manner, Wish
from engine.frames import instant
from tests.edge.demo.shop import Shop, mono_ms, now_ms, until

ELIF, MERT = GUESTS[0], GUESTS[1]
BOTH = pytest.mark.parametrize("manner", list(Manner))


class Chance(Random):
    """A guest's luck: over REST or not (0.4), and what becomes of a seat, as a test wants it."""

    def __init__(self, rest: bool = True, fate: float = 0.99) -> None:
        super().__init__(1)
        self.draws = [0.4 if rest else 0.6, fate]

    def random(self) -> float:
        return self.draws.pop(0) if len(self.draws) > 1 else self.draws[0]


@pytest.fixture(autouse=True)
def wishes(monkeypatch: pytest.MonkeyPatch) -> list[Wish]:
    """What the guests of a test want, one after the other."""
    wanted: list[Wish] = []
    monkeypatch.setattr(temper, "wish", lambda *_: wanted.pop(0) if wanted else None)
    return wanted


def make(
    shop: Shop, login: Login, manner: Manner, rng: Random, visits: list[Visit] | None = None
) -> Guest:
    arrives = ([] if visits is None else visits).append
    return Guest(login, manner, shop.api, shop.scene, arrives, mono_ms, rng)


@asynccontextmanager
async def present(*them: Guest) -> AsyncIterator[None]:
    """They are guests for a while."""
    running = [asyncio.ensure_future(each.run()) for each in them]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        done = await asyncio.gather(*running, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in done), done


def told(shop: Shop, kind: Kind) -> list[str]:
    return [entry.text for entry in shop.scene.feed.entries if entry.kind is kind]


async def sale(shop: Shop, **terms: Any) -> Fields:
    """From 500, one lira each second, so that 499 comes soon."""
    return await shop.sale(start_time=instant(now_ms()), **terms)


@BOTH
@pytest.mark.parametrize("rest", [True, False])
async def test_the_seat_is_booked_at_the_price_that_was_wanted(
    shop: Shop, wishes: list[Wish], manner: Manner, rest: bool
) -> None:
    row = await sale(shop)
    wishes.append(Wish(target=49_900, reaction_ms=10))
    guest = make(shop, ELIF, manner, Chance(rest))
    guest.offered(row)
    async with present(guest):
        await until(lambda: bool(told(shop, Kind.BOOKED)))
    (reservation,) = await shop.reservations(ELIF.email)
    assert float(reservation["locked_price"]) <= 499
    assert told(shop, Kind.BOOKED)[0].startswith("Elif A. took Yin Yoga at 49")


@BOTH
async def test_who_waits_for_turbo_presses_when_it_starts(
    shop: Shop, wishes: list[Wish], manner: Manner
) -> None:
    start_ms = now_ms()
    row = await sale(
        shop,
        end_time=instant(start_ms + 30_000),
        drop_interval_secs=5,
        turbo_enabled=True,
        turbo_drop_amount="2.00",
        turbo_trigger_secs=27,
        turbo_interval_secs=1,
    )
    wishes.append(Wish(target=None, reaction_ms=10))
    guest = make(shop, ELIF, manner, Chance())
    guest.offered(row)
    async with present(guest):
        await until(lambda: bool(told(shop, Kind.BOOKED)))
    (reservation,) = await shop.reservations(ELIF.email)
    assert reservation["reserved_at"] >= instant(start_ms + 3_000)


async def test_of_two_who_want_the_last_seat_one_hears_by_how_much_they_missed_it(
    shop: Shop, wishes: list[Wish]
) -> None:
    row = await sale(shop)
    wishes += [Wish(target=49_800, reaction_ms=1), Wish(target=49_800, reaction_ms=60)]
    them = [make(shop, login, Manner.QUICK, Chance()) for login in (ELIF, MERT)]
    for guest in them:
        guest.offered(row)
    async with present(*them):
        await until(lambda: bool(told(shop, Kind.MISSED)))
    (missed,) = told(shop, Kind.MISSED)
    assert missed.startswith("Mert D. missed Yin Yoga by ")
    assert await shop.reservations(MERT.email) == []


async def test_who_changes_plans_gives_the_seat_back_and_another_gets_it(
    shop: Shop, wishes: list[Wish], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests, "THINKS_AGAIN_S", (0.3, 0.3))
    row = await sale(shop)
    wishes += [Wish(target=49_900, reaction_ms=1), Wish(target=49_900, reaction_ms=200)]
    first = make(shop, ELIF, Manner.WATCHING, Chance(fate=0.0))
    second = make(shop, MERT, Manner.WATCHING, Chance())
    for guest in (first, second):
        guest.offered(row)
    async with present(first, second):
        await until(lambda: len(told(shop, Kind.BOOKED)) == 2)
    assert told(shop, Kind.GAVE_BACK) == ["Elif A. gave back Yin Yoga (Mor Menekşe Yoga)"]
    (given_back,) = await shop.reservations(ELIF.email)
    (sold_again,) = await shop.reservations(MERT.email)
    assert (given_back["status"], sold_again["status"]) == ("CANCELLED", "PENDING_ON_SITE")


async def test_who_comes_early_shows_a_code_at_the_right_desk(
    shop: Shop, wishes: list[Wish]
) -> None:
    row = await sale(shop)
    wishes.append(Wish(target=50_000, reaction_ms=1))
    visits: list[Visit] = []
    guest = make(shop, ELIF, Manner.WATCHING, Chance(fate=temper.GIVES_BACK), visits)
    guest.offered(row)
    async with present(guest):
        await until(lambda: bool(visits))
    (reservation,) = await shop.reservations(ELIF.email)
    assert visits == [
        Visit(HOUSES[0].name, "Elif A.", "Yin Yoga", reservation["booking_code"]),
    ]


async def test_a_press_before_its_price_is_repeated_until_the_price_is_there(
    shop: Shop, wishes: list[Wish], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests, "AGAIN_MS", 500)
    row = await sale(shop)
    wishes.append(Wish(target=49_800, reaction_ms=-900))  # too eager by most of a second
    guest = make(shop, ELIF, Manner.QUICK, Chance())
    guest.offered(row)
    async with present(guest):
        await until(lambda: bool(told(shop, Kind.BOOKED)))
    (reservation,) = await shop.reservations(ELIF.email)
    assert float(reservation["locked_price"]) <= 498


async def test_nobody_wants_what_is_not_for_them(shop: Shop, wishes: list[Wish]) -> None:
    row = await sale(shop, allowed_gender="FEMALE")
    wishes.append(Wish(target=50_000, reaction_ms=1))
    make(shop, MERT, Manner.WATCHING, Chance()).offered(row)
    assert wishes, "he did not even think of it"


async def test_a_sale_that_is_over_is_forgotten_and_not_watched_any_more(
    shop: Shop, wishes: list[Wish], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests, "TIDY_EVERY_S", 0.05)
    row = await sale(shop)
    wishes.append(Wish(target=1, reaction_ms=1))
    guest = make(shop, ELIF, Manner.WATCHING, Chance())
    guest.offered(row)
    async with present(guest):
        await guest.channel.greeted.wait()
        await shop.until_watched_by(1, row["id"])
        monkeypatch.setattr(guests, "FORGOTTEN_AFTER_END_MS", -59_000)
        await until(lambda: not guest.interested)
        await shop.until_watched_by(0, row["id"])


async def test_after_a_break_a_guest_goes_on_watching(shop: Shop, wishes: list[Wish]) -> None:
    row = await sale(shop)
    wishes.append(Wish(target=49_700, reaction_ms=1))
    guest = make(shop, ELIF, Manner.WATCHING, Chance())
    guest.offered(row)
    async with present(guest):
        await shop.until_watched_by(1, row["id"])
        await guest.channel.hang_up()
        await until(lambda: bool(told(shop, Kind.BOOKED)))
