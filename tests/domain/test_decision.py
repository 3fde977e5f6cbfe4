"""What a decision is made of."""

from engine.domain.decision import Decision, EventKind, State
from engine.domain.ledger import EMPTY
from engine.domain.messages import CheckIn, Look
from tests.domain.sales import CLASS, START, Sale, auction


def test_only_events_and_moves_have_to_be_committed() -> None:
    sale = Sale()
    assert not Decision(State(auction(), EMPTY)).changes
    assert sale.tell(Look(), START).changes
    assert not sale.tell(Look(), START).changes
    number = sale.sold_to(7).reservation.id
    assert sale.tell(CheckIn(number, by=9), CLASS).changes


def test_two_decisions_in_a_row_are_one_whole() -> None:
    sale = Sale()
    first = sale.tell(Look(), START)
    number = sale.sold_to(7).reservation.id
    second = sale.tell(CheckIn(number, by=9), CLASS)
    whole = second.after(first)
    assert whole.state is second.state
    assert whole.reply is second.reply
    assert [e.kind for e in whole.events][:1] == [EventKind.ACTIVATED]
    assert whole.moved == second.moved
    assert whole.events[0].revision == whole.events[0].after.revision
