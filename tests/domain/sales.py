"""Sales to decide about, and a draw whose numbers are known beforehand."""

from dataclasses import replace
from itertools import count
from typing import Any

from engine.domain.auction import AllowedGender, Auction, Status
from engine.domain.decide import decide
from engine.domain.decision import Decision, State
from engine.domain.ledger import EMPTY
from engine.domain.messages import Arrival, Book, Booked, Message
from engine.domain.terms import Terms, TurboTerms

START = 1_800_000_000_000
MINUTE = 60_000
END = START + 120 * MINUTE
CLASS = END + 3 * 60 * MINUTE
TERMS = Terms(
    start_price=20_000,
    floor_price=5_000,
    drop_amount=1_000,
    drop_every_ms=30 * MINUTE,
    starts_at_ms=START,
    ends_at_ms=END,
    class_at_ms=CLASS,
    seats=1,
    turbo=None,
)
TURBO = TurboTerms(amount=500, trigger_ms=30 * MINUTE, every_ms=5 * MINUTE)


class Numbered:
    """Ids 1, 2, 3 ... and codes to match."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._codes = count(0)

    def reservation_id(self) -> int:
        return next(self._ids)

    def notice_id(self) -> int:
        return next(self._ids)

    def code(self) -> str:
        number = next(self._codes)
        letters = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
        return f"HOT-{''.join(letters[number // 31**place % 31] for place in (3, 2, 1, 0))}"


def auction(**changes: Any) -> Auction:
    """A published sale that starts at START; `changes` are fields of its terms or its own."""
    terms = {name: changes.pop(name) for name in tuple(changes) if hasattr(TERMS, name)}
    made = Auction(
        id=1,
        studio_id=1,
        title="Yoga",
        description="",
        currency="TRY",
        allowed_gender=AllowedGender.ANY,
        cancel_cutoff_ms=2 * 60 * MINUTE,
        no_show_grace_ms=15 * MINUTE,
        terms=replace(TERMS, **terms),
        status=Status.SCHEDULED,
        revision=1,
        seats_left=terms.get("seats", 1),
    )
    return replace(made, **changes)


class Sale:
    """A sale under decision: each message is decided on the state the last one left."""

    def __init__(self, **changes: Any) -> None:
        self.state = State(auction(**changes), EMPTY)
        self.draw = Numbered()
        self._seq = count(1)

    def tell(self, message: Message, at_ms: int) -> Decision:
        decision = decide(self.state, message, Arrival(at_ms, next(self._seq)), self.draw)
        self.state = decision.state
        return decision

    def book(self, user: int, at_ms: int = START + MINUTE, **fields: Any) -> Any:
        """The reply to a press."""
        return self.tell(Book(user, **fields), at_ms).reply

    def sold_to(self, user: int, at_ms: int = START + MINUTE, **fields: Any) -> Booked:
        """A press that has to win."""
        reply = self.book(user, at_ms, **fields)
        assert isinstance(reply, Booked), reply
        return reply

    @property
    def auction(self) -> Auction:
        return self.state.auction
