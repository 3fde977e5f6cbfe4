"""What can go wrong, by name: armed by a plan, taken by what it strikes, counted when it does."""

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """Every kind of fault; each can be switched off by its name."""

    # The way to the database and back
    COMMIT_ANSWER_LOST = "commit_answer_lost"
    """It is done, and nobody hears so."""
    COMMIT_LOST = "commit_lost"
    """It never arrives, and nobody hears so."""
    COMMIT_LATE = "commit_late"
    """Nobody hears of it, and it arrives all the same, later."""
    COMMIT_UNSENT = "commit_unsent"
    """There is no connection to send it by."""
    COMMIT_REFUSED = "commit_refused"
    """Rolled back, as after a deadlock."""
    COMMIT_DELAYED = "commit_delayed"
    """It takes long, perhaps longer than anybody waits."""
    STATEMENT_LOST = "statement_lost"
    """Some other statement: of a takeover, a lease, the schedule, the outbox."""
    BEAT_SLOW = "beat_slow"
    """A member's heartbeat is counted at once, and it hears so much later."""
    LINE_CUT = "line_cut"
    """One member does not reach the database; guests reach it."""
    STORE_AWAY = "store_away"
    """Nothing arrives, and what is on its way is torn."""

    # Machines
    ACTOR_RAISES = "actor_raises"
    """At one of the places where an actor waits."""
    NODE_CRASH = "node_crash"
    NODE_RESTART = "node_restart"
    """In good order: drained, then stopped."""
    NODE_PAUSE = "node_pause"
    """For longer than its lease."""
    LOOP_STALL = "loop_stall"
    CLOCK_STEP = "clock_step"
    """Of the system's clock, forwards or backwards."""
    TIMER_EARLY = "timer_early"
    """The loop wakes up to a millisecond too soon."""
    MAILBOX_FULL = "mailbox_full"

    # The way from frames to watchers
    BUS_LOST = "bus_lost"
    BUS_DOUBLED = "bus_doubled"
    BUS_REORDERED = "bus_reordered"
    BUS_DELAYED = "bus_delayed"
    BUS_PARTITION = "bus_partition"

    # The way from guests and back, and to the mail server
    ASK_LOST = "ask_lost"
    ANSWER_LOST = "answer_lost"
    MAIL_DELAYED = "mail_delayed"


COMMIT_FAULTS = (
    Fault.COMMIT_ANSWER_LOST,
    Fault.COMMIT_LOST,
    Fault.COMMIT_LATE,
    Fault.COMMIT_UNSENT,
    Fault.COMMIT_REFUSED,
    Fault.COMMIT_DELAYED,
)
BUS_FAULTS = (Fault.BUS_LOST, Fault.BUS_DOUBLED, Fault.BUS_REORDERED, Fault.BUS_DELAYED)


@dataclass(slots=True)
class Armed:
    """Faults that wait for their chance: each strikes the next thing that it can strike."""

    struck: Counter[str] = field(default_factory=Counter)
    """How often each kind has happened."""
    _waiting: dict[str, deque[Fault]] = field(default_factory=dict)

    def arm(self, where: str, fault: Fault) -> None:
        """`where` names what may be struck, such as "commit"."""
        self._waiting.setdefault(where, deque()).append(fault)

    def take(self, where: str) -> Fault | None:
        """The fault that strikes now, if any."""
        waiting = self._waiting.get(where)
        if not waiting:
            return None
        fault = waiting.popleft()
        self.struck[fault] += 1
        return fault

    def happened(self, fault: Fault) -> None:
        """Something was struck without having been armed here."""
        self.struck[fault] += 1

    def disarm(self) -> None:
        """From now on nothing goes wrong."""
        self._waiting.clear()
