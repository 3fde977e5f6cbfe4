"""One live auction. Owns its state, its mailbox and its next appointment; nobody else changes them.

Order is the contract: **decide, commit, reply, publish**. If a commit is not known to have happened
nothing is said to anyone: the actor stays parked in `commit` until the committer knows. One turn
takes the messages that wait, decides them one after another on a tentative state, and commits the
whole as one entry; what needs no commit is answered from memory.

The consumer runs only while there is work, and running out of luck ends the actor, not the sale:
it answers everybody who waits, is dropped, and the next message loads a fresh one from the store.
Must never read the clock or the network except through the ports it was given.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engine import frames
from engine.domain.auction import Auction, Status
from engine.domain.booking import refusal
from engine.domain.decision import Draw, Notice, State
from engine.domain.messages import Book, Message, Reply
from engine.errors import Busy, HotHourError, Internal, NoOwner, Refused, UnknownOutcome
from engine.frames import Frame
from engine.mailbox import Envelope, Mailbox
from engine.ports.bus import Bus, Publication
from engine.ports.clock import Clock
from engine.ports.commit import Committed, Entry, Loaded, Offended, Outcome, Superseded
from engine.ports.outbox import OutboxRow
from engine.ports.telemetry import Telemetry
from engine.settings import Settings
from engine.timers import Timer, Timers
from engine.turn import Turn

_PATIENCE_STEP_MS = 100
_OVER = frozenset({Status.SOLD, Status.EXPIRED, Status.CANCELLED})


class Commits(Protocol):
    """The committer, as an actor sees it."""

    async def commit(self, entry: Entry) -> Outcome:
        """Until the outcome is known, however long that takes. Raises Busy: nothing was done."""


@dataclass(frozen=True, slots=True)
class House:
    """What every actor of a node shares."""

    settings: Settings
    clock: Clock
    timers: Timers
    commits: Commits
    bus: Bus
    draw: Draw
    telemetry: Telemetry
    may_refuse: Callable[[int], bool]
    """Is this node's lease on that auction valid, so that its no counts?"""
    hand_over: Callable[[list[OutboxRow]], None]
    """Committed notices on their way to guests."""
    ended: Callable[["AuctionActor", "Ending"], None]
    """An actor has stopped by itself; called once."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why an actor stopped: another owner has the auction, or it broke."""

    superseded: bool
    error: BaseException | None = None


class Breath:
    """Lets everybody else on the loop have a turn once so much work is done in one go."""

    __slots__ = ("_clock", "_since_ns", "_slice_ns")

    def __init__(self, clock: Clock, yield_after_ms: float) -> None:
        self._clock = clock
        self._slice_ns = int(yield_after_ms * 1_000_000)
        self._since_ns = clock.mono_ns()

    async def taken(self) -> None:
        """Call between two pieces of work."""
        if self._clock.mono_ns() - self._since_ns > self._slice_ns:
            await asyncio.sleep(0)
            self.rested()

    def rested(self) -> None:
        """Call when everybody else has had a turn anyway."""
        self._since_ns = self._clock.mono_ns()


class AuctionActor:
    """Life: created (messages wait), `start`ed with what was loaded, then working or idle until
    `stop`ped from outside or `ended` by itself."""

    __slots__ = (
        "_appointment",
        "_due",
        "_fence",
        "_house",
        "_mailbox",
        "_patience",
        "_singly",
        "_state",
        "_stopped",
        "_task",
        "auction_id",
        "used_ms",
    )

    def __init__(self, auction_id: int, house: House) -> None:
        self.auction_id = auction_id
        self.used_ms = house.clock.now_ms()
        self._house = house
        self._mailbox = Mailbox()
        self._state: State | None = None
        self._fence = 0
        self._due = False
        self._singly = 0
        self._stopped: HotHourError | None = None
        self._task: asyncio.Task[None] | None = None
        self._appointment: Timer | None = None
        self._patience: Timer | None = None

    # --- from outside ----------------------------------------------------------------------------

    def tell(self, message: Message) -> asyncio.Future[Reply]:
        """Stamp and queue a message. Raises Busy when full, why the actor has stopped, or, to a
        press that need not wait, what it is refused with."""
        if self._stopped is not None:
            raise self._stopped
        house, settings = self._house, self._house.settings
        self.used_ms = now_ms = house.clock.now_ms()
        if type(message) is Book and self._is_lost(message):
            raise self._refusal(message, now_ms)
        reply = self._mailbox.put(
            message,
            now_ms,
            depth_max=settings.mailbox_depth_max,
            reserve=settings.mailbox_control_reserve,
        )
        self._work_or_wait()
        return reply

    def start(self, loaded: Loaded) -> None:
        """Begin to work on what was loaded; whoever watches gets the present state.

        Raises ClockBehind when it was sold at instants that our clock is far from.
        """
        self._house.clock.at_least(loaded.high_water_ms)
        self._mailbox.lift(loaded.high_water_ms)
        self._state, self._fence = loaded.state, loaded.fence
        self._forget_patience()
        self._publish_resync(loaded.state.auction)
        self._keep_appointment()
        self._work_or_wait()

    def stop(self, why: HotHourError) -> None:
        """Take nothing more; who waits hears `why`, a commit in flight is seen through."""
        self._stopped = why
        if self._appointment is not None:
            self._appointment.cancel()
        if self._task is None:
            self._forget_patience()
        self._mailbox.fail(why)

    async def finished(self) -> None:
        """Wait until nothing is in hand and everybody has been answered."""
        while in_hand := [self._task] if self._task else self._mailbox.unanswered():
            await asyncio.wait(in_hand)

    @property
    def auction(self) -> Auction | None:
        """The public facts as committed; None until started."""
        return None if self._state is None else self._state.auction

    @property
    def waiting(self) -> int:
        """Messages that have not been taken in hand."""
        return len(self._mailbox)

    @property
    def idle(self) -> bool:
        return self._task is None and not self._mailbox

    def wake(self) -> None:
        """An appointment has come: coalesced into a flag, so a rush cannot queue it out."""
        self._due = True
        self._work_or_wait()

    # --- losers ----------------------------------------------------------------------------------

    def _is_lost(self, press: Book) -> bool:
        """It is over, nobody is before this press, and it is no retry: nothing can come of it."""
        state = self._state
        if state is None or state.auction.status not in _OVER or self._due or not self.idle:
            return False
        return state.ledger.under_key(press.user_id, press.key) is None

    def _refusal(self, press: Book, now_ms: int) -> HotHourError:
        """Of a press that is lost: a turn of one, without the task and the future, which are half
        of what the engine spends on a loser."""
        assert self._state is not None, "a press is lost in a state that is known"
        house = self._house
        refused = refusal(self._state, press, self._mailbox.stamp(now_ms))
        assert refused is not None, "it is over"
        return refused if house.may_refuse(self.auction_id) else NoOwner()

    # --- the consumer ----------------------------------------------------------------------------

    def _work_or_wait(self) -> None:
        if self._task is not None or self._stopped is not None:
            return
        if self._state is None:
            self._be_patient()
        elif self._due or self._mailbox:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        """The consumer and its supervision: an exception ends this actor, nothing else."""
        breath = Breath(self._house.clock, self._house.settings.yield_after_ms)
        in_hand: list[Envelope] = []
        try:
            while (self._due or self._mailbox) and self._stopped is None:
                in_hand = self._take()
                await self._turn(in_hand, breath)
        except _Lost:
            self._end(in_hand, NoOwner(), Ending(superseded=True))
        except Exception as error:
            self._end(in_hand, Internal(), Ending(superseded=False, error=error))
        finally:
            self._task = None
            if self._stopped is not None:
                self._mailbox.fail(self._stopped)  # what was put back since

    def _end(self, in_hand: list[Envelope], why: HotHourError, ending: Ending) -> None:
        for envelope in in_hand:
            envelope.answer(why)
        self.stop(why)
        self._house.ended(self, ending)

    def _take(self) -> list[Envelope]:
        """What the next turn has in hand; nothing: the clock alone."""
        most = 1 if self._singly else self._house.settings.turn_messages_max
        self._singly = max(0, self._singly - 1)
        taken = self._mailbox.take(most)
        if not taken:
            self._due = False
        return taken

    async def _turn(self, envelopes: list[Envelope], breath: Breath) -> None:
        """Decide, commit, reply, publish; around offenders again, and in the end one by one."""
        for _ in range(self._house.settings.turn_rounds_max):
            turn = await self._decide(envelopes, breath)
            entry = turn.offers
            if entry is None:
                await self._reply(turn, breath)
                return
            outcome = await self._commit(turn, entry)
            breath.rested()
            if not isinstance(outcome, Offended):
                await self._conclude(turn, outcome, breath)
                return
            if not all([turn.explained(offender) for offender in outcome.offenders]):
                raise _Lost
            envelopes = [e for e in envelopes if not e.reply.done()]
        if len(envelopes) == 1:
            envelopes[0].answer(Busy())
        else:
            # They wait in the mailbox, where nobody is kept longer than those behind them.
            self._mailbox.put_back(envelopes)
            self._singly = len(envelopes)

    async def _decide(self, envelopes: list[Envelope], breath: Breath) -> Turn:
        assert self._state is not None, "only a started actor works"
        house = self._house
        turn = Turn(self._state, self._fence, house.draw)
        for place, envelope in enumerate(envelopes):
            if not turn.take(envelope):
                self._mailbox.put_back(envelopes[place:])
                del envelopes[place:]
                break
            await breath.taken()
        if not self._mailbox:
            # Nothing older waits, so the clock may go on to this very instant.
            turn.advance(house.clock.now_ms())
        house.telemetry.turn(len(envelopes), len(self._mailbox))
        return turn

    async def _commit(self, turn: Turn, entry: Entry) -> Committed | Offended | None:
        """Parked here until it is known. None: nothing was sent, everybody has heard BUSY."""
        self._be_patient(turn)
        try:
            outcome = await self._house.commits.commit(entry)
        except Busy as busy:
            turn.fail(busy)
            return None
        finally:
            self._forget_patience()
        if isinstance(outcome, Superseded):
            self._house.telemetry.superseded()
            raise _Lost
        return outcome

    async def _conclude(self, turn: Turn, committed: Committed | None, breath: Breath) -> None:
        if committed is None:
            self._keep_appointment(not_before_ms=self._house.settings.backoff_ms_max)
            return
        self._state, self._fence = turn.state, committed.fence
        self._keep_appointment()
        await self._reply(turn, breath)
        if not committed.still_ours:
            raise _Lost
        await self._publish(turn, breath)

    async def _reply(self, turn: Turn, breath: Breath) -> None:
        for envelope, reply in turn.replies:
            if isinstance(reply, Refused) and not self._house.may_refuse(self.auction_id):
                envelope.answer(NoOwner())
            else:
                envelope.answer(reply)
            await breath.taken()

    # --- what is said ----------------------------------------------------------------------------

    async def _publish(self, turn: Turn, breath: Breath) -> None:
        """Its frames in one go, whenever they are encoded; then its guests, each as it comes."""
        house, auction = self._house, turn.auction
        told: list[Frame] = []
        for event in turn.events:
            watchers = house.bus.watchers(auction.id)
            told.append(frames.significant(event, house.clock.now_ms(), watchers))
            await breath.taken()
        if told:
            house.bus.publish(Publication(auction, tuple(told)))
        for notice in turn.notices:
            house.hand_over([outbox_row(notice, auction)])
            await breath.taken()

    def _publish_resync(self, auction: Auction) -> None:
        house = self._house
        frame = frames.resync(auction, house.clock.now_ms(), house.bus.watchers(auction.id))
        house.bus.publish(Publication(auction, (frame,)))

    # --- appointments ----------------------------------------------------------------------------

    def _keep_appointment(self, *, not_before_ms: int = 0) -> None:
        """Be woken for the next start, turbo or end; `not_before_ms` from now at the earliest."""
        assert self._state is not None, "only a started actor has appointments"
        if self._stopped is not None:
            return
        at_ms = self._state.auction.next_transition_ms()
        if at_ms is not None and not_before_ms:
            at_ms = max(at_ms, self._house.clock.now_ms() + not_before_ms)
        if self._appointment is not None:
            if self._appointment.at_ms == at_ms and self._appointment.waiting:
                return
            self._appointment.cancel()
        self._appointment = None if at_ms is None else self._house.timers.at(at_ms, self.wake)

    def _be_patient(self, turn: Turn | None = None) -> None:
        """Until `_forget_patience`: who waits in the mailbox for too long hears BUSY, who waits for
        the commit of `turn` for too long UNKNOWN_OUTCOME."""
        if self._patience is not None and turn is None:
            return
        house, settings = self._house, self._house.settings
        since_ms = house.clock.now_ms()

        def lose_patience() -> None:
            now_ms = house.clock.now_ms()
            self._mailbox.expire(now_ms - settings.unsent_timeout_ms, Busy())
            if turn is not None and now_ms - since_ms >= settings.answer_timeout_ms:
                turn.fail(UnknownOutcome())
            self._patience = house.timers.after(_PATIENCE_STEP_MS, lose_patience)

        self._forget_patience()
        self._patience = house.timers.after(settings.unsent_timeout_ms, lose_patience)

    def _forget_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class _Lost(Exception):
    """What is stored is not what this actor thinks: it must stop and be loaded again."""


def outbox_row(notice: Notice, auction: Auction) -> OutboxRow:
    """A committed notice as the outbox carries it, the same as its stored row."""
    fields = frames.notice_fields(notice, auction)
    user_id = notice.reservation.user_id
    return OutboxRow(notice.id, notice.kind.value, user_id, auction.id, fields)
