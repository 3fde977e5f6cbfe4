"""What a store refuses as a whole, and edits, which write more of an auction than a sale does."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from engine.domain.auction import AllowedGender, Auction, Status
from engine.domain.messages import Book, Edit, TriggerTurbo
from engine.domain.terms import TurboTerms
from engine.ports.commit import Committed, Flight, Offended, Rejected, Rejection, Superseded, Why
from tests.contracts.conftest import GUEST, OTHER, STAFF, snapshot
from tests.contracts.turns import (
    HOUR_MS,
    MINUTE_MS,
    NOON_MS,
    Draws,
    Owner,
    a_sale,
    books,
    commit,
    with_code,
)
from tests.contracts.worlds import World

KEY = "0123456789abcdef"


async def test_two_rows_of_one_batch_that_clash_roll_it_back(world: World, flight: Flight) -> None:
    """`Offended` sees what is stored, not what travels along."""
    one, two = await Owner.of(world.commits, 1), await Owner.of(world.commits, 2)
    first = one.offers(Book(GUEST))
    same = with_code(two.offers(Book(OTHER)), first.booked[0].code)
    before = await snapshot(world)

    with pytest.raises(Rejected) as rejected:
        await commit(flight, first, same)

    assert rejected.value.rejection is Rejection.CONFLICT
    assert await snapshot(world) == before
    assert await commit(flight, first) == [Committed(one.fence)]
    (outcome,) = await commit(flight, same)
    assert isinstance(outcome, Offended)
    assert outcome.offenders[0].why is Why.CODE


async def test_one_key_twice_in_a_batch_rolls_it_back(world: World, flight: Flight) -> None:
    one, two = await Owner.of(world.commits, 1), await Owner.of(world.commits, 2)
    with pytest.raises(Rejected) as rejected:
        await commit(flight, one.offers(Book(GUEST, key=KEY)), two.offers(Book(GUEST, key=KEY)))
    assert rejected.value.rejection is Rejection.CONFLICT


@pytest.mark.parametrize("ids", ["reservation_ids", "notice_ids"])
async def test_an_id_twice_is_a_conflict(world: World, flight: Flight, ids: str) -> None:
    draws = Draws(count(5_000), count(5_000), count(50_000))
    one = Owner((await world.commits.take_over([1]))[0], draws)
    await books(flight, one, GUEST)
    setattr(draws, ids, count(5_000))
    before = await snapshot(world)
    with pytest.raises(Rejected) as rejected:
        await commit(flight, one.offers(Book(OTHER)))
    assert rejected.value.rejection is Rejection.CONFLICT
    assert await snapshot(world) == before


@pytest.mark.parametrize(
    "broken",
    [{"price": 0}, {"price": 20_001}, {"code": "HOT-OIL0"}, {"seat_no": 0}],
    ids=str,
)
async def test_a_booking_that_breaks_a_constraint_rolls_the_batch_back(
    world: World, flight: Flight, broken: dict[str, Any]
) -> None:
    one, two = await Owner.of(world.commits, 1), await Owner.of(world.commits, 2)
    entry = one.offers(Book(GUEST, max_price=20_000))
    wrong = replace(entry, booked=(replace(entry.booked[0], **broken),))
    before = await snapshot(world)
    with pytest.raises(Rejected) as rejected:
        await commit(flight, wrong, two.offers(Book(OTHER)))
    assert rejected.value.rejection is Rejection.BROKEN
    assert await snapshot(world) == before


@pytest.mark.parametrize("seats_left", [-1, 3])
async def test_seats_left_stay_within_the_seats(
    world: World, flight: Flight, seats_left: int
) -> None:
    owner = await Owner.of(world.commits)
    entry = owner.offers(Book(GUEST))
    wrong = replace(entry, after=replace(entry.after, seats_left=seats_left))
    with pytest.raises(Rejected) as rejected:
        await commit(flight, wrong)
    assert rejected.value.rejection is Rejection.BROKEN
    assert not await world.reservations(1)


async def test_a_batch_breaks_no_rule_of_entries(world: World, flight: Flight) -> None:
    owner = await Owner.of(world.commits)
    entry = owner.offers(Book(GUEST))
    skipping = replace(entry, after=replace(entry.after, revision=2))
    silent = replace(entry, after=replace(entry.after, revision=0), events=())
    twice = replace(entry, booked=entry.booked * 2)
    for wrong in ([entry, entry], [skipping], [silent], [twice]):
        with pytest.raises(AssertionError):
            await commit(flight, *wrong)
    assert await commit(flight, entry) == [Committed(owner.fence)]


# --- edits ---------------------------------------------------------------------------------------


def edited(auction: Auction) -> Edit:
    """Everything that may be changed before the start, changed."""
    terms = replace(
        auction.terms,
        start_price=30_000,
        floor_price=6_000,
        drop_amount=2_000,
        drop_every_ms=10 * MINUTE_MS,
        starts_at_ms=NOON_MS + HOUR_MS,
        ends_at_ms=NOON_MS + 3 * HOUR_MS,
        class_at_ms=NOON_MS + 4 * HOUR_MS,
        seats=7,
        turbo=TurboTerms(500, 30 * MINUTE_MS, MINUTE_MS),
    )
    return Edit(STAFF, "Akşam yogası", "Mat getirin", AllowedGender.FEMALE, terms)


async def test_an_edit_writes_every_fact(world: World, flight: Flight) -> None:
    await world.add_auction(a_sale(3, status=Status.SCHEDULED))
    owner = await Owner.of(world.commits, 3)
    message = edited(owner.state.auction)
    entry = replace(owner.offers(message, at_ms=NOON_MS - HOUR_MS), edited=True)
    assert [event.kind for event in entry.events] == ["edited"]

    assert await commit(flight, entry) == [Committed(owner.fence)]

    stored = (await world.auction(3)).auction
    assert stored == entry.after
    assert stored.terms == message.terms
    assert (stored.title, stored.description) == ("Akşam yogası", "Mat getirin")
    assert (stored.allowed_gender, stored.seats_left) == (AllowedGender.FEMALE, 7)
    assert [event.payload["type"] for event in await world.events(3)] == ["edited"]


async def test_an_edit_takes_turbo_away_again(world: World, flight: Flight) -> None:
    turbo = TurboTerms(500, 30 * MINUTE_MS, MINUTE_MS)
    await world.add_auction(a_sale(3, status=Status.SCHEDULED, turbo=turbo))
    owner = await Owner.of(world.commits, 3)
    before = owner.state.auction
    message = Edit(
        STAFF, before.title, before.description, before.allowed_gender,
        replace(before.terms, turbo=None),
    )  # fmt: skip
    await commit(flight, replace(owner.offers(message, at_ms=NOON_MS - 1), edited=True))
    assert (await world.auction(3)).auction.terms.turbo is None


async def test_only_the_edited_sale_of_a_batch_is_edited(world: World, flight: Flight) -> None:
    await world.add_auction(a_sale(3, status=Status.SCHEDULED))
    owner, other = await Owner.of(world.commits, 3), await Owner.of(world.commits, 1)
    edit = replace(owner.offers(edited(owner.state.auction), at_ms=NOON_MS - HOUR_MS), edited=True)
    sale = other.offers(Book(GUEST))
    unasked = replace(sale, after=replace(sale.after, title="Kimse istemedi"))

    assert await commit(flight, edit, unasked) == [Committed(owner.fence), Committed(other.fence)]

    assert (await world.auction(3)).auction == edit.after
    assert (await world.auction(1)).auction == sale.after
    assert len(await world.reservations(1)) == 1


async def test_an_edit_of_an_older_revision_is_superseded(world: World, flight: Flight) -> None:
    await world.add_auction(a_sale(3, status=Status.SCHEDULED))
    owner = await Owner.of(world.commits, 3)
    entry = replace(owner.offers(edited(owner.state.auction), at_ms=NOON_MS - HOUR_MS), edited=True)
    await Owner.of(world.commits, 3)
    assert await commit(flight, entry) == [Superseded()]
    assert (await world.auction(3)).auction == a_sale(3, status=Status.SCHEDULED)


@pytest.mark.parametrize(
    "broken",
    [
        {"title": ""},
        {"title": "y" * 201},
        {"description": "y" * 4_001},
        {"terms": {"class_at_ms": NOON_MS}},
        {"terms": {"drop_amount": 15_001}},
        {"terms": {"start_price": 10_000_000_000}},
        {"terms": {"drop_every_ms": 2 * HOUR_MS}},
        {"terms": {"turbo": TurboTerms(500, 2 * HOUR_MS, MINUTE_MS)}},
        {"terms": {"turbo": TurboTerms(500, HOUR_MS, 5 * MINUTE_MS)}},
    ],
    ids=str,
)
async def test_an_edit_that_breaks_a_rule_is_refused(
    world: World, flight: Flight, broken: dict[str, Any]
) -> None:
    await world.add_auction(a_sale(3, status=Status.SCHEDULED))
    owner = await Owner.of(world.commits, 3)
    changed = dict(broken)
    if isinstance(terms := changed.get("terms"), dict):
        changed["terms"] = replace(owner.state.auction.terms, **terms)
    entry = owner.offers(
        replace(edited(owner.state.auction), terms=owner.state.auction.terms), at_ms=NOON_MS - 1
    )
    wrong = replace(entry, after=replace(entry.after, **changed), edited=True)
    with pytest.raises(Rejected) as rejected:
        await commit(flight, wrong)
    assert rejected.value.rejection is Rejection.BROKEN


async def test_forced_turbo_is_written(world: World, flight: Flight) -> None:
    await world.add_auction(a_sale(3, turbo=TurboTerms(500, 10 * MINUTE_MS, MINUTE_MS)))
    owner = await Owner.of(world.commits, 3)
    await commit(flight, owner.offers(TriggerTurbo(STAFF, force=True), at_ms=NOON_MS + 9))
    assert (await world.auction(3)).auction.turbo_started_at_ms == NOON_MS + 9
