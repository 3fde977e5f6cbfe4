"""Reservations read from PostgreSQL: whose they are, in which order, and in how many statements."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.domain.ledger import ReservationStatus
from engine.domain.messages import CancelSeat, CheckIn, Edit, GiveBack
from engine.errors import Busy
from engine.ports.reservations import Filters, Position, Scope
from tests.bookings import Bookings, open_bookings
from tests.shop import HOUR_MS

EVERYWHERE = Scope(everywhere=True)


@pytest.fixture
async def shop(database: str) -> AsyncIterator[Bookings]:
    async with open_bookings(database) as opened:
        yield opened


async def test_a_ticket_has_the_reservation_the_sale_the_studio_and_the_guest(
    shop: Bookings,
) -> None:
    guest = await shop.guest()
    ticket = await shop.booked(guest)
    reservation, listed = ticket.reservation, await shop.shop.store.one(ticket.auction.id)
    assert listed is not None
    assert (reservation.user_id, reservation.seat_no, reservation.price) == (guest.id, 1, 10_000)
    assert reservation.status is ReservationStatus.PENDING_ON_SITE
    assert reservation.accepted_at_ms == shop.shop.clock.now_ms()
    assert (ticket.auction, ticket.venue) == (listed.auction, listed.venue)
    assert ticket.guest.full_name == "Ayşe Nur Yılmaz"
    assert ticket.guest.reachable
    assert ticket.cancellable_until_ms == ticket.auction.terms.class_at_ms - 2 * HOUR_MS
    stored = await shop.shop.pool.fetchval("select qr_token from reservation")
    assert ticket.token == stored.hex


async def test_how_it_was_changed_is_read_too(shop: Bookings) -> None:
    ticket = await shop.booked(await shop.guest())
    shop.shop.clock.forward(ms=23 * HOUR_MS)
    cancel = CancelSeat(ticket.reservation.id, shop.shop.owner.user_id, "Salon kapalı")
    await shop.shop.directory.ask(ticket.auction.id, cancel)
    after = await shop.store.one(ticket.reservation.id, EVERYWHERE)
    assert after is not None
    assert after.reservation.status is ReservationStatus.CANCELLED
    assert after.reservation.changed_at_ms == shop.shop.clock.now_ms()
    assert (after.reason, after.late_cancel) == ("Salon kapalı", True)
    assert not after.reservation.given_back


async def test_a_scope_holds_ones_own_and_ones_studios_and_nothing_else(shop: Bookings) -> None:
    guest, other = await shop.guest(), await shop.guest()
    ticket = await shop.booked(guest)
    reservation, studio_id = ticket.reservation, shop.shop.studio_id
    allowed = [
        Scope(user_id=guest.id),
        Scope(studio_id=studio_id),
        Scope(user_id=other.id, studio_id=studio_id),
        EVERYWHERE,
    ]
    refused = [
        Scope(),
        Scope(user_id=other.id),
        Scope(studio_id=shop.shop.other_studio_id),
        Scope(user_id=other.id, studio_id=shop.shop.other_studio_id),
    ]
    for scope in allowed:
        assert await shop.store.one(reservation.id, scope) == ticket
        assert await shop.store.under_code(reservation.code, scope) == ticket
    for scope in refused:
        assert await shop.store.one(reservation.id, scope) is None
        assert await shop.store.under_code(reservation.code, scope) is None


async def test_a_code_that_is_out_of_use_finds_nothing(shop: Bookings) -> None:
    ticket = await shop.booked(await shop.guest())
    await shop.shop.pool.execute("update reservation set code_live = false")
    assert await shop.store.under_code(ticket.reservation.code, EVERYWHERE) is None
    assert await shop.store.one(ticket.reservation.id, EVERYWHERE) is not None


async def test_an_erased_guest_is_out_of_reach(shop: Bookings) -> None:
    ticket = await shop.booked(await shop.guest())
    await shop.shop.pool.execute("update account set state = 'ERASED'")
    after = await shop.store.one(ticket.reservation.id, EVERYWHERE)
    assert after is not None
    assert not after.guest.reachable


async def test_a_guests_list_is_the_latest_first_in_pages_with_the_whole_count(
    shop: Bookings,
) -> None:
    guest = await shop.guest()
    wanted: list[int] = []
    for _ in range(5):
        wanted.insert(0, (await shop.booked(guest)).reservation.id)
        shop.shop.clock.forward(ms=1)
    await shop.booked(await shop.guest())
    seen: list[int] = []
    after: Position | None = None
    for rows in (2, 2, 1):
        page, count = await shop.store.of_user(guest.id, after, 2)
        assert (len(page), count) == (rows, 5)
        seen += [ticket.reservation.id for ticket in page]
        last = page[-1].reservation
        after = Position(last.accepted_at_ms, last.id)
    assert seen == wanted
    assert await shop.store.of_user(guest.id, after, 2) == ([], 5)


async def test_a_studios_list_is_the_latest_class_first_in_pages(shop: Bookings) -> None:
    clock = shop.shop.clock
    late = await shop.sale(class_at_ms=clock.now_ms() + 30 * HOUR_MS)
    soon = await shop.sale(class_at_ms=clock.now_ms() + 20 * HOUR_MS)
    tickets = [
        await shop.booked(await shop.guest(), auction_id) for auction_id in (soon, late, soon, late)
    ]
    rank = {ticket.reservation.id: ticket.auction.terms.class_at_ms for ticket in tickets}
    wanted = sorted(rank, key=lambda id_: (rank[id_], id_), reverse=True)
    seen: list[int] = []
    after: Position | None = None
    for _ in range(2):
        page = await shop.store.of_studio(shop.shop.studio_id, Filters(), after, 3)
        seen += [ticket.reservation.id for ticket in page]
        last = page[-1]
        after = Position(last.auction.terms.class_at_ms, last.reservation.id)
    assert seen == wanted
    assert await shop.store.of_studio(shop.shop.other_studio_id, Filters(), None, 9) == []


async def test_a_studios_list_is_filtered(shop: Bookings) -> None:
    clock = shop.shop.clock
    first = await shop.booked(await shop.guest())
    class_at_ms = clock.now_ms() + 48 * HOUR_MS
    second = await shop.booked(await shop.guest(), await shop.sale(class_at_ms=class_at_ms))
    check_in = CheckIn(second.reservation.id, shop.shop.owner.user_id)
    await shop.shop.directory.ask(second.auction.id, check_in)

    async def shown(**wanted: Any) -> list[int]:
        page = await shop.store.of_studio(shop.shop.studio_id, Filters(**wanted), None, 10)
        return [ticket.reservation.id for ticket in page]

    one, two = first.reservation.id, second.reservation.id
    first_class = first.auction.terms.class_at_ms
    assert await shown() == [two, one]
    assert await shown(statuses=frozenset({ReservationStatus.COMPLETED})) == [two]
    assert await shown(statuses=frozenset({ReservationStatus.NO_SHOW})) == []
    assert await shown(auction_id=first.auction.id) == [one]
    assert await shown(class_to_ms=first_class) == [one]
    assert await shown(class_to_ms=first_class - 1) == []
    assert await shown(class_from_ms=class_at_ms) == [two]
    assert await shown(class_from_ms=class_at_ms + 1) == []
    assert await shown(code_start=first.reservation.code) == [one]
    assert set(await shown(code_start="HOT-")) == {one, two}
    assert await shown(code_start=first.reservation.code + "2") == []


async def test_edits_since_a_booking_are_counted_and_nothing_else(shop: Bookings) -> None:
    guest = await shop.guest()
    ticket = await shop.booked(guest)
    booked = ticket.reservation
    auction = ticket.auction
    assert await shop.store.edits_since(auction.id, booked.revision) == 0
    edit = Edit(
        by=shop.shop.owner.user_id,
        title="Akşam Yogası",
        description=auction.description,
        allowed_gender=auction.allowed_gender,
        terms=auction.terms,
    )
    await shop.shop.directory.ask(auction.id, edit)
    await shop.shop.directory.ask(auction.id, GiveBack(booked.id, guest.id))
    assert await shop.store.edits_since(auction.id, booked.revision) == 1
    assert await shop.store.edits_since(auction.id, booked.revision + 1) == 0


async def test_reading_never_writes(shop: Bookings) -> None:
    guest = await shop.guest()
    ticket = await shop.booked(guest)
    rows = "select xmin::text, * from reservation"
    before = await shop.shop.pool.fetch(rows)
    await shop.store.one(ticket.reservation.id, EVERYWHERE)
    await shop.store.under_code(ticket.reservation.code, EVERYWHERE)
    await shop.store.of_user(guest.id, None, 5)
    await shop.store.of_studio(shop.shop.studio_id, Filters(), None, 5)
    assert await shop.shop.pool.fetch(rows) == before


async def test_a_database_that_is_away_is_busy(shop: Bookings) -> None:
    await shop.shop.pool.expire_connections()
    await shop.shop.pool.close()
    with pytest.raises(Busy):
        await shop.store.one(1, EVERYWHERE)
