"""Finding reservations and moving them, on a real database."""

from collections.abc import AsyncIterator

import pytest

from engine.catalog.reservations import code_start, qr_text
from engine.domain.ledger import ReservationStatus
from engine.errors import NotFound, TooLate, TransitionRefused
from engine.ports.reservations import Filters, Scope, Ticket
from tests.bookings import Bookings, open_bookings
from tests.shop import HOUR_MS, MINUTE_MS


@pytest.fixture
async def shop(database: str) -> AsyncIterator[Bookings]:
    async with open_bookings(database) as opened:
        yield opened


@pytest.fixture
def door(shop: Bookings) -> Scope:
    """What the studio's people act on."""
    return Scope(studio_id=shop.shop.studio_id)


# --- finding -------------------------------------------------------------------------------------


async def test_a_code_is_found_however_it_is_typed(shop: Bookings, door: Scope) -> None:
    ticket = await shop.booked(await shop.guest())
    code = ticket.reservation.code
    bare = code.removeprefix("HOT-")
    for typed in (
        code,
        code.lower(),
        bare,
        bare.lower(),
        f" hot {bare[:2]} {bare[2:]} ",
        f"HOT{bare}",
    ):
        assert await shop.reservations.find(typed, door) == ticket


async def test_what_the_qr_says_is_found_in_capitals_or_not(shop: Bookings, door: Scope) -> None:
    ticket = await shop.booked(await shop.guest())
    text = qr_text(ticket)
    assert text == f"{ticket.reservation.id}.{ticket.token.upper()}"
    assert await shop.reservations.find(text, door) == ticket
    assert await shop.reservations.find(f" {text.lower()}\n", door) == ticket


async def test_an_id_without_its_proof_finds_nothing(shop: Bookings, door: Scope) -> None:
    ticket = await shop.booked(await shop.guest())
    other = await shop.booked(await shop.guest())
    id_, token = ticket.reservation.id, ticket.token
    forged = token[:-1] + ("0" if token[-1] != "0" else "1")
    for text in (f"{id_}.{forged}", f"{id_}.{other.token}", f"{id_}.", str(id_), f"{id_}.{token}0"):
        with pytest.raises(NotFound):
            await shop.reservations.find(text, door)


@pytest.mark.parametrize("text", ["", "HOT-", "HOT-0000", "ILOI", "9" * 19 + "." + "0" * 32])
async def test_what_is_no_code_finds_nothing(shop: Bookings, text: str) -> None:
    with pytest.raises(NotFound):
        await shop.reservations.find(text, Scope(everywhere=True))


async def test_a_code_is_only_found_by_its_guest_and_its_studio(shop: Bookings) -> None:
    guest, other = await shop.guest(), await shop.guest()
    ticket = await shop.booked(guest)
    for text in (ticket.reservation.code, qr_text(ticket)):
        assert await shop.reservations.find(text, Scope(user_id=guest.id)) == ticket
        for scope in (Scope(user_id=other.id), Scope(studio_id=shop.shop.other_studio_id)):
            with pytest.raises(NotFound):
                await shop.reservations.find(text, scope)


@pytest.mark.parametrize(
    ("typed", "start"),
    [
        ("HOT-7K2M", "HOT-7K2M"),
        ("7k", "HOT-7K"),
        (" hot 7 ", "HOT-7"),
        ("H", "HOT-"),
        ("ho", "HOT-"),
        ("hot-", "HOT-"),
        ("", "HOT-"),
        ("HK", "HOT-HK"),
        ("7K2M7K2M", "HOT-7K2M7K2M"),
        ("7K2M7K2M2", None),
        ("O", None),
        ("7K0", None),
        ("çay", None),
        ("7%", "HOT-7"),
    ],
)
def test_what_is_typed_so_far_says_how_the_code_begins(typed: str, start: str | None) -> None:
    assert code_start(typed) == start


# --- lists ---------------------------------------------------------------------------------------


async def test_pages_of_a_guest_follow_each_other_to_the_end(shop: Bookings) -> None:
    guest = await shop.guest()
    tickets: list[Ticket] = []
    for _ in range(3):
        tickets.insert(0, await shop.booked(guest))
        shop.shop.clock.forward(ms=1)
    first, count = await shop.reservations.of_user(guest.id, None, 2)
    assert (first.rows, count) == (tickets[:2], 3)
    rest, count = await shop.reservations.of_user(guest.id, first.following, 2)
    assert (rest.rows, rest.following, count) == (tickets[2:], None, 3)
    whole, _ = await shop.reservations.of_user(guest.id, None, 3)
    assert (whole.rows, whole.following) == (tickets, None)


async def test_pages_of_a_studio_follow_each_other_to_the_end(shop: Bookings) -> None:
    auction_id = await shop.sale()
    tickets = [await shop.booked(await shop.guest(), auction_id) for _ in range(3)]
    ids = [ticket.reservation.id for ticket in reversed(tickets)]
    studio_id = shop.shop.studio_id
    first = await shop.reservations.of_studio(studio_id, Filters(), None, 2)
    rest = await shop.reservations.of_studio(studio_id, Filters(), first.following, 2)
    assert [t.reservation.id for t in (*first.rows, *rest.rows)] == ids
    assert rest.following is None


# --- moves ---------------------------------------------------------------------------------------


async def test_a_seat_is_given_back_once_and_again_in_vain(shop: Bookings) -> None:
    guest = await shop.guest()
    id_ = (await shop.booked(guest)).reservation.id
    await shop.reservations.give_back(id_, guest.id)
    await shop.reservations.give_back(id_, guest.id)
    after = await shop.reservations.one(id_, Scope(user_id=guest.id))
    assert after.reservation.status is ReservationStatus.CANCELLED
    assert after.reservation.given_back


async def test_nobody_gives_back_the_seat_of_another(shop: Bookings) -> None:
    guest, other = await shop.guest(), await shop.guest()
    id_ = (await shop.booked(guest)).reservation.id
    asked = len(shop.shop.directory.asked)
    with pytest.raises(NotFound):
        await shop.reservations.give_back(id_, other.id)
    assert len(shop.shop.directory.asked) == asked
    still = await shop.reservations.one(id_, Scope(user_id=guest.id))
    assert still.reservation.status is ReservationStatus.PENDING_ON_SITE


async def test_past_the_cut_off_a_seat_stays(shop: Bookings) -> None:
    guest = await shop.guest()
    ticket = await shop.booked(guest)
    until_ms = ticket.cancellable_until_ms
    shop.shop.clock.forward(ms=until_ms - shop.shop.clock.now_ms())
    with pytest.raises(TooLate):
        await shop.reservations.give_back(ticket.reservation.id, guest.id)


async def test_a_move_answers_with_the_reservation_as_it_is_now(
    shop: Bookings, door: Scope
) -> None:
    by = shop.shop.owner.user_id
    ticket = await shop.booked(await shop.guest())
    id_ = ticket.reservation.id
    moved = await shop.reservations.check_in(id_, door, by)
    assert moved.reservation.status is ReservationStatus.COMPLETED
    assert (moved.auction, moved.guest) == (ticket.auction, ticket.guest)
    with pytest.raises(TransitionRefused):
        await shop.reservations.check_in(id_, door, by)
    undone = await shop.reservations.undo(id_, door, by)
    assert undone.reservation.status is ReservationStatus.PENDING_ON_SITE
    cancelled = await shop.reservations.cancel(id_, door, by, "Salon kapalı")
    assert cancelled.reservation.status is ReservationStatus.CANCELLED
    stored = await shop.reservations.one(id_, door)
    assert (stored.reason, stored.late_cancel) == ("Salon kapalı", False)


async def test_an_undo_comes_too_late_after_ten_minutes(shop: Bookings, door: Scope) -> None:
    by = shop.shop.owner.user_id
    id_ = (await shop.booked(await shop.guest())).reservation.id
    await shop.reservations.check_in(id_, door, by)
    shop.shop.clock.forward(ms=10 * MINUTE_MS + 1)
    with pytest.raises(TooLate):
        await shop.reservations.undo(id_, door, by)


async def test_nobody_is_a_no_show_before_the_studios_grace_is_over(
    shop: Bookings, door: Scope
) -> None:
    by = shop.shop.owner.user_id
    id_ = (await shop.booked(await shop.guest())).reservation.id
    shop.shop.clock.forward(ms=24 * HOUR_MS + 15 * MINUTE_MS - 1)
    with pytest.raises(TransitionRefused):
        await shop.reservations.no_show(id_, door, by)
    shop.shop.clock.forward(ms=1)
    missed = await shop.reservations.no_show(id_, door, by)
    assert missed.reservation.status is ReservationStatus.NO_SHOW


async def test_no_move_reaches_another_studios_reservation(shop: Bookings) -> None:
    foreign = Scope(studio_id=shop.shop.other_studio_id)
    guest, by = await shop.guest(), shop.shop.rival.user_id
    id_ = (await shop.booked(guest)).reservation.id
    asked = len(shop.shop.directory.asked)
    for attempt in (
        shop.reservations.check_in(id_, foreign, by),
        shop.reservations.no_show(id_, foreign, by),
        shop.reservations.undo(id_, foreign, by),
        shop.reservations.cancel(id_, foreign, by, None),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert len(shop.shop.directory.asked) == asked
