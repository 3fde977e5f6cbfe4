"""The commit of engine/store/postgres/statement.py, on rows in memory: step by step the same.

A batch is looked at before anything is written, whole entries are left out for offenders and for a
moved revision or fence, and what is left is written or refused as one. Must never suspend between
looking and writing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from engine.domain import ledger
from engine.domain.auction import Auction
from engine.domain.decision import Move, State
from engine.domain.ledger import Reservation
from engine.ports.commit import (
    Entry,
    Loaded,
    Offender,
    Outcome,
    Unavailable,
    Verdict,
    Why,
)
from engine.ports.leases import Tenure
from engine.ports.outbox import OutboxRow
from engine.store.memory.constraints import check
from engine.store.memory.database import (
    AuctionRow,
    EventRow,
    MemoryDatabase,
    NoticeRow,
    ReservationRow,
)
from engine.store.outcomes import (
    Hit,
    Placed,
    Resolved,
    Traces,
    late_verdict,
    outcomes,
    verdict,
)
from engine.store.records import (
    HAND_OVER_MS,
    SEQUENCE_BLOCK,
    event_payload,
    notice_payload,
    ordered,
    seats_freed,
)

_SEQUENCES = frozenset({"reservation_id", "outbox_id"})


class MemoryFlight:
    """What a connection is to PostgreSQL."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._open = True

    async def commit(self, commit_id: UUID, entries: Sequence[Entry]) -> Mapping[int, Outcome]:
        """As PostgresFlight.commit; Ambiguous is the business of whoever wraps this."""
        if not self._open:
            raise Unavailable("the flight is closed")
        turns = ordered(entries)
        hits = list(_hits(self._database, turns))
        named = {hit.auction_id for hit in hits}
        written = [
            entry
            for entry in turns
            if entry.auction_id not in named
            and _is_fresh(self._database, entry)
            and _may_follow(self._database.auctions[entry.auction_id].auction, entry)
        ]
        check(self._database, written)
        for entry in written:
            _write(self._database, entry, commit_id)
        return outcomes(turns, {entry.auction_id for entry in written}, hits)

    async def close(self) -> None:
        """Let go of it."""
        self._open = False


class MemoryCommitStore:
    """The durable side of all auctions."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def open_flight(self) -> MemoryFlight:
        """A flight of its own."""
        return MemoryFlight(self._database)

    async def resolve(
        self, token: int, commit_id: UUID, entries: Sequence[Entry]
    ) -> Mapping[int, Verdict]:
        """Move the fences to `token` and tell what became of each entry."""
        return {
            entry.auction_id: self._resolve(token, commit_id, entry) for entry in ordered(entries)
        }

    async def take_over(
        self, auction_ids: Sequence[int], tenure: Tenure | None = None
    ) -> Sequence[Loaded]:
        """Move the fences, then read auctions and ledgers. Drafts, unknown ids and those of shards
        that are not the tenure's are left out."""
        token = await self.next_token()
        return [
            self._load(row, token)
            for row in self._published(auction_ids)
            if tenure is None or self._is_of(tenure, row.auction.id)
        ]

    def _is_of(self, tenure: Tenure, auction_id: int) -> bool:
        database = self._database
        node = database.nodes.get(tenure.node_id)
        newest = node is not None and node.incarnation == tenure.incarnation
        return newest and database.shards[auction_id % database.shards_number] == tenure.node_id

    async def look(self, auction_ids: Sequence[int]) -> Sequence[Auction]:
        """The public facts as committed. Drafts and unknown ids are left out."""
        return [row.auction for row in self._published(auction_ids)]

    async def next_token(self) -> int:
        """A fencing token nobody else has."""
        return self._database.next_value("fence_token")

    async def next_block(self, sequence: str) -> range:
        """Ids of "reservation_id" or "outbox_id" that are ours alone."""
        assert sequence in _SEQUENCES, sequence
        first = self._database.next_value(sequence)
        return range(first, first + SEQUENCE_BLOCK)

    def _published(self, auction_ids: Sequence[int]) -> Iterator[AuctionRow]:
        for auction_id in sorted(set(auction_ids)):
            row = self._database.published(auction_id)
            if row is not None:
                yield row

    def _load(self, row: AuctionRow, token: int) -> Loaded:
        row.fence = token
        held = ledger.of(self._database.held(row.auction.id))
        return Loaded(State(row.auction, held), token, row.high_water_ms)

    def _resolve(self, token: int, commit_id: UUID, entry: Entry) -> Verdict:
        row = self._database.auctions.get(entry.auction_id)
        resolved = None
        if row is not None and row.fence in (entry.fence, token):
            row.fence = token
            resolved = Resolved(row.auction.revision, row.last_commit_id)
        told = verdict(entry, commit_id, resolved)
        return told or late_verdict(entry, commit_id, self._traces(entry))

    def _traces(self, entry: Entry) -> Traces:
        event = self._database.events.get((entry.auction_id, entry.expected + 1))
        placed = {
            move.after.id: Placed(
                stored.reservation.status, stored.reservation.changed_at_ms, stored.changed_by
            )
            for move in entry.moved
            if (stored := self._database.reservations.get(move.after.id)) is not None
        }
        return Traces(None if event is None else event.commit_id, placed)


def _hits(database: MemoryDatabase, entries: Sequence[Entry]) -> Iterator[Hit]:
    cancelled = {
        move.after.id for entry in entries for move in entry.moved if not move.after.holds_seat
    }
    for entry in entries:
        fresh = _is_fresh(database, entry)
        for new in entry.booked:
            offender = _offender(database, new, cancelled)
            if offender is not None:
                yield Hit(entry.auction_id, offender, fresh)
        for move in entry.moved:
            if not _is_as_assumed(database, move):
                yield Hit(entry.auction_id, Offender(Why.STATUS, old=move.after.id), fresh)


def _is_fresh(database: MemoryDatabase, entry: Entry) -> bool:
    row = database.auctions.get(entry.auction_id)
    return row is not None and (row.auction.revision, row.fence) == (entry.expected, entry.fence)


def _may_follow(before: Auction, entry: Entry) -> bool:
    """Without a revision nothing public changes, but for the seats that this turn frees."""
    after = entry.after
    return bool(entry.events) or (
        after.status is before.status
        and after.turbo_started_at_ms == before.turbo_started_at_ms
        and after.frozen_at_ms == before.frozen_at_ms
        and after.seats_left - before.seats_left == seats_freed(entry)
    )


def _offender(database: MemoryDatabase, new: Reservation, cancelled: set[int]) -> Offender | None:
    old = None if new.key is None else database.keys.get((new.user_id, new.key))
    why = Why.KEY if old is not None else _why(database, new, cancelled)
    if why is None:
        return None
    old_auction_id = None if old is None else database.reservations[old].reservation.auction_id
    return Offender(why, new.user_id, new.seat_no, new.code, old, old_auction_id)


def _why(database: MemoryDatabase, new: Reservation, cancelled: set[int]) -> Why | None:
    held = database.holders.get((new.auction_id, new.user_id))
    if held is not None and held not in cancelled:
        return Why.USER
    in_seat = database.seats.get((new.auction_id, new.seat_no))
    if in_seat is not None and in_seat not in cancelled:
        return Why.SEAT
    if new.code in database.codes:
        return Why.CODE
    return None if new.user_id in database.guests else Why.ACCOUNT


def _is_as_assumed(database: MemoryDatabase, move: Move) -> bool:
    row = database.reservations.get(move.after.id)
    return (
        row is not None
        and row.reservation.auction_id == move.after.auction_id
        and row.reservation.status is move.was
    )


def _write(database: MemoryDatabase, entry: Entry, commit_id: UUID) -> None:
    row = database.auctions[entry.auction_id]
    row.auction = _changed(row.auction, entry)
    row.high_water_ms = max(row.high_water_ms, entry.high_water_ms)
    row.last_commit_id = commit_id
    for move in entry.moved:
        _move(database, move)
    for new in entry.booked:
        database.insert(ReservationRow(new))
    for event in entry.events:
        payload = event_payload(event)
        database.events[entry.auction_id, event.revision] = EventRow(
            entry.auction_id, event.revision, event.kind, event.at_ms, payload, commit_id
        )
    now_ms = database.clock.now_ms()
    for notice in entry.notices:
        payload = notice_payload(notice, entry.after)
        user_id = notice.reservation.user_id
        fact = OutboxRow(notice.id, notice.kind, user_id, entry.auction_id, payload)
        database.outbox[notice.id] = NoticeRow(fact, now_ms, now_ms + HAND_OVER_MS)


def _changed(before: Auction, entry: Entry) -> Auction:
    after = entry.after
    if entry.edited:
        before = replace(
            before,
            title=after.title,
            description=after.description,
            allowed_gender=after.allowed_gender,
            terms=after.terms,
        )
    return replace(
        before,
        status=after.status,
        revision=after.revision,
        seats_left=after.seats_left,
        turbo_started_at_ms=after.turbo_started_at_ms,
        frozen_at_ms=after.frozen_at_ms,
    )


def _move(database: MemoryDatabase, move: Move) -> None:
    row, after = database.reservations[move.after.id], move.after
    if row.reservation.holds_seat and not after.holds_seat:
        database.free_seat(row.reservation)
    row.reservation = replace(
        row.reservation,
        status=after.status,
        changed_at_ms=after.changed_at_ms,
        given_back=after.given_back,
    )
    row.changed_by, row.reason, row.late = move.by, move.reason, move.late
