"""The lists that the statement takes, as they are laid out."""

from dataclasses import replace

import orjson
import pytest

from engine.domain.decision import State
from engine.domain.ledger import EMPTY
from engine.domain.messages import Book, CheckIn
from engine.ports.commit import Committed, Entry, Loaded
from engine.store.postgres.rows import batch
from engine.store.postgres.statement import LEAN, PLAIN, WIDE
from tests.contracts.turns import CLASS_MS, NOON_MS, Owner, a_sale


def an_owner(auction_id: int) -> Owner:
    return Owner(Loaded(State(a_sale(auction_id), EMPTY), fence=auction_id, high_water_ms=0))


def column(entries: list[Entry], which: int, name: str) -> list[object]:
    """One column of one list: of e, r, v, o or c."""
    work = batch(entries)
    before = sum(len(columns) for columns in work.statement.lists[:which])
    names = [column_name for column_name, _ in work.statement.lists[which]]
    return list(work.arguments[before + names.index(name)])


def test_every_list_is_in_the_order_of_auctions() -> None:
    entries = [an_owner(n).offers(Book(10 * n)) for n in (3, 1, 2)]
    assert column(entries, 0, "auction_id") == [1, 2, 3]
    assert column(entries, 0, "fence") == [1, 2, 3]
    assert column(entries, 0, "k") == [1, 1, 1]
    assert column(entries, 1, "user_id") == [10, 20, 30]
    assert column(entries, 2, "auction_id") == [1, 2, 3]
    assert column(entries, 3, "user_id") == [10, 20, 30]


def test_moves_are_in_the_order_of_reservations() -> None:
    owner = an_owner(1)
    sold = owner.offers(Book(7), Book(8))
    owner.moves_on(sold, Committed(1))
    first, second = (reservation.id for reservation in sold.booked)
    entry = owner.offers(CheckIn(second, 1), CheckIn(first, 1), at_ms=CLASS_MS)
    assert column([entry], 4, "id") == [first, second]
    assert column([entry], 4, "was") == ["PENDING_ON_SITE"] * 2
    assert column([entry], 4, "status") == ["COMPLETED"] * 2
    assert column([entry], 0, "k") == [0]


def test_payloads_are_json_texts() -> None:
    entry = an_owner(1).offers(Book(7), at_ms=NOON_MS)
    (event,) = column([entry], 2, "payload")
    (notice,) = column([entry], 3, "payload")
    assert isinstance(event, str)
    assert isinstance(notice, str)
    assert orjson.loads(event)["price"] == "200.00"
    assert orjson.loads(notice)["booking_code"] == entry.booked[0].code


@pytest.mark.parametrize("edited", [False, True])
def test_the_wide_statement_is_for_edits_alone(*, edited: bool) -> None:
    entry = replace(an_owner(1).offers(Book(7)), edited=edited)
    work = batch([entry, an_owner(2).offers(Book(8))])
    assert work.statement is (WIDE if edited else PLAIN)
    assert len(work.arguments) == sum(map(len, work.statement.lists))
    if edited:
        assert column([entry, an_owner(2).offers(Book(8))], 0, "title") == ["Sabah yogası", None]


def test_the_plain_statement_is_for_batches_in_which_every_entry_has_a_revision() -> None:
    booked, silent = an_owner(1).offers(Book(7)), replace(an_owner(2).offers(Book(8)), events=())
    silent = replace(silent, expected=silent.after.revision, booked=(), notices=())
    assert batch([booked]).statement is PLAIN
    assert batch([booked, silent]).statement is LEAN


def test_every_booking_has_a_token_of_its_own() -> None:
    entries = [an_owner(n).offers(Book(n)) for n in range(1, 51)]
    tokens = column(entries, 1, "qr_token")
    assert len(set(tokens)) == 50


def test_an_empty_batch_has_every_list() -> None:
    assert len(batch([]).arguments) == len(PLAIN.nothing) == sum(map(len, PLAIN.lists))
    assert len(LEAN.nothing) == sum(map(len, LEAN.lists))
    assert len(WIDE.nothing) == sum(map(len, WIDE.lists))
