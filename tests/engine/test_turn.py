"""One turn: messages decided one after another, committed as one entry."""

import asyncio

from engine.domain.messages import (
    Arrival,
    Book,
    Booked,
    CancelAuction,
    CancelSeat,
    CheckIn,
    Edit,
    GiveBack,
    Look,
    Message,
    Undo,
)
from engine.errors import Busy, Forbidden, KeyReused, Sold, UnknownOutcome
from engine.mailbox import Envelope
from engine.ports.commit import Offender, Why
from engine.turn import Turn
from tests.domain.sales import END, MINUTE, START, Numbered, Sale


def envelope(message: Message, at_ms: int = START + MINUTE, seq: int = 1) -> Envelope:
    return Envelope(message, Arrival(at_ms, seq), asyncio.get_running_loop().create_future())


def turn_of(sale: Sale, *messages: Message) -> Turn:
    turn = Turn(sale.state, fence=5, draw=sale.draw)
    for seq, message in enumerate(messages, 1):
        assert turn.take(envelope(message, seq=seq))
    return turn


async def test_several_winners_are_one_entry_with_one_revision_each() -> None:
    turn = turn_of(Sale(seats=2), Book(1), Book(2), Book(3))
    entry = turn.offers
    assert entry is not None
    assert (entry.expected, entry.fence, entry.after.revision) == (1, 5, 4)
    assert [event.revision for event in entry.events] == [2, 3, 4]
    assert [r.user_id for r in entry.booked] == [1, 2]
    assert len(entry.notices) == 2
    assert entry.high_water_ms == START + MINUTE
    kinds = [type(reply) for _, reply in turn.replies]
    assert kinds == [Booked, Booked, Sold]


async def test_what_changes_nothing_is_not_committed() -> None:
    sale = Sale()
    sale.sold_to(1)
    turn = turn_of(sale, Book(2), Look(), Book(1))
    assert turn.offers is None


async def test_the_clock_alone_can_make_an_entry() -> None:
    turn = Turn(Sale().state, fence=5, draw=Numbered())
    turn.advance(END)
    entry = turn.offers
    assert entry is not None
    assert (len(entry.events), entry.high_water_ms) == (2, END)


async def test_a_reservation_is_touched_once_a_turn() -> None:
    sale = Sale(seats=2)
    number = sale.sold_to(1).reservation.id
    turn = turn_of(sale, CheckIn(number, by=9))
    assert not turn.take(envelope(Undo(number, by=9)))
    assert not turn.take(envelope(CancelAuction(by=9)))
    assert turn.take(envelope(Book(2)))
    assert turn.take(envelope(CheckIn(404, by=9)))


async def test_only_an_edit_that_changed_something_writes_the_facts() -> None:
    sale = Sale()
    auction = sale.auction
    same = Edit(9, auction.title, auction.description, auction.allowed_gender, auction.terms)
    assert not turn_of(sale, same, Book(1)).offers.edited  # type: ignore[union-attr]
    other = Edit(9, "New", auction.description, auction.allowed_gender, auction.terms)
    assert turn_of(sale, other).offers.edited  # type: ignore[union-attr]


async def test_out_of_numbers_a_press_hears_busy_and_the_rest_is_decided() -> None:
    class Empty(Numbered):
        def reservation_id(self) -> int:
            raise Busy

    turn = Turn(Sale().state, fence=5, draw=Empty())
    assert turn.take(envelope(Book(1)))
    assert turn.take(envelope(Look()))
    assert [type(reply).__name__ for _, reply in turn.replies] == ["Busy", "AuctionIs"]


async def test_a_failed_turn_answers_everybody_the_same() -> None:
    turn = turn_of(Sale(), Book(1), Book(2))
    turn.fail(UnknownOutcome())
    assert all(isinstance(e.reply.exception(), UnknownOutcome) for e, _ in turn.replies)


async def test_offenders_are_told_what_is_their_own_affair() -> None:
    turn = turn_of(Sale(seats=3), Book(1, key="k"), Book(2), Book(3))
    assert turn.explained(Offender(Why.KEY, user_id=1, old=8, old_auction_id=77))
    assert turn.explained(Offender(Why.ACCOUNT, user_id=2))
    assert turn.explained(Offender(Why.CODE, user_id=3))
    first, second, third = (e.reply for e, _ in turn.replies)
    assert isinstance(first.exception(), KeyReused)
    assert isinstance(second.exception(), Forbidden)
    assert not third.done(), "it is decided again with another code"


async def test_only_the_presses_with_a_used_key_hear_that_it_was_used() -> None:
    sale = Sale(seats=3)
    held = sale.sold_to(2).reservation.id
    turn = turn_of(sale, Book(1, key="k"), Book(1, key="m"), Book(1, key="k"), GiveBack(held, 2))
    assert turn.explained(Offender(Why.KEY, user_id=1, old=8, old_auction_id=77))
    used, other, used_again, given_back = (e.reply for e, _ in turn.replies)
    assert isinstance(used.exception(), KeyReused)
    assert isinstance(used_again.exception(), KeyReused)
    assert not other.done(), "another key is decided again"
    assert not given_back.done()


async def test_an_account_that_may_not_book_still_hears_of_the_seat_it_has() -> None:
    sale = Sale(seats=3)
    earlier = sale.sold_to(1, key="k").reservation.id
    sale.tell(CancelSeat(earlier, by=9), START + MINUTE)
    turn = turn_of(sale, Book(1, key="k"), Book(1, key="m"), GiveBack(earlier, 1))
    assert turn.explained(Offender(Why.ACCOUNT, user_id=1))
    retried, new, given_back = (e.reply for e, _ in turn.replies)
    assert isinstance(new.exception(), Forbidden)
    assert not retried.done(), "what was answered once is answered the same for ever"
    assert not given_back.done()


async def test_what_only_a_reload_can_explain_is_left_unanswered() -> None:
    turn = turn_of(Sale(), Book(1, key="k"))
    for offender in (
        Offender(Why.KEY, user_id=1, old=8, old_auction_id=1),
        Offender(Why.SEAT, user_id=1, seat_no=1),
        Offender(Why.USER, user_id=1),
        Offender(Why.STATUS, old=8),
    ):
        assert not turn.explained(offender)
    assert not turn.replies[0][0].reply.done()
