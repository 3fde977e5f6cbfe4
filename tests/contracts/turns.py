"""Entries as an actor offers them: decided by the real state machine, not made up."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from uuid import UUID, uuid4

from engine.domain.auction import AllowedGender, Auction, Status
from engine.domain.codes import ALPHABET
from engine.domain.decide import decide
from engine.domain.decision import Decision, State
from engine.domain.messages import Arrival, Book, Message
from engine.domain.terms import Terms, TurboTerms
from engine.domain.transitions import advance
from engine.ports.commit import CommitStore, Committed, Entry, Flight, Loaded, Outcome

NOON_MS = 1_767_268_800_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
ENDS_MS = NOON_MS + HOUR_MS
CLASS_MS = NOON_MS + 3 * HOUR_MS


def a_sale(
    auction_id: int = 1,
    *,
    seats: int = 2,
    status: Status = Status.ACTIVE,
    turbo: TurboTerms | None = None,
    starts_at_ms: int = NOON_MS,
) -> Auction:
    """From 200.00 to 50.00 by 10.00 every five minutes, for an hour; the class two hours later."""
    terms = Terms(
        start_price=20_000,
        floor_price=5_000,
        drop_amount=1_000,
        drop_every_ms=5 * MINUTE_MS,
        starts_at_ms=starts_at_ms,
        ends_at_ms=starts_at_ms + HOUR_MS,
        class_at_ms=starts_at_ms + 3 * HOUR_MS,
        seats=seats,
        turbo=turbo,
    )
    return Auction(
        id=auction_id,
        studio_id=1,
        title="Sabah yogası",
        description="Kalan yerler",
        currency="TRY",
        allowed_gender=AllowedGender.ANY,
        cancel_cutoff_ms=2 * HOUR_MS,
        no_show_grace_ms=15 * MINUTE_MS,
        terms=terms,
        status=status,
        revision=0,
        seats_left=seats,
    )


@dataclass
class Draws:
    """Ids and codes, counted up: chance is not what is tested here."""

    reservation_ids: "count[int]" = field(default_factory=lambda: count(1))
    notice_ids: "count[int]" = field(default_factory=lambda: count(1))
    codes: "count[int]" = field(default_factory=lambda: count(0))

    def reservation_id(self) -> int:
        return next(self.reservation_ids)

    def notice_id(self) -> int:
        return next(self.notice_ids)

    def code(self) -> str:
        number, letters = next(self.codes), ""
        for _ in range(4):
            number, digit = divmod(number, len(ALPHABET))
            letters += ALPHABET[digit]
        return f"HOT-{letters}"


DRAWS = Draws()
"""Of all tests: no two of them meet by accident."""


class Owner:
    """Whoever decides for one auction, on what it loaded; wrongly for ever, if that is stale."""

    def __init__(self, loaded: Loaded, draws: Draws = DRAWS) -> None:
        self.state = loaded.state
        self.fence = loaded.fence
        self._draws = draws

    @classmethod
    async def of(cls, store: CommitStore, auction_id: int = 1) -> "Owner":
        """Take the auction over."""
        (loaded,) = await store.take_over([auction_id])
        return cls(loaded)

    def offers(self, *messages: Message, at_ms: int = NOON_MS + 1) -> Entry:
        """The entry of one turn, each message a millisecond after the one before."""
        arrivals = [Arrival(at_ms + place, place) for place in range(len(messages))]
        whole = Decision(self.state)
        for message, arrival in zip(messages, arrivals, strict=True):
            whole = decide(whole.state, message, arrival, self._draws).after(whole)
        return self._entry(whole, at_ms + len(messages))

    def lets_pass(self, at_ms: int) -> Entry:
        """The entry of the clock alone."""
        return self._entry(advance(self.state, at_ms), at_ms)

    def moves_on(self, entry: Entry, outcome: Outcome) -> None:
        """The entry is committed."""
        assert isinstance(outcome, Committed), outcome
        held = self.state.ledger
        for reservation in entry.booked:
            held = held.booked(reservation)
        for move in entry.moved:
            held = held.changed(move.after)
        self.state, self.fence = State(entry.after, held), outcome.fence

    def _entry(self, decided: Decision, high_water_ms: int) -> Entry:
        return Entry(
            expected=self.state.auction.revision,
            fence=self.fence,
            after=decided.state.auction,
            high_water_ms=high_water_ms,
            events=decided.events,
            booked=decided.booked,
            moved=decided.moved,
            notices=decided.notices,
        )


async def commit(flight: Flight, *entries: Entry, commit_id: UUID | None = None) -> list[Outcome]:
    """Outcomes in the order of the entries."""
    outcomes = await flight.commit(commit_id or uuid4(), entries)
    assert set(outcomes) == {entry.auction_id for entry in entries}
    return [outcomes[entry.auction_id] for entry in entries]


async def books(flight: Flight, owner: Owner, *guests: int, at_ms: int = NOON_MS + 1) -> Entry:
    """Guests who get their seats in one turn."""
    entry = owner.offers(*(Book(guest) for guest in guests), at_ms=at_ms)
    assert len(entry.booked) == len(guests)
    (outcome,) = await commit(flight, entry)
    owner.moves_on(entry, outcome)
    return entry


def with_code(entry: Entry, code: str) -> Entry:
    """The same, its first booking under another code."""
    first, *rest = entry.booked
    return replace(entry, booked=(replace(first, code=code), *rest))


def ids(entry: Entry) -> Sequence[int]:
    """Of its bookings."""
    return [reservation.id for reservation in entry.booked]
