"""The constraints of schema.sql, by the same names.

They are what is left when the code above is wrong, so a simulation has to have them too: a mistake
that PostgreSQL would refuse must not pass for a success here.
"""

import re
from collections.abc import Hashable, Sequence
from typing import Final

from engine.domain import rules
from engine.domain.auction import Auction, Status
from engine.domain.ledger import Reservation
from engine.ports.commit import Entry, Rejected, Rejection
from engine.store.memory.database import MemoryDatabase

_TITLE_MAX: Final = 200
_DESCRIPTION_MAX: Final = 4_000
_REASON_MAX: Final = 500
_SEATS_MAX: Final = 500
_PRICE_MAX: Final = 9_999_999_999
_CODE: Final = re.compile(r"HOT-[2-9A-HJKMNP-Z]{4,8}")


def check(database: MemoryDatabase, entries: Sequence[Entry]) -> None:
    """Refuse what the database would refuse. Raises Rejected, as a whole transaction would be."""
    claims = _Claims()
    for entry in entries:
        _check_auction(entry.after, edited=entry.edited)
        for event in entry.events:
            place = (entry.auction_id, event.revision)
            claims.claim("event_pkey", place, taken=place in database.events)
        freed = {move.after.id for move in entry.moved if not move.after.holds_seat}
        for move in entry.moved:
            _must("reservation_reason_bound", len(move.reason or "") <= _REASON_MAX)
        for new in entry.booked:
            _check_booking(new)
            _claim_booking(database, claims, new, freed)
        for notice in entry.notices:
            claims.claim("outbox_pkey", notice.id, taken=notice.id in database.outbox)


class _Claims:
    """What one transaction's own rows take from each other."""

    def __init__(self) -> None:
        self._claimed: set[tuple[str, Hashable]] = set()

    def claim(self, constraint: str, value: Hashable, *, taken: bool) -> None:
        if taken or (constraint, value) in self._claimed:
            raise Rejected(Rejection.CONFLICT, constraint)
        self._claimed.add((constraint, value))


def _claim_booking(
    database: MemoryDatabase, claims: _Claims, new: Reservation, freed: set[int]
) -> None:
    claims.claim("reservation_pkey", new.id, taken=new.id in database.reservations)
    claims.claim("reservation_code_live", new.code, taken=new.code in database.codes)
    if new.key is not None:
        owned = (new.user_id, new.key)
        claims.claim("reservation_key", owned, taken=owned in database.keys)
    seat = (new.auction_id, new.seat_no)
    in_seat = database.seats.get(seat)
    taken = in_seat is not None and in_seat not in freed
    claims.claim("reservation_one_holder_per_seat", seat, taken=taken)
    holder = (new.auction_id, new.user_id)
    held = database.holders.get(holder)
    taken = held is not None and held not in freed
    claims.claim("reservation_one_seat_per_user", holder, taken=taken)


def _check_booking(new: Reservation) -> None:
    _must("reservation_seat_positive", new.seat_no >= 1)
    _must("reservation_price_positive", new.price > 0)
    _must("reservation_within_max", new.max_price is None or new.price <= new.max_price)
    _must("reservation_code_form", _CODE.fullmatch(new.code) is not None)


def _check_auction(auction: Auction, *, edited: bool) -> None:
    terms = auction.terms
    _must("auction_seats_left_range", 0 <= auction.seats_left <= terms.seats)
    _must("auction_draft_unborn", auction.status is not Status.DRAFT or auction.revision == 0)
    if not edited:
        return
    _must("auction_title_given", 1 <= len(auction.title) <= _TITLE_MAX)
    _must("auction_description_bound", len(auction.description) <= _DESCRIPTION_MAX)
    _must("auction_seats_bound", 1 <= terms.seats <= _SEATS_MAX)
    _must("auction_price_max", terms.start_price <= _PRICE_MAX)
    # The table has no clock: an end in the past is the actor's to refuse.
    broken = rules.broken(terms, terms.ends_at_ms - 1)
    _must(", ".join(rule.code for rule in broken), not broken)


def _must(constraint: str, holds: bool) -> None:
    if not holds:
        raise Rejected(Rejection.BROKEN, constraint)
