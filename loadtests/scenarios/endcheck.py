"""Is what guests were told what the API says afterwards? Pure; one sentence a contradiction.

Nobody gives a seat back in a run, so a seat that was sold stays sold.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from loadtests.scenarios.ledger import Ledger, Win
from loadtests.scenarios.schedule import Fields, Schedule, decimal, instant_ms


@dataclass(frozen=True, slots=True)
class Kept:
    """One sale after the run, as the API shows it: GET /auctions/{id}, and every reservation that
    holds a seat in GET /studios/me/reservations."""

    auction: Fields
    reservations: Sequence[Fields]


def contradictions(ledger: Ledger, sales: Iterable[Kept]) -> Iterator[str]:
    """What does not fit, sale by sale; `sales` are all that were opened or pressed for."""
    for kept in sales:
        auction_id = kept.auction["id"]
        wins = [win for win in ledger.wins if win.auction_id == auction_id]
        complaints = [
            *_lost(wins, kept),
            *_twice(wins, kept),
            *_miscounted(ledger, kept),
            *_mispriced(kept),
        ]
        if auction_id in ledger.opened:  # in others somebody may have booked before this run
            complaints += _ghosts(ledger, wins, kept)
        yield from (f"auction {auction_id}: {complaint}" for complaint in complaints)


def _lost(wins: Sequence[Win], kept: Kept) -> Iterator[str]:
    """Every 201 is found, as it was told."""
    held = {fields["id"]: fields for fields in kept.reservations}
    for win in wins:
        fields = held.get(win.reservation_id)
        if fields is None:
            yield f"reservation {win.reservation_id} was told with 201 and is not in the API"
            continue
        told = (win.user_id, win.seat_no, win.price, win.code)
        found = tuple(fields[name] for name in ("user_id", "seat_no", "locked_price"))
        if told != (*found, fields["booking_code"]):
            yield f"reservation {win.reservation_id} is not what its 201 said"


def _ghosts(ledger: Ledger, wins: Sequence[Win], kept: Kept) -> Iterator[str]:
    """Who holds a seat was told so, or is still without an answer."""
    told = {win.reservation_id for win in wins}
    waiting = {(press.auction_id, press.user_id) for press in ledger.open.values()}
    for fields in kept.reservations:
        if fields["id"] in told or (fields["auction_id"], fields["user_id"]) in waiting:
            continue
        yield f"reservation {fields['id']} was told to nobody"


def _twice(wins: Sequence[Win], kept: Kept) -> Iterator[str]:
    """One holder a seat, one seat a guest, one 201 a seat, one code a seat."""
    seats = range(1, kept.auction["seats"] + 1)
    for fields in kept.reservations:
        if fields["seat_no"] not in seats:
            yield f"there is no seat {fields['seat_no']}"
    for number in _repeated(fields["seat_no"] for fields in kept.reservations):
        yield f"seat {number} is held twice"
    for number in _repeated(win.seat_no for win in wins):
        yield f"seat {number} was told twice with 201"
    for guest in _repeated(fields["user_id"] for fields in kept.reservations):
        yield f"guest {guest} holds two seats"
    for code in _repeated(fields["booking_code"] for fields in kept.reservations):
        yield f"two reservations have the code {code}"


def _repeated(values: Iterable[Hashable]) -> Iterator[Hashable]:
    return (value for value, times in Counter(values).items() if times > 1)


def _miscounted(ledger: Ledger, kept: Kept) -> Iterator[str]:
    """Seats sold are seats held, and nobody was sent away from a free one."""
    seats, left = kept.auction["seats"], kept.auction["seats_left"]
    if seats - left != len(kept.reservations):
        yield f"{seats - left} seats are sold and {len(kept.reservations)} are held"
    if left and kept.auction["id"] in ledger.sold_out:
        yield f"a guest was told SOLD, and {left} seats are left"


def _mispriced(kept: Kept) -> Iterator[str]:
    """A seat costs what the schedule says at the accepted instant."""
    schedule = Schedule.of(kept.auction["schedule"])
    for fields in kept.reservations:
        at_ms = instant_ms(fields["reserved_at"])
        if not schedule.starts_ms <= at_ms < schedule.ends_ms:
            yield f"reservation {fields['id']} was accepted outside of the sale"
        elif fields["locked_price"] != (price := decimal(schedule.price_at(at_ms))):
            yield f"reservation {fields['id']} costs {fields['locked_price']}, not {price}"
