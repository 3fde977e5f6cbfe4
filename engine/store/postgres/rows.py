"""Between the engine's values and the statement's columns, both ways.

The order of each tuple is the order of its list in statement.py. Lists are sorted by auction, and
within it moves by reservation, so that statements that meet take their locks in one order.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import urandom
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from engine.domain import ledger
from engine.domain.auction import AllowedGender, Auction, Status
from engine.domain.decision import Move
from engine.domain.ledger import Reservation, ReservationStatus
from engine.domain.terms import Terms, TurboTerms
from engine.ports.commit import Entry, Offender, Why
from engine.store.outcomes import Hit
from engine.store.postgres.statement import LEAN, PLAIN, WIDE, Columns, Statement
from engine.store.records import event_payload, notice_payload, ordered

Row = tuple[Any, ...]

_STATUS = {status.value: status for status in Status}
_GENDER = {gender.value: gender for gender in AllowedGender}
_PLACE = {status.value: status for status in ReservationStatus}
_NO_EDIT = (False, *(None,) * 14)


@dataclass(frozen=True, slots=True)
class Batch:
    """A statement and its arguments after the commit id."""

    statement: Statement
    arguments: list[Sequence[Any]]


def batch(entries: Sequence[Entry]) -> Batch:
    """Lay out entries, at most one an auction."""
    turns = ordered(entries)
    wide = any(entry.edited for entry in turns)
    moved = [_move_row(move) for entry in turns for move in _in_order(entry.moved)]
    plain = not moved and all(entry.events for entry in turns)
    statement = WIDE if wide else PLAIN if plain else LEAN
    rows: list[list[Row]] = [
        [_entry_row(entry, wide=wide) for entry in turns],
        _booking_rows([new for entry in turns for new in entry.booked]),
        [row for entry in turns for row in _event_rows(entry)],
        [row for entry in turns for row in _notice_rows(entry)],
    ]
    if statement is not PLAIN:
        rows.append(moved)
    arguments: list[Sequence[Any]] = []
    for columns, lines in zip(statement.lists, rows, strict=True):
        arguments += _turned(columns, lines)
    return Batch(statement, arguments)


def _turned(columns: Columns, lines: list[Row]) -> Iterable[Sequence[Any]]:
    if not lines:
        return [()] * len(columns)
    assert len(lines[0]) == len(columns), f"a value for each of {columns}"
    return zip(*lines, strict=True)


def _entry_row(entry: Entry, *, wide: bool) -> Row:
    after = entry.after
    row = (
        after.id,
        entry.expected,
        entry.fence,
        len(entry.events),
        after.status,
        after.seats_left,
        after.turbo_started_at_ms,
        after.frozen_at_ms,
        entry.high_water_ms,
    )
    if not wide:
        return row
    return row + (_edit_row(after) if entry.edited else _NO_EDIT)


def _edit_row(after: Auction) -> Row:
    terms, turbo = after.terms, after.terms.turbo
    return (
        True,
        after.title,
        after.description,
        after.allowed_gender,
        terms.start_price,
        terms.floor_price,
        terms.drop_amount,
        terms.drop_every_ms,
        terms.starts_at_ms,
        terms.ends_at_ms,
        terms.class_at_ms,
        terms.seats,
        turbo and turbo.amount,
        turbo and turbo.trigger_ms,
        turbo and turbo.every_ms,
    )


def _booking_rows(booked: Sequence[Reservation]) -> list[Row]:
    drawn = urandom(16 * len(booked))
    return [
        (
            new.id,
            new.auction_id,
            new.user_id,
            new.seat_no,
            new.price,
            new.max_price,
            new.code,
            new.key,
            new.revision,
            new.accepted_at_ms,
            UUID(bytes=drawn[16 * n : 16 * n + 16], version=4),
        )
        for n, new in enumerate(booked)
    ]


def _in_order(moved: Iterable[Move]) -> Iterable[Move]:
    return sorted(moved, key=lambda move: move.after.id)


def _move_row(move: Move) -> Row:
    after = move.after
    return (
        after.id,
        after.auction_id,
        move.was,
        after.status,
        after.changed_at_ms,
        move.by,
        move.reason,
        after.given_back,
        move.late,
    )


def _event_rows(entry: Entry) -> Iterable[Row]:
    for event in entry.events:
        payload = orjson.dumps(event_payload(event)).decode()
        yield (entry.auction_id, event.revision, event.kind, event.at_ms, payload)


def _notice_rows(entry: Entry) -> Iterable[Row]:
    for notice in entry.notices:
        payload = orjson.dumps(notice_payload(notice, entry.after)).decode()
        yield (notice.id, entry.auction_id, notice.reservation.user_id, notice.kind, payload)


def read_answer(records: Iterable[asyncpg.Record]) -> tuple[set[int], list[Hit]]:
    """The auctions that were written, and the rows that were in the way."""
    written: set[int] = set()
    hits: list[Hit] = []
    for ids, auction_id, user_id, seat_no, code, old, old_auction_id, why, fresh in records:
        if ids is not None:
            written.update(ids)
        else:
            offender = Offender(Why(why), user_id, seat_no, code, old, old_auction_id)
            hits.append(Hit(auction_id, offender, fresh))
    return written, hits


def read_auction(row: asyncpg.Record) -> Auction:
    """The public facts of one row of `auction`."""
    turbo = None
    if row["turbo_amount"] is not None:
        turbo = TurboTerms(row["turbo_amount"], row["turbo_trigger_ms"], row["turbo_every_ms"])
    terms = Terms(
        row["start_price"],
        row["floor_price"],
        row["drop_amount"],
        row["drop_every_ms"],
        row["starts_at"],
        row["ends_at"],
        row["class_at"],
        row["seats"],
        turbo,
    )
    return Auction(
        row["id"],
        row["studio_id"],
        row["title"],
        row["description"],
        row["currency"],
        _GENDER[row["allowed_gender"]],
        row["cancel_cutoff_ms"],
        row["no_show_grace_ms"],
        terms,
        _STATUS[row["status"]],
        row["revision"],
        row["seats_left"],
        row["turbo_started_at"],
        row["frozen_at"],
    )


def read_ledgers(records: Iterable[asyncpg.Record]) -> dict[int, ledger.Ledger]:
    """Ledgers by auction id; none where nobody ever booked."""
    rows: dict[int, list[Reservation]] = {}
    for record in records:
        rows.setdefault(record["auction_id"], []).append(read_reservation(record))
    return {auction_id: ledger.of(held) for auction_id, held in rows.items()}


def read_reservation(row: asyncpg.Record) -> Reservation:
    """One row of `reservation`, as its auction's ledger holds it."""
    return Reservation(
        row["id"],
        row["auction_id"],
        row["user_id"],
        row["seat_no"],
        row["price"],
        row["max_price"],
        row["code"],
        row["key"],
        row["revision"],
        row["accepted_at"],
        _PLACE[row["status"]],
        row["changed_at"],
        row["given_back"],
    )
