"""What waits for one auction: bounded, stamped, in order."""

import asyncio

import pytest

from engine.domain.messages import (
    AuctionIs,
    Book,
    CancelAuction,
    GiveBack,
    Look,
    Message,
    Reply,
    TriggerTurbo,
)
from engine.errors import Busy, Draining, NoOwner
from engine.mailbox import Mailbox


def put(mailbox: Mailbox, message: Message, now_ms: int = 1_000) -> asyncio.Future[Reply]:
    return mailbox.put(message, now_ms, depth_max=3, reserve=2)


async def test_messages_come_out_in_the_order_they_went_in_with_their_stamps() -> None:
    mailbox = Mailbox()
    for user, now_ms in ((1, 100), (2, 105), (3, 105)):
        put(mailbox, Book(user), now_ms)
    taken = mailbox.take(10)
    assert [e.message.user_id for e in taken] == [1, 2, 3]  # type: ignore[union-attr]
    assert [(e.arrival.at_ms, e.arrival.seq) for e in taken] == [(100, 1), (105, 2), (105, 3)]
    assert not mailbox


async def test_stamps_never_decrease() -> None:
    mailbox = Mailbox()
    put(mailbox, Book(1), 200)
    put(mailbox, Book(2), 150)
    assert [e.arrival.at_ms for e in mailbox.take(2)] == [200, 200]


async def test_a_full_mailbox_says_so_at_once_and_keeps_places_for_staff() -> None:
    mailbox = Mailbox()
    for user in range(3):
        put(mailbox, Book(user))
    from_guests: tuple[Message, ...] = (Book(9), GiveBack(1, user_id=9), Look())
    for message in from_guests:
        with pytest.raises(Busy):
            put(mailbox, message)
    put(mailbox, TriggerTurbo(by=1))
    put(mailbox, CancelAuction(by=1))
    with pytest.raises(Busy):
        put(mailbox, CancelAuction(by=1))
    assert len(mailbox) == 5


async def test_who_has_gone_is_not_taken() -> None:
    mailbox = Mailbox()
    gone, here = put(mailbox, Book(1)), put(mailbox, Book(2))
    gone.cancel()
    (taken,) = mailbox.take(10)
    assert taken.reply is here


async def test_what_was_taken_can_be_put_back_in_front() -> None:
    mailbox = Mailbox()
    for user in range(3):
        put(mailbox, Book(user))
    first, second = mailbox.take(2)
    mailbox.put_back([first, second])
    mailbox.put_back([])
    assert [e.arrival.seq for e in mailbox.take(9)] == [1, 2, 3]
    mailbox.put_back([second])
    assert len(mailbox) == 1


async def test_only_what_arrived_long_ago_expires() -> None:
    mailbox = Mailbox()
    old, young = put(mailbox, Book(1), 100), put(mailbox, Book(2), 101)
    mailbox.expire(100, Busy())
    assert isinstance(old.exception(), Busy)
    assert not young.done()
    assert mailbox.unanswered() == [young]
    mailbox.expire(101, Busy())
    assert young.done()
    assert mailbox._waiting is None, "an empty one costs next to nothing"


async def test_an_envelope_is_answered_once() -> None:
    mailbox = Mailbox()
    reply = put(mailbox, Look())
    (envelope,) = mailbox.take(1)
    answer = AuctionIs(auction=None)  # type: ignore[arg-type]
    envelope.answer(answer)
    envelope.answer(NoOwner())
    assert reply.result() is answer


async def test_failing_it_answers_everybody() -> None:
    mailbox = Mailbox()
    replies = [put(mailbox, Book(user)) for user in range(3)]
    mailbox.fail(Draining())
    assert all(isinstance(reply.exception(), Draining) for reply in replies)
    assert not mailbox


async def test_nothing_is_decided_before_the_instant_an_earlier_owner_used() -> None:
    mailbox = Mailbox()
    put(mailbox, Book(1), 100)
    put(mailbox, Book(2), 300)
    mailbox.lift(200)
    put(mailbox, Book(3), 150)
    assert [e.arrival.at_ms for e in mailbox.take(9)] == [200, 300, 300]
