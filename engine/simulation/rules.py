"""The sentences of the promises, written down a second time and apart from the engine.

Plain functions of rows and terms; each returns what is wrong, or nothing. They use the engine's
types and none of its rules.
"""

from collections.abc import Iterable, Iterator

from engine.domain.auction import Auction, Status
from engine.domain.ledger import Reservation
from engine.domain.terms import Terms

_LEADS_TO = {
    Status.SCHEDULED: {Status.SCHEDULED, Status.ACTIVE, Status.CANCELLED},
    Status.ACTIVE: {Status.ACTIVE, Status.SOLD, Status.EXPIRED, Status.CANCELLED},
    Status.SOLD: {Status.SOLD, Status.ACTIVE, Status.CANCELLED},
    Status.EXPIRED: {Status.EXPIRED, Status.CANCELLED},
    Status.CANCELLED: {Status.CANCELLED},
}


def price_of(terms: Terms, turbo_started_at_ms: int | None, at_ms: int) -> int:
    """max(floor, start - drop * n - turbo drop * m), n and m whole intervals, the clock standing
    still one millisecond before the end. Minor units."""
    clock = min(at_ms, terms.ends_at_ms - 1)
    price = terms.start_price
    if clock > terms.starts_at_ms:
        price -= terms.drop_amount * ((clock - terms.starts_at_ms) // terms.drop_every_ms)
    if terms.turbo is not None:
        began = turbo_started_at_ms
        if began is None:
            began = max(terms.starts_at_ms, terms.ends_at_ms - terms.turbo.trigger_ms)
        if clock > began:
            price -= terms.turbo.amount * ((clock - began) // terms.turbo.every_ms)
    return max(terms.floor_price, price)


def wrong_seats(auction: Auction, rows: Iterable[Reservation], at_ms: int) -> Iterator[str]:
    """P1: never more than there are, none twice, none forgotten. `at_ms`: the newest instant the
    auction was decided at; after its end a seat that comes back is not sold again."""
    held = [row for row in rows if row.status != "CANCELLED"]
    seats = auction.terms.seats
    if len(held) > seats:
        yield f"{len(held)} hold one of {seats} seats"
    if auction.seats_left != seats - len(held):
        yield f"{auction.seats_left} seats are said to be left, {seats - len(held)} are"
    if len({row.seat_no for row in held}) != len(held):
        yield "one seat is held twice"
    if any(not 1 <= row.seat_no <= seats for row in held):
        yield "a seat is held that does not exist"
    if len({row.user_id for row in held}) != len(held):
        yield "one guest holds two seats"
    over = at_ms >= auction.terms.ends_at_ms
    if auction.status is Status.SOLD and auction.seats_left and not over:
        yield "it is SOLD and has seats left"
    if auction.status is Status.ACTIVE and not auction.seats_left:
        yield "it is ACTIVE and has no seat left"


def wrong_guest(new: Reservation, rows: Iterable[Reservation]) -> Iterator[str]:
    """P3: who gave a seat back does not get one of that sale again by a press that is late."""
    if any(row.given_back and row.user_id == new.user_id for row in rows if row.id != new.id):
        yield f"guest {new.user_id} had given a seat of it back"


def wrong_price(auction: Auction, new: Reservation) -> Iterator[str]:
    """P4: the price of the accepted instant, and no more than was agreed to."""
    terms, at_ms = auction.terms, new.accepted_at_ms
    right = price_of(terms, auction.turbo_started_at_ms, at_ms)
    if new.price != right:
        yield f"seat {new.seat_no} was sold for {new.price}, the price was {right}"
    if new.max_price is not None and new.price > new.max_price:
        yield f"{new.price} is more than the {new.max_price} that was agreed to"
    if not terms.starts_at_ms <= at_ms < terms.ends_at_ms:
        yield f"it was sold at {at_ms}, outside of the sale"


def wrong_step(before: Auction, after: Auction) -> Iterator[str]:
    """P6: nothing follows a final state but a relisting."""
    path = {before.status}
    for _ in range(after.revision - before.revision):
        path |= {status for known in path for status in _LEADS_TO[known]}
    if after.status not in path:
        yield f"{before.status} cannot become {after.status}"
    if after.revision < before.revision:
        yield f"revision {before.revision} became {after.revision}"
    if before.status is Status.CANCELLED and after != before:
        yield "a cancelled class has changed"
