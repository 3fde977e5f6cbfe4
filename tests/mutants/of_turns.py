"""Bugs of one live auction: its mailbox, its turns, its appointments."""

from typing import Final

from tests.mutants.mutant import Mutant, Promise

P2, P3, P4, P5, P6 = Promise.P2, Promise.P3, Promise.P4, Promise.P5, Promise.P6
P1, P7, P8, LIVE = Promise.P1, Promise.P7, Promise.P8, Promise.LIVE

_ACTOR: Final = "engine/actor.py"
_TURN: Final = "engine/turn.py"
_MAILBOX: Final = "engine/mailbox.py"
_ACTOR_TESTS: Final = (
    "tests/engine/test_actor_endings.py",
    "tests/engine/test_actor_instants.py",
    "tests/engine/test_actor.py",
)

ACTORS: Final = (
    Mutant(
        "Guests are answered before the commit",
        _ACTOR,
        "            outcome = await self._commit(turn, entry)",
        "            await self._reply(turn, breath)\n"
        "            outcome = await self._commit(turn, entry)",
        P2,
        ("tests/engine/test_actor.py",),
    ),
    Mutant(
        "Watchers are told before the commit",
        _ACTOR,
        "            outcome = await self._commit(turn, entry)",
        "            await self._publish(turn, breath)\n"
        "            outcome = await self._commit(turn, entry)",
        P6,
        _ACTOR_TESTS,
    ),
    Mutant(
        "What was not committed is kept all the same",
        _ACTOR,
        "            outcome = await self._commit(turn, entry)",
        "            self._state = turn.state\n"
        "            outcome = await self._commit(turn, entry)",
        P3,
        _ACTOR_TESTS,
    ),
    Mutant(
        "The fence that an ambiguous commit moved is forgotten",
        _ACTOR,
        "self._state, self._fence = turn.state, committed.fence",
        "self._state = turn.state",
        P8,
        _ACTOR_TESTS,
    ),
    Mutant(
        "An owner that lost its auction right after its commit goes on",
        _ACTOR,
        "        if not committed.still_ours:\n            raise _Lost\n",
        "",
        P8,
        _ACTOR_TESTS,
    ),
    Mutant(
        "A stale owner's no counts without a lease",
        _ACTOR,
        "if isinstance(reply, Refused) and not self._house.may_refuse(self.auction_id):",
        "if False:",
        P8,
        _ACTOR_TESTS,
    ),
    Mutant(
        "A message is stamped when it is decided, not when it came",
        _ACTOR,
        "            if not turn.take(envelope):",
        "            now_ms, stamp = house.clock.now_ms(), envelope.arrival\n"
        "            envelope.arrival = type(stamp)(now_ms, stamp.seq)\n"
        "            if not turn.take(envelope):",
        P4,
        _ACTOR_TESTS,
    ),
    Mutant(
        "The clock overtakes messages that wait",
        _ACTOR,
        "        if not self._mailbox:\n            # Nothing",
        "        if self._state is not None:\n            # Nothing",
        P4,
        _ACTOR_TESTS,
    ),
    Mutant(
        "The clock alone changes nothing",
        _ACTOR,
        "            turn.advance(house.clock.now_ms())",
        "            pass",
        LIVE,
        _ACTOR_TESTS,
    ),
    Mutant(
        "After a turn there is no next appointment",
        _ACTOR,
        "        self._keep_appointment()\n        await self._reply(turn, breath)",
        "        await self._reply(turn, breath)",
        LIVE,
        _ACTOR_TESTS,
    ),
    Mutant(
        "A start that could not be committed is not tried again",
        _ACTOR,
        "            self._keep_appointment(not_before_ms=self._house.settings.backoff_ms_max)\n",
        "",
        LIVE,
        _ACTOR_TESTS,
    ),
    Mutant(
        "BUSY is said though it was sent",
        _ACTOR,
        "turn.fail(UnknownOutcome())",
        "turn.fail(Busy())",
        P3,
        _ACTOR_TESTS,
    ),
    Mutant(
        "UNKNOWN_OUTCOME is said of a commit that is merely slow",
        _ACTOR,
        "if turn is not None and now_ms - since_ms >= settings.answer_timeout_ms:",
        "if turn is not None:",
        P2,
        _ACTOR_TESTS,
        simulated=False,
    ),
    Mutant(
        "Who waits behind a slow commit is never told",
        _ACTOR,
        "            self._mailbox.expire(now_ms - settings.unsent_timeout_ms, Busy())\n",
        "",
        LIVE,
        _ACTOR_TESTS,
    ),
    Mutant(
        "Who was in hand when the actor broke hears nothing",
        _ACTOR,
        "        for envelope in in_hand:\n            envelope.answer(why)\n",
        "",
        LIVE,
        _ACTOR_TESTS,
    ),
    Mutant(
        "Who waits when an actor is stopped hears nothing",
        _ACTOR,
        "        self._mailbox.fail(why)\n",
        "",
        LIVE,
        _ACTOR_TESTS,
    ),
    Mutant(
        "What is put back into the mailbox of a stopped actor is forgotten",
        _ACTOR,
        "                self._mailbox.fail(self._stopped)  # what was put back since",
        "                pass",
        LIVE,
        _ACTOR_TESTS,
        simulated=False,
    ),
    Mutant(
        "A stopped actor takes messages",
        _ACTOR,
        "        if self._stopped is not None:\n            raise self._stopped\n",
        "",
        LIVE,
        _ACTOR_TESTS,
    ),
    Mutant(
        "Draining forgets who waits for an actor that is being loaded",
        _ACTOR,
        "[self._task] if self._task else self._mailbox.unanswered()",
        "[self._task] if self._task else []",
        LIVE,
        (*_ACTOR_TESTS, "tests/engine/test_supervisor.py"),
        simulated=False,
    ),
    Mutant(
        "Frames that were lost with a crash are never made up for",
        _ACTOR,
        "        self._publish_resync(loaded.state.auction)\n",
        "",
        P6,
        _ACTOR_TESTS,
    ),
    Mutant(
        "Messages that waited are decided before the earlier owner's last sale",
        _ACTOR,
        "        self._mailbox.lift(loaded.high_water_ms)\n",
        "",
        P4,
        _ACTOR_TESTS,
    ),
    Mutant(
        "A takeover does not look how far the earlier owner's clock was",
        _ACTOR,
        "        self._house.clock.at_least(loaded.high_water_ms)\n",
        "",
        P4,
        _ACTOR_TESTS,
    ),
    Mutant(
        "All guests of a turn hear of the first one's seat",
        _ACTOR,
        "house.hand_over([outbox_row(notice, auction)])",
        "house.hand_over([outbox_row(turn.notices[0], auction)])",
        P6,
        _ACTOR_TESTS,
    ),
)

TURNS: Final = (
    Mutant(
        "A check-in is answered and never committed",
        _TURN,
        "if not (self.events or self._moved):",
        "if not self.events:",
        P2,
        ("tests/engine/test_turn.py", *_ACTOR_TESTS),
        simulated=False,
    ),
    Mutant(
        "An edit is answered and not stored",
        _TURN,
        "edited=self._edited,",
        "edited=False,",
        P2,
        ("tests/engine/test_turn.py", *_ACTOR_TESTS),
        simulated=False,
    ),
    Mutant(
        "A code that somebody else has costs the guest the seat",
        _TURN,
        "                return True  # the code was somebody's: the same press again draws"
        " another one",
        "                self._refuse(offender.user_id, KeyReused(), lambda _: True)\n"
        "                return True",
        P1,
        ("tests/engine/test_turn.py", *_ACTOR_TESTS),
    ),
    Mutant(
        "A key that another owner stored for this auction is called reused",
        _TURN,
        "case Why.KEY if offender.old_auction_id != self._before.id:",
        "case Why.KEY:",
        P5,
        ("tests/engine/test_turn.py", *_ACTOR_TESTS),
    ),
    Mutant(
        "A seat that another owner sold is no reason to load again",
        _TURN,
        "            case _:\n                return False",
        "            case _:\n                return True",
        P8,
        ("tests/engine/test_turn.py", *_ACTOR_TESTS),
    ),
    Mutant(
        "A winner's retry is refused along with a later press",
        _TURN,
        "if not isinstance(reply, Booked) or reply.reservation.id in self._touched:",
        "if isinstance(reply, Booked):",
        P5,
        ("tests/engine/test_turn.py", *_ACTOR_TESTS),
        simulated=False,
    ),
    Mutant(
        "One statement writes a reservation twice",
        _TURN,
        "        if not self._touched:\n            return False\n",
        "        if self._touched is not None:\n            return False\n",
        LIVE,
        ("tests/engine/test_turn.py", *_ACTOR_TESTS),
    ),
    Mutant(
        "The instant that was sold at is not stored",
        _TURN,
        "self._high_water_ms = max(self._high_water_ms, at_ms)",
        "self._high_water_ms = 0",
        P4,
        ("tests/engine/test_turn.py", *_ACTOR_TESTS),
    ),
)

MAILBOXES: Final = (
    Mutant(
        "Stamps follow a clock that goes back",
        _MAILBOX,
        "self._last_ms = max(self._last_ms, now_ms)",
        "self._last_ms = now_ms",
        P4,
        simulated=False,
    ),
    Mutant(
        "A mailbox takes one message more than it has places",
        _MAILBOX,
        "if len(self) >= places:",
        "if len(self) > places:",
        P7,
    ),
    Mutant(
        "A rush leaves no place for staff",
        _MAILBOX,
        "depth_max if isinstance(message, _FROM_ANYBODY) else depth_max + reserve",
        "depth_max",
        P7,
    ),
    Mutant(
        "Who has been told BUSY or has gone is booked later all the same",
        _MAILBOX,
        "            if not envelope.reply.done():\n                taken.append(envelope)",
        "            taken.append(envelope)",
        P3,
        simulated=False,
    ),
    Mutant(
        "What is put back loses its order",
        _MAILBOX,
        "self._waiting.extendleft(reversed(back))",
        "self._waiting.extendleft(back)",
        P4,
        simulated=False,
    ),
    Mutant(
        "What is put back goes behind those who came later",
        _MAILBOX,
        "self._waiting.extendleft(reversed(back))",
        "self._waiting.extend(back)",
        P4,
        simulated=False,
    ),
    Mutant(
        "A crash loses the mailbox's answers",
        _MAILBOX,
        "for envelope in self.take(len(self)):",
        "for envelope in self.take(1):",
        LIVE,
    ),
    Mutant(
        "Only new messages are lifted to the earlier owner's last sale",
        _MAILBOX,
        "            if envelope.arrival.at_ms < high_water_ms:",
        "            if high_water_ms < envelope.arrival.at_ms < high_water_ms:",
        P4,
    ),
)

MUTANTS: Final = (*ACTORS, *TURNS, *MAILBOXES)
