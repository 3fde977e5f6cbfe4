"""Bugs of the rules: prices, instants, keys, seats (engine/domain)."""

from typing import Final

from tests.mutants.mutant import Mutant, Promise

P1, P2, P3, P4, P5, P6 = Promise.P1, Promise.P2, Promise.P3, Promise.P4, Promise.P5, Promise.P6

_PRICING: Final = "engine/domain/pricing.py"
_BOOKING: Final = "engine/domain/booking.py"
_LEDGER: Final = "engine/domain/ledger.py"
_MOVES: Final = "engine/domain/moves.py"
_CONTROL: Final = "engine/domain/control.py"
_DECIDE: Final = "engine/domain/decide.py"
_AUCTION: Final = "engine/domain/auction.py"
_TRANSITIONS: Final = "engine/domain/transitions.py"

PRICES: Final = (
    Mutant(
        "At exactly a drop the higher price still holds",
        _PRICING,
        "price -= (t_ms - drop.from_ms) // drop.every_ms * drop.amount",
        "price -= (t_ms - drop.from_ms - 1) // drop.every_ms * drop.amount",
        P4,
    ),
    Mutant(
        "The price falls through the floor",
        _PRICING,
        "return price if price > self.floor_price else self.floor_price",
        "return price",
        P4,
    ),
    Mutant(
        "A drop that falls on the end takes effect",
        _PRICING,
        "            t_ms = self.ends_at_ms - 1\n        price = self.start_price",
        "            t_ms = self.ends_at_ms\n        price = self.start_price",
        P4,
    ),
    Mutant(
        "A drop is announced for the end, where none comes",
        _PRICING,
        "        if at_ms >= self.ends_at_ms:\n            return None",
        "        if at_ms > self.ends_at_ms:\n            return None",
        P6,
        simulated=False,
    ),
    Mutant(
        "The step does not count turbo's drops",
        _PRICING,
        "return sum(self.counts_at(t_ms))",
        "return self.counts_at(t_ms)[0]",
        P6,
    ),
    Mutant(
        "The locked price is that of the millisecond before",
        _BOOKING,
        "price, left = before.price_at(now_ms), before.seats_left - 1",
        "price, left = before.price_at(now_ms - 1), before.seats_left - 1",
        P4,
    ),
    Mutant(
        "A guest whose limit is the price is refused",
        _BOOKING,
        "message.max_price is not None and price > message.max_price",
        "message.max_price is not None and price >= message.max_price",
        P4,
    ),
    Mutant(
        "A guest's limit is forgotten while turbo runs",
        _BOOKING,
        "    if message.max_price is not None and price",
        "    if message.max_price is not None and auction.turbo_started_at_ms is None and price",
        P4,
        ("tests/domain/test_booking.py", "tests/domain/test_decide.py"),
    ),
    Mutant(
        "The price goes on falling after the last seat is sold",
        _AUCTION,
        "return now_ms if self.frozen_at_ms is None else min(now_ms, self.frozen_at_ms)",
        "return now_ms",
        P4,
    ),
    Mutant(
        "A seat that comes back keeps the price at which it was sold",
        _MOVES,
        "auction, status=Status.ACTIVE, frozen_at_ms=None, revision=auction.revision + 1",
        "auction, status=Status.ACTIVE, revision=auction.revision + 1",
        P4,
    ),
    Mutant(
        "Turbo that is noticed late counts from when it was noticed",
        _TRANSITIONS,
        "kind, auction = _at(auction, due_ms)",
        "kind, auction = _at(\n"
        "            auction, now_ms if auction.status is Status.ACTIVE else due_ms\n"
        "        )",
        P4,
    ),
    Mutant(
        "A running sale's start price can be edited",
        _CONTROL,
        '    ("start_price", lambda e: e.terms.start_price),\n',
        "",
        P4,
        simulated=False,
    ),
)

INSTANTS: Final = (
    Mutant(
        "At exactly the end a press still wins",
        _TRANSITIONS,
        "due_ms <= now_ms",
        "due_ms < now_ms",
        P4,
    ),
    Mutant(
        "At exactly the end the sale is still shown as running",
        _AUCTION,
        "if status is Status.ACTIVE and now_ms >= self.terms.ends_at_ms:",
        "if status is Status.ACTIVE and now_ms > self.terms.ends_at_ms:",
        P6,
        simulated=False,
    ),
    Mutant(
        "A start that is noticed late is dated by when it was noticed",
        _TRANSITIONS,
        "events.append(Event(kind, due_ms, auction, auction.price_at(due_ms)))",
        "events.append(Event(kind, now_ms, auction, auction.price_at(now_ms)))",
        P6,
    ),
    Mutant(
        "The clock ends a sale that is sold out",
        _AUCTION,
        "if self.status is not Status.ACTIVE:\n            return None",
        "if self.status not in (Status.ACTIVE, Status.SOLD):\n            return None",
        P6,
    ),
    Mutant(
        "A message is looked at before the clock",
        _DECIDE,
        "due = advance(state, arrival.at_ms)",
        "due = Decision(state)",
        P4,
    ),
    Mutant(
        "What the clock did with a message is not written down",
        _DECIDE,
        "whole = decided.after(due)",
        "whole = decided",
        P6,
    ),
    Mutant(
        "Turbo that came due over a sold sale waits on when a seat comes back",
        _DECIDE,
        "follow_up = advance(decided.state, arrival.at_ms)",
        "follow_up = Decision(decided.state)",
        P6,
        ("tests/domain/test_moves.py",),
    ),
    Mutant(
        "Turbo that staff force has no revision of its own",
        _CONTROL,
        "turbo_started_at_ms=now_ms, revision=auction.revision + 1)",
        "turbo_started_at_ms=now_ms)",
        P6,
    ),
    Mutant(
        "An edit of an older revision overwrites the newer one",
        _CONTROL,
        "if message.if_revision not in (None, auction.revision):",
        "if message.if_revision not in (None, *range(auction.revision + 1)):",
        Promise.P8,
        simulated=False,
    ),
)

KEYS_AND_GUESTS: Final = (
    Mutant(
        "The key is looked up after the other refusals",
        _BOOKING,
        "    replay = _replayed(state, message)\n"
        "    if replay is not None:\n"
        "        return Decision(state, replay)\n"
        "    refused = refusal(state, message, arrival)\n"
        "    if refused is not None:\n"
        "        return Decision(state, refused)\n",
        "    refused = refusal(state, message, arrival)\n"
        "    if refused is not None:\n"
        "        return Decision(state, refused)\n"
        "    replay = _replayed(state, message)\n"
        "    if replay is not None:\n"
        "        return Decision(state, replay)\n",
        P5,
    ),
    Mutant(
        "A key sent with another request is answered with the first",
        _BOOKING,
        "    if earlier.max_price != message.max_price:\n        return KeyReused()\n",
        "",
        P5,
        simulated=False,
    ),
    Mutant(
        "A key of one guest answers for another",
        _LEDGER,
        "self._keys.get((user_id, key))",
        "next((found for (_, used), found in self._keys.items() if used == key), None)",
        P5,
    ),
    Mutant(
        "A key is not remembered before the next restart",
        _LEDGER,
        "            _keys=keys,",
        "            _keys=self._keys,",
        P5,
    ),
    Mutant(
        "A second press in the same turn does not see the first",
        _LEDGER,
        "_latest={**self._latest, new.user_id: new.id},",
        "_latest=self._latest,",
        P1,
    ),
    Mutant(
        "A guest who is checked in books a second seat",
        _BOOKING,
        "if own is not None and own.holds_seat:",
        'if own is not None and own.status.value == "PENDING_ON_SITE":',
        P3,
        ("tests/domain/test_booking.py", "tests/domain/test_decide.py"),
        simulated=False,
    ),
    Mutant(
        "Who gave a seat back books it again at a lower price",
        _BOOKING,
        "if own is not None and own.given_back:",
        "if own is not None and own.given_back and auction.status is not Status.ACTIVE:",
        P4,
    ),
    Mutant(
        "Anybody gives back anybody's seat",
        _MOVES,
        "    if reservation.user_id != message.user_id:\n"
        "        return Decision(state, NotFound())\n",
        "",
        P3,
    ),
    Mutant(
        "A seat can be given back at the very instant it no longer may",
        _MOVES,
        "if now_ms >= state.auction.cancellable_until_ms(",
        "if now_ms > state.auction.cancellable_until_ms(",
        P2,
        simulated=False,
    ),
    Mutant(
        "A seat booked late can be given back after the class began",
        _AUCTION,
        "return min(class_at, max(class_at - self.cancel_cutoff_ms, accepted_at_ms + REGRET_MS))",
        "return max(class_at - self.cancel_cutoff_ms, accepted_at_ms + REGRET_MS)",
        P2,
        ("tests/domain/test_auction.py", "tests/domain/test_moves.py"),
        simulated=False,
    ),
)

SEATS: Final = (
    Mutant(
        "The last seat does not close the sale",
        _BOOKING,
        "status=Status.ACTIVE if left else Status.SOLD,",
        "status=Status.ACTIVE,",
        P1,
    ),
    Mutant(
        "A seat that comes back is not counted",
        _MOVES,
        "auction = replace(state.auction, seats_left=state.auction.seats_left + 1)",
        "auction = replace(state.auction, seats_left=state.auction.seats_left)",
        P1,
    ),
    Mutant(
        "A seat that comes back after the end reopens the sale",
        _MOVES,
        "return in_time and auction.status in (Status.ACTIVE, Status.SOLD)",
        "return auction.status in (Status.ACTIVE, Status.SOLD)",
        P6,
    ),
    Mutant(
        "A seat that comes back at exactly the end is sold again",
        _MOVES,
        "in_time = now_ms < auction.terms.ends_at_ms",
        "in_time = now_ms <= auction.terms.ends_at_ms",
        P6,
    ),
    Mutant(
        "The number of a seat that came back is never given out again",
        _LEDGER,
        "return self._freed[0] if self._freed else self._next_seat",
        "return self._next_seat",
        P1,
    ),
    Mutant(
        "The number of a seat that came back is given out twice",
        _LEDGER,
        "_freed=self._freed[1:] if reused else self._freed,",
        "_freed=self._freed,",
        P1,
    ),
    Mutant(
        "After a restart the seat of who is checked in counts as free",
        _LEDGER,
        "held = {r.seat_no for r in ordered if r.holds_seat}",
        "held = {r.seat_no for r in ordered if r.status is ReservationStatus.PENDING_ON_SITE}",
        P1,
        simulated=False,
    ),
    Mutant(
        "After a restart a guest's newest reservation is the one with the highest id",
        _LEDGER,
        "key=lambda r: (r.holds_seat, r.accepted_at_ms, r.id))",
        "key=lambda r: r.id)",
        P1,
        simulated=False,
    ),
    Mutant(
        "A cancelled class leaves its last guest booked",
        _CONTROL,
        "for reservation in ledger.pending():",
        "for reservation in ledger.pending()[:-1]:",
        P3,
    ),
    Mutant(
        "A cancelled class does not count its seats as free",
        _CONTROL,
        "seats_left=auction.seats_left + len(moves),",
        "seats_left=auction.seats_left,",
        P1,
    ),
)

MUTANTS: Final = (*PRICES, *INSTANTS, *KEYS_AND_GUESTS, *SEATS)
