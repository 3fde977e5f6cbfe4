"""Looks at everything that happens and says which promise it breaks.

P1 no oversell, P2 an answer is for ever, P3 no ghost, P4 honest price, P5 once a key, P6 one story
on the wire, P7 bounded, P8 the database alone judges; and liveness: every ask has an answer in
time. The promises are those of docs/promises.md, their sentences stand in rules.py. The first
breach ends a run.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine import errors
from engine.domain.auction import Auction, Status
from engine.domain.ledger import Reservation
from engine.domain.messages import Booked
from engine.ports.commit import Committed, Entry, Outcome
from engine.simulation import rules
from engine.simulation.loop import VirtualLoop
from engine.store.memory.database import MemoryDatabase

SKEW_MS_MAX = 5_100
"""So far may the clock by which a sale is over be ahead of the true time: with a clock that is
5 s off (`clock_apart_ms_max`) a process still starts."""


LATE_MS_MAX = 1_500
"""So late may a start, turbo or an end be written in the end, when every cool-down is over."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A promise that was not kept."""

    promise: str
    what: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class _Row:
    """An auction's row as a commit found it."""

    auction: Auction
    fence: int
    high_water_ms: int


@dataclass(slots=True)
class Asked:
    """What a guest has asked for with one key: before any of it can be in the database."""

    auctions: set[int]
    arrivals_ms: list[int]
    """By the clocks of the members it arrived at."""

    attempts: int = 0
    nothing_done: bool = False
    """The only attempt was answered by something that says so."""

    def arrived(self, at_ms: int) -> bool:
        """Did it arrive then? The mailbox's stamp is a step later than the note of it."""
        return any(at <= at_ms <= at + 1 for at in self.arrivals_ms)


class Judge:
    """`breach` is None as long as every promise was kept."""

    def __init__(self, loop: VirtualLoop, database: MemoryDatabase) -> None:
        self.breach: Breach | None = None
        self.seen: Counter[str] = Counter()
        """How much there was to look at: what was never tried proves nothing."""
        self.trace: list[tuple[object, ...]] = []
        self._loop = loop
        self._database = database
        self._asked: dict[tuple[int, str], Asked] = {}
        self._promised: dict[int, Reservation] = {}
        self._keys: dict[tuple[int, str], int] = {}
        self._keyed_ns: dict[tuple[int, str], int] = {}
        self._history: dict[int, list[tuple[int, Auction]]] = {
            auction_id: [(loop.now_ns, row.auction)]
            for auction_id, row in database.auctions.items()
        }
        self._carried: set[int] = set()
        self._last_accepted_ms: dict[int, int] = {}

    def note(self, *what: object) -> None:
        """A line of the trace."""
        self.trace.append((self._loop.now_ns, *what))

    def broken(self, promise: str, what: str) -> None:
        """Only the first counts: what follows from it says nothing new."""
        if self.breach is None:
            self.note("BREACH", promise, what)
            self.breach = Breach(promise, what, self._loop.now_ns)
            self._loop.halt()

    def _all(self, promise: str, about: object, wrongs: Iterable[str]) -> None:
        for wrong in wrongs:
            self.broken(promise, f"{about}: {wrong}")

    # --- the database ----------------------------------------------------------------------------

    def before_commit(self, entries: Sequence[Entry]) -> Mapping[int, _Row]:
        rows = self._database.auctions
        return {
            entry.auction_id: _Row(row.auction, row.fence, row.high_water_ms)
            for entry in entries
            if (row := rows.get(entry.auction_id)) is not None
        }

    def after_commit(
        self, seen: object, entries: Sequence[Entry], outcomes: Mapping[int, Outcome]
    ) -> None:
        assert isinstance(seen, dict)
        for entry in entries:
            before: _Row = seen[entry.auction_id]
            after = self._database.auctions[entry.auction_id].auction
            outcome = outcomes[entry.auction_id]
            self.note("commit", entry.auction_id, type(outcome).__name__, after.revision)
            if not isinstance(outcome, Committed):
                self.seen[type(outcome).__name__] += 1
                if after is not before.auction:
                    self.broken("P8", f"auction {entry.auction_id} was written and refused")
                continue
            self.seen["committed"] += 1
            self._written(entry, before, after)

    def _written(self, entry: Entry, before: _Row, after: Auction) -> None:
        about = f"auction {after.id}"
        if (entry.fence, entry.expected) != (before.fence, before.auction.revision):
            self.broken("P8", f"{about}: an owner wrote that is none any more")
        rows = self._rows_of(after.id)
        self._all("P1", about, rules.wrong_seats(after, rows, entry.high_water_ms))
        self._all("P6", about, rules.wrong_step(before.auction, after))
        self._events(entry, before.auction, after)
        for new in entry.booked:
            self._booked(new, after, before.high_water_ms)
        history = self._history.setdefault(after.id, [])
        # One turn is several moments: a seat may be sold and come back in the same commit.
        history += [(self._loop.now_ns, event.after) for event in entry.events]
        history.append((self._loop.now_ns, after))

    def _events(self, entry: Entry, before: Auction, after: Auction) -> None:
        events = self._database.events
        for revision in range(before.revision + 1, after.revision + 1):
            if (after.id, revision) not in events:
                self.broken("P6", f"auction {after.id}: revision {revision} has no event")
        if after.revision - before.revision != len(entry.events):
            self.broken("P6", f"auction {after.id}: revisions and events do not count the same")

    def _booked(self, new: Reservation, auction: Auction, high_water_ms: int) -> None:
        self.seen["booked"] += 1
        about = f"reservation {new.id} of auction {auction.id}"
        asked = None if new.key is None else self._asked.get((new.user_id, new.key))
        if asked is None or auction.id not in asked.auctions:
            self.broken("P3", f"{about}: guest {new.user_id} never asked for it")
        elif not asked.arrived(new.accepted_at_ms) and new.accepted_at_ms > high_water_ms:
            self.broken("P4", f"{about}: accepted at an instant when nothing arrived")
        if new.key is not None:
            self._keyed_ns.setdefault((new.user_id, new.key), self._loop.now_ns)
            earlier = self._keys.setdefault((new.user_id, new.key), new.id)
            if earlier != new.id:
                self.broken("P5", f"{about}: its key has reservation {earlier} already")
        self._all("P4", about, rules.wrong_price(auction, new))
        self._all("P3", about, rules.wrong_guest(new, self._rows_of(auction.id)))
        if new.accepted_at_ms < self._last_accepted_ms.get(auction.id, 0):
            self.broken("P4", f"{about}: accepted before what was sold before it")
        self._last_accepted_ms[auction.id] = new.accepted_at_ms

    def _rows_of(self, auction_id: int) -> list[Reservation]:
        rows = self._database.reservations
        return [rows[no].reservation for no in self._database.by_auction[auction_id]]

    # --- guests ----------------------------------------------------------------------------------

    def asks(self, user_id: int, key: str, auction_id: int) -> None:
        """A guest is about to send this."""
        asked = self._asked.setdefault((user_id, key), Asked(set(), []))
        asked.auctions.add(auction_id)
        self.seen["presses"] += 1

    def sends(self, user_id: int, key: str) -> None:
        """One attempt more."""
        self._asked[user_id, key].attempts += 1

    def hears_nothing_was_done(self, user_id: int, key: str) -> None:
        """An answer that promises that nothing was done: a no, or BUSY and the like."""
        self._asked[user_id, key].nothing_done = True

    def has_asked(self, user_id: int) -> bool:
        """Has this guest ever pressed?"""
        return any(user == user_id for user, _ in self._asked)

    def arrives(self, user_id: int, key: str, at_ms: int) -> None:
        """It is put into a mailbox at this instant of that member's clock."""
        self._asked[user_id, key].arrivals_ms.append(at_ms)

    def told(self, user_id: int, key: str, auction_id: int, answer: Booked) -> None:
        """A guest has seen 201."""
        self.seen["answers"] += 1
        said = answer.reservation
        about = f"guest {user_id}, key {key}, auction {auction_id}"
        if (said.user_id, said.key, said.auction_id) != (user_id, key, auction_id):
            self.broken("P5", f"{about}: was told of somebody else's reservation {said.id}")
        if self._keys.get((user_id, key), said.id) != said.id:
            self.broken("P5", f"{about}: was told of {said.id}, the key is another's")
        self._promised.setdefault(said.id, said)
        self._stands(self._promised[said.id])
        self._same(self._promised[said.id], said)

    def refused(
        self,
        user_id: int,
        key: str,
        auction_id: int,
        no: errors.Refused,
        since_ns: int,
        sent_ns: int,
    ) -> None:
        """A guest has heard no: it must have been true at some moment since it was first asked, and
        there was nothing under that key when it was sent this time."""
        self.seen["refusals"] += 1
        taken, at_ns = self._keys.get((user_id, key)), self._keyed_ns.get((user_id, key))
        if taken is not None and at_ns is not None and at_ns < sent_ns:
            booked = self._database.reservations[taken].reservation
            if booked.auction_id == auction_id:
                what = f"guest {user_id}, key {key}: has reservation {taken}, and heard {no.code}"
                self.broken("P5", what)
        if not self._was_true(user_id, key, auction_id, no, since_ns):
            what = f"guest {user_id}, key {key}, auction {auction_id}: {no.code} was never true"
            self.broken("P1", what)

    def _was_true(
        self, user_id: int, key: str, auction_id: int, no: errors.Refused, since_ns: int
    ) -> bool:
        match no:
            case errors.Sold():
                # A seat that comes back after the end is not sold again, so SOLD stays true.
                current = self._database.auctions[auction_id].auction
                over = self._now_ms() + SKEW_MS_MAX >= current.terms.ends_at_ms
                since = self._since(auction_id, since_ns)
                return over or any(not each.seats_left for each in since)
            case errors.Cancelled():
                current = self._database.auctions[auction_id].auction
                return current.status is Status.CANCELLED
            case errors.AlreadyYours() | errors.RebookRefused():
                return any(row.user_id == user_id for row in self._rows_of(auction_id))
            case errors.KeyReused():
                taken = self._keys.get((user_id, key))
                rows = self._database.reservations
                return taken is not None and (
                    rows[taken].reservation.auction_id != auction_id
                    or rows[taken].reservation.max_price is not None
                )
            case errors.NotFound():
                return False
            case _:
                return True  # by the clock; rules.wrong_price looks at what was sold

    def _now_ms(self) -> int:
        return self._loop.true_ns() // 1_000_000

    def _since(self, auction_id: int, since_ns: int) -> list[Auction]:
        """What the auction was in the time from then to now."""
        found: list[Auction] = []
        for at_ns, auction in reversed(self._history[auction_id]):
            found.append(auction)
            if at_ns <= since_ns:
                break
        return found

    # --- notices ---------------------------------------------------------------------------------

    def carried(self, notice_id: int) -> None:
        """The mail server has taken it."""
        self.seen["mails"] += 1
        self._carried.add(notice_id)

    # --- promises at the end ---------------------------------------------------------------------

    def at_the_end(self) -> None:
        """Whatever was promised is still there, and nothing that was said not to be."""
        for said in self._promised.values():
            self._stands(said)
        for (user_id, key), asked in self._asked.items():
            if asked.nothing_done and asked.attempts == 1 and (user_id, key) in self._keys:
                what = f"guest {user_id}, key {key}: was told no or BUSY, and has a reservation"
                self.broken("P3", what)
        for notice_id, notice in self._database.outbox.items():
            if notice.done_at_ms is not None and notice_id not in self._carried:
                self.broken("P2", f"notice {notice_id} is done and was never carried")
        for auction_id in self.overdue():
            self.broken("liveness", f"auction {auction_id}: what was due was never written")
        for auction_id, row in self._database.auctions.items():
            rows = self._rows_of(auction_id)
            wrongs = rules.wrong_seats(row.auction, rows, row.high_water_ms)
            self._all("P1", f"auction {auction_id}", wrongs)

    def overdue(self) -> list[int]:
        """Auctions whose start, turbo or end should have been written by now."""
        late_ms = self._now_ms() - LATE_MS_MAX
        return [
            auction_id
            for auction_id, row in self._database.auctions.items()
            if (due_ms := row.auction.next_transition_ms()) is not None and due_ms < late_ms
        ]

    def _stands(self, said: Reservation) -> None:
        row = self._database.reservations.get(said.id)
        if row is None:
            self.broken("P2", f"reservation {said.id} was promised and is not there")
        else:
            self._same(said, row.reservation)

    def _same(self, said: Reservation, other: Reservation) -> None:
        def identity(each: Reservation) -> tuple[object, ...]:
            return (each.code, each.price, each.user_id, each.auction_id, each.seat_no, each.key)

        if identity(said) != identity(other):
            self.broken("P2", f"reservation {said.id} is another one than was promised")
