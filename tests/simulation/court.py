"""What the judge is shown: guests who ask, and databases that do right or wrong."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from engine import errors
from engine.domain.ledger import Reservation
from engine.domain.messages import Book, Booked
from engine.ports.commit import Committed, Entry, Outcome
from engine.simulation.loop import BEGIN_MS
from engine.store.memory.commit import MemoryFlight
from engine.store.memory.database import EventRow, ReservationRow
from tests.simulation.stage import GUEST, Stage, sale, staged

OTHER = GUEST + 1
SOLD = errors.Sold(sold_at_ms=BEGIN_MS, accepted_at_ms=BEGIN_MS)
ID = UUID(int=1)


def asked(stage: Stage, user_id: int = GUEST, key: str = "k", auction_id: int = 1) -> None:
    """A guest asks, and it arrives now."""
    stage.judge.asks(user_id, key, auction_id)
    stage.judge.sends(user_id, key)
    stage.judge.arrives(user_id, key, stage.loop.true_ns() // 1_000_000)


def written(stage: Stage, entry: Entry, then: Callable[[], None] = lambda: None) -> None:
    """The database does it under the judge's eyes; `then` does to the rows what a database with a
    fault would."""
    seen = stage.judge.before_commit([entry])
    work = MemoryFlight(stage.database).commit(ID, [entry])
    outcomes = stage.run(work, for_ms=1)
    then()
    stage.judge.after_commit(seen, [entry], outcomes)


def pretended(stage: Stage, entry: Entry, outcome: Outcome | None = None) -> None:
    """A store that writes whatever it is told, whoever tells it."""
    seen = stage.judge.before_commit([entry])
    row = stage.database.auctions[entry.auction_id]
    row.auction = entry.after
    for event in entry.events:
        told = EventRow(entry.auction_id, event.revision, event.kind, event.at_ms, {}, ID)
        stage.database.events[entry.auction_id, event.revision] = told
    for new in entry.booked:
        stage.database.insert(ReservationRow(new))
    outcomes = {entry.auction_id: outcome or Committed(row.fence)}
    stage.judge.after_commit(seen, [entry], outcomes)


def booked(stage: Stage, user_id: int = GUEST, key: str = "k") -> Reservation:
    """One that was asked for and is committed."""
    asked(stage, user_id, key)
    entry = stage.entry(Book(user_id, key=key))
    written(stage, entry)
    [new] = entry.booked
    return new


def answer(said: Reservation) -> Booked:
    return Booked(said, "TRY", said.accepted_at_ms + 1)


def broken(stage: Stage) -> str | None:
    """Which promise, and the loop must stand still for it."""
    breach = stage.judge.breach
    if breach is None:
        return None
    before_ns = stage.loop.now_ns
    stage.wait(1_000)
    assert stage.loop.now_ns == before_ns, "the run goes on"
    return breach.promise


def judged(*, seats: int = 2) -> Stage:
    return staged(sale(seats=seats), judged=True)


def spoiled(stage: Stage, **changes: Any) -> Entry:
    """A press decided wrong."""
    entry = stage.entry()
    [new] = entry.booked
    return replace(entry, booked=(replace(new, **changes),))
