"""One turn of an actor: messages decided one after another on a tentative state, as one entry.

Pure bookkeeping between `decide` and the commit. Nothing here is said or written: if the commit
does not happen the turn is thrown away, and the state it started from still stands.
"""

from collections.abc import Callable

from engine.domain.auction import Auction
from engine.domain.decide import decide
from engine.domain.decision import Decision, Draw, Event, EventKind, Move, Notice, State
from engine.domain.ledger import Reservation
from engine.domain.messages import Book, Booked, CancelAuction, Reply, ReservationMessage
from engine.domain.transitions import advance
from engine.errors import Busy, Forbidden, HotHourError, KeyReused, Refused
from engine.mailbox import Envelope
from engine.ports.commit import Entry, Offender, Why


class Turn:
    """Take envelopes, then look at `offers`; `state` is what holds once it is committed."""

    def __init__(self, state: State, fence: int, draw: Draw) -> None:
        self.state = state
        self.replies: list[tuple[Envelope, Reply | HotHourError]] = []
        self.events: list[Event] = []
        self.notices: list[Notice] = []
        self._before = state.auction
        self._fence = fence
        self._draw = draw
        self._booked: list[Reservation] = []
        self._moved: list[Move] = []
        self._touched: set[int] = set()
        self._high_water_ms = 0
        self._edited = False

    def take(self, envelope: Envelope) -> bool:
        """Decide one message. False: it touches a reservation that this turn has touched already,
        which one statement cannot write twice; it belongs to the next turn."""
        message = envelope.message
        if self._touches_again(message):
            return False
        try:
            decision = decide(self.state, message, envelope.arrival, self._draw)
        except Busy as busy:
            self.replies.append((envelope, busy))
            return True
        reply = decision.reply
        assert reply is not None, "every message has a reply"
        self.replies.append((envelope, reply))
        self._add(decision, envelope.arrival.at_ms)
        self._edited |= any(event.kind is EventKind.EDITED for event in decision.events)
        return True

    def advance(self, now_ms: int) -> None:
        """Let the clock go on to `now_ms`."""
        self._add(advance(self.state, now_ms), now_ms)

    @property
    def offers(self) -> Entry | None:
        """What to commit; None if everything can be answered from memory."""
        if not (self.events or self._moved):
            return None
        return Entry(
            expected=self._before.revision,
            fence=self._fence,
            after=self.auction,
            high_water_ms=self._high_water_ms,
            events=tuple(self.events),
            booked=tuple(self._booked),
            moved=tuple(self._moved),
            notices=tuple(self.notices),
            edited=self._edited,
        )

    @property
    def auction(self) -> Auction:
        """The public facts once it is committed."""
        return self.state.auction

    def fail(self, why: HotHourError) -> None:
        """Answer everybody in it; who was answered before hears nothing more."""
        for envelope, _ in self.replies:
            envelope.answer(why)

    def explained(self, offender: Offender) -> bool:
        """Answer the guest behind an offending row, if the row is that guest's own affair.

        False: the stored auction is not what this turn thinks; only loading it again helps.
        """
        match offender.why:
            case Why.CODE:
                return True  # the code was somebody's: the same press again draws another one
            case Why.KEY if offender.old_auction_id != self._before.id:
                used = {row.key for row in self._booked if row.user_id == offender.user_id}
                self._refuse(offender.user_id, KeyReused(), lambda press: press.key in used)
                return True
            case Why.ACCOUNT:
                refusal = Forbidden("This account may not book.")
                self._refuse(offender.user_id, refusal, lambda _: True)
                return True
            case _:
                return False

    def _refuse(self, user_id: int | None, why: Refused, meant: Callable[[Book], bool]) -> None:
        """Answer a guest's presses, but not those whose seat was theirs before this turn."""
        for envelope, reply in self.replies:
            press = envelope.message
            if not isinstance(press, Book) or press.user_id != user_id or not meant(press):
                continue
            if not isinstance(reply, Booked) or reply.reservation.id in self._touched:
                envelope.answer(why)

    def _add(self, decision: Decision, at_ms: int) -> None:
        if not decision.changes:
            return
        self.state = decision.state
        self.events += decision.events
        self.notices += decision.notices
        self._booked += decision.booked
        self._moved += decision.moved
        self._touched.update(r.id for r in decision.booked)
        self._touched.update(m.after.id for m in decision.moved)
        self._high_water_ms = max(self._high_water_ms, at_ms)

    def _touches_again(self, message: object) -> bool:
        if not self._touched:
            return False
        if isinstance(message, CancelAuction):
            return True
        return isinstance(message, ReservationMessage) and message.reservation_id in self._touched
