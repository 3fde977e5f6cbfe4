"""Guests and staff: what they do when their moment comes, and what they make of the answers.

A guest behaves as the contract asks of clients: one key a press, kept before it is sent, sent again
with the same key until the answer is definite. Some do not wait, some press twice. Nobody here ever
gives up before the run is over, so what stays unanswered is the engine's fault.
"""

import asyncio
from dataclasses import dataclass
from random import Random

from engine.domain.auction import Auction
from engine.domain.ledger import ReservationStatus
from engine.domain.messages import (
    Book,
    Booked,
    CancelAuction,
    CancelSeat,
    CheckIn,
    Edit,
    GiveBack,
    Look,
    Message,
    TriggerTurbo,
    Undo,
)
from engine.errors import Busy, Draining, NoOwner, Refused, Unable
from engine.simulation.judge import Judge
from engine.simulation.loop import VirtualLoop
from engine.simulation.member import Answer, Gone
from engine.simulation.network import Network
from engine.simulation.plan import STAFF, Habit, Press, Staff, Wish
from engine.simulation.rules import price_of
from engine.store.memory.database import MemoryDatabase

_PAUSES_MS = (20, 200, 700)
_LATER_MS = (300, 2_500)
_NOTHING_DONE = (Refused, Busy, NoOwner, Draining)
"""Answers that promise that this attempt has changed nothing."""


@dataclass(slots=True)
class Crowd:
    """Everybody outside."""

    loop: VirtualLoop
    rng: Random
    network: Network
    judge: Judge
    database: MemoryDatabase

    # --- guests ----------------------------------------------------------------------------------

    async def press(self, act: Press) -> None:
        """One press and all that follows from it."""
        key, others = self._key_of(act), []
        if act.habit is Habit.DOUBLE:
            others = [self._until_definite(act, act.auction_id, key)]
        if act.habit is Habit.OTHER_KEY:
            others = [self._until_definite(act, act.auction_id, f"{key}b")]
        if act.habit is Habit.REUSES_KEY:
            others = [self._until_definite(act, self._another(act.auction_id), key)]
        if act.habit is Habit.HANGS_UP:
            await self._hang_up(act, key)
        answers = await asyncio.gather(self._until_definite(act, act.auction_id, key), *others)
        if act.habit is Habit.CANCELS and isinstance(answers[0], Booked):
            await self._give_back(act, answers[0])

    @staticmethod
    def _key_of(act: Press) -> str:
        """Now and then everybody at an auction has the same, as a careless client would."""
        shared = act.habit is Habit.PATIENT and not act.careful and act.no % 4 == 0
        return f"a{act.auction_id}" if shared else f"k{act.no}"

    async def _hang_up(self, act: Press, key: str) -> None:
        """Send, and hear nothing; ask much later."""
        self.judge.asks(act.guest, key, act.auction_id)
        self.judge.sends(act.guest, key)
        message = self._book(act, act.auction_id, key)
        asyncio.get_running_loop().create_task(
            self.network.ask(act.auction_id, message, at_once=act.exact)
        )
        await asyncio.sleep(self.rng.choice(_LATER_MS) / 1000)

    async def _until_definite(self, act: Press, auction_id: int, key: str) -> Answer:
        self.judge.asks(act.guest, key, auction_id)
        message, since_ns = self._book(act, auction_id, key), self.loop.now_ns
        at_once = act.exact
        while True:
            self.judge.sends(act.guest, key)
            sent_ns = self.loop.now_ns
            answer = await self.network.ask(auction_id, message, at_once=at_once)
            self.judge.note("guest", act.guest, key, auction_id, _named(answer))
            if isinstance(answer, _NOTHING_DONE):
                self.judge.hears_nothing_was_done(act.guest, key)
                if act.habit is Habit.TAKES_BUSY:
                    return answer
            if isinstance(answer, Booked):
                self.judge.told(act.guest, key, auction_id, answer)
                return answer
            if isinstance(answer, Refused):
                self.judge.refused(act.guest, key, auction_id, answer, since_ns, sent_ns)
                return answer
            at_once = False
            await asyncio.sleep(self.rng.choice(_PAUSES_MS) / 1000)

    def _book(self, act: Press, auction_id: int, key: str) -> Book:
        shown = None
        if act.careful:
            auction = self.database.auctions[auction_id].auction
            shown = price_of(auction.terms, auction.turbo_started_at_ms, act.at_ms)
        return Book(act.guest, key=key, max_price=shown)

    async def _give_back(self, act: Press, booked: Booked) -> None:
        await asyncio.sleep(self.rng.choice(_PAUSES_MS) / 1000)
        reservation = booked.reservation
        message = GiveBack(reservation.id, act.guest)
        answer = await self._insisting(reservation.auction_id, message)
        self.judge.note("guest", act.guest, "gives back", reservation.id, _named(answer))
        row = self.database.reservations[reservation.id].reservation
        if not isinstance(answer, Refused) and row.holds_seat:
            self.judge.broken("P2", f"reservation {row.id} was given back and holds its seat")
        if self.rng.random() < 0.5:
            await self._until_definite(act, act.auction_id, f"k{act.no}again")

    def _another(self, auction_id: int) -> int:
        known = sorted(self.database.auctions)
        return known[(known.index(auction_id) + 1) % len(known)]

    async def _insisting(self, auction_id: int, message: Message) -> Answer:
        """Until there is a yes or a no."""
        while True:
            answer = await self.network.ask(auction_id, message)
            if _definite(answer):
                return answer
            await asyncio.sleep(self.rng.choice(_PAUSES_MS) / 1000)

    # --- staff -----------------------------------------------------------------------------------

    async def staff(self, act: Staff) -> None:
        """Ask for it, as often as it takes."""
        message = self._wished(act)
        if message is not None:
            answer = await self._insisting(act.auction_id, message)
            if act.wish is Wish.STEAL and not isinstance(answer, Refused):
                self.judge.broken("P3", "somebody gave back a seat that is another's")
            self.judge.note("staff", act.auction_id, act.wish, _named(answer))

    def _wished(self, act: Staff) -> Message | None:
        auction = self.database.auctions[act.auction_id].auction
        match act.wish:
            case Wish.TURBO:
                return TriggerTurbo(STAFF)
            case Wish.TURBO_NOW:
                return TriggerTurbo(STAFF, force=True)
            case Wish.RENAME:
                return _renamed(auction)
            case Wish.CANCEL_CLASS:
                return CancelAuction(STAFF, reason="rain")
            case Wish.LOOK:
                return Look()
            case Wish.CANCEL_SEAT | Wish.CHECK_IN | Wish.UNDO | Wish.STEAL:
                return self._about_a_seat(act)

    def _about_a_seat(self, act: Staff) -> Message | None:
        rows = [row for row in self.database.held(act.auction_id) if row.holds_seat]
        if not rows:
            return None
        row = rows[act.no % len(rows)]
        if act.wish is Wish.CANCEL_SEAT:
            return CancelSeat(row.id, STAFF, reason="full")
        if act.wish is Wish.STEAL:
            return GiveBack(row.id, STAFF)
        done = row.status is not ReservationStatus.PENDING_ON_SITE
        return Undo(row.id, STAFF) if done else CheckIn(row.id, STAFF)


def _renamed(auction: Auction) -> Edit:
    return Edit(
        STAFF,
        title=f"{auction.title} again"[:200],
        description=auction.description,
        allowed_gender=auction.allowed_gender,
        terms=auction.terms,
    )


def _definite(answer: Answer) -> bool:
    """A yes or a no; anything else is asked again."""
    return not isinstance(answer, Unable | Gone)


def _named(answer: Answer) -> str:
    code = getattr(answer, "code", None)
    return type(answer).__name__ if code is None else str(code)
