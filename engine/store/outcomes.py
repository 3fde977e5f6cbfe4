"""What a store's answers mean: one reading for both stores.

Must never ask a store anything: the facts are handed in.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from engine.domain.ledger import ReservationStatus
from engine.ports.commit import (
    Committed,
    Entry,
    Offended,
    Offender,
    Outcome,
    Superseded,
    Verdict,
    Why,
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was in the way. `fresh`: the auction was still at the entry's revision and
    fence."""

    auction_id: int
    offender: Offender
    fresh: bool


def outcomes(
    entries: Sequence[Entry], written: Collection[int], hits: Iterable[Hit]
) -> dict[int, Outcome]:
    """An outcome per auction id.

    Not written and nobody named: the auction has moved on. Named while it has moved on: an owner
    that is no longer one sees its successor's winners in the way of its own, and deciding again
    from its old state would never end; so that counts as moved on as well. Only a key is true
    whoever owns the auction: a KEY hit is reported, alone, even then (`Offended` with the KEY
    offenders), and the next attempt hears `Superseded`.
    """
    named: dict[int, list[Hit]] = {}
    for hit in hits:
        named.setdefault(hit.auction_id, []).append(hit)
    return {
        entry.auction_id: _outcome(entry, written, named.get(entry.auction_id, ()))
        for entry in entries
    }


def _outcome(entry: Entry, written: Collection[int], hits: Iterable[Hit]) -> Outcome:
    if entry.auction_id in written:
        return Committed(entry.fence)
    offenders = tuple(hit.offender for hit in hits if hit.fresh or hit.offender.why is Why.KEY)
    return Offended(offenders) if offenders else Superseded()


@dataclass(frozen=True, slots=True)
class Resolved:
    """An auction whose fence was moved by us."""

    revision: int
    last_commit_id: UUID | None


def verdict(entry: Entry, commit_id: UUID, row: Resolved | None) -> Verdict | None:
    """What the row says whose fence we moved; None: it does not say, `late_verdict` does."""
    if row is None:
        return None
    if row.last_commit_id == commit_id:
        return Verdict.COMMITTED
    if row.revision == entry.expected:
        return Verdict.NEVER
    # Somebody committed under our fence. Nobody can; the traces decide, and the state is reloaded.
    return None


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a reservation stands."""

    status: ReservationStatus
    changed_at_ms: int | None
    changed_by: int | None


@dataclass(frozen=True, slots=True)
class Traces:
    """What is left to see of an entry once another owner has the auction, read after its fence
    was found moved: an old statement that has not committed by then never will."""

    event_commit_id: UUID | None
    """Of the event at `expected` + 1."""
    reservations: Mapping[int, Placed]


def late_verdict(entry: Entry, commit_id: UUID, traces: Traces) -> Verdict:
    """Committed before the other owner came, or never."""
    if entry.events:
        committed = traces.event_commit_id == commit_id
    else:
        committed = all(
            traces.reservations.get(move.after.id)
            == Placed(move.after.status, move.after.changed_at_ms, move.by)
            for move in entry.moved
        )
    return Verdict.COMMITTED_THEN_LOST if committed else Verdict.LOST
