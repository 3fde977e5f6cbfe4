"""What will happen in a run, before it happens: everything a seed decides.

A plan is a list of numbered acts (presses, acts of staff, faults) over a number of sales, so a run
that fails can be tried again with fewer of them. Chance that belongs to the run itself (how long a
message takes) is drawn there, from the same seed.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from engine.domain.auction import AllowedGender, Auction, Status
from engine.domain.terms import Terms, TurboTerms
from engine.settings import Settings
from engine.simulation.faults import BUS_FAULTS, COMMIT_FAULTS, Fault
from engine.simulation.loop import BEGIN_MS

STAFF = 9_000
"""Who asks for what staff ask for."""


class Habit(StrEnum):
    """What a guest does around a press."""

    PATIENT = "patient"
    """Asks again with the same key until the answer is definite."""
    DOUBLE = "double"
    """Presses twice at once, with one key."""
    OTHER_KEY = "other_key"
    """Presses again at once, with another key."""
    HANGS_UP = "hangs_up"
    """Does not wait for the answer, and asks with the key much later."""
    TAKES_BUSY = "takes_busy"
    """Gives up when told that nothing was done."""
    CANCELS = "cancels"
    """Gives the seat back soon, and perhaps presses again."""
    REUSES_KEY = "reuses_key"
    """Presses two auctions with one key."""


@dataclass(frozen=True, slots=True)
class Press:
    """A guest presses Hemen Kap at `at_ms`. `exact`: it arrives in that very millisecond."""

    no: int
    at_ms: int
    guest: int
    auction_id: int
    habit: Habit
    exact: bool = False
    careful: bool = False
    """Sends the price it was shown as the most it will pay."""


class Wish(StrEnum):
    """What staff ask of one auction."""

    TURBO = "turbo"
    TURBO_NOW = "turbo_now"
    CANCEL_SEAT = "cancel_seat"
    CHECK_IN = "check_in"
    UNDO = "undo"
    RENAME = "rename"
    CANCEL_CLASS = "cancel_class"
    LOOK = "look"
    STEAL = "steal"
    """Not staff at all: somebody gives back a seat that is another's."""


@dataclass(frozen=True, slots=True)
class Staff:
    """Staff ask for something at `at_ms`."""

    no: int
    at_ms: int
    auction_id: int
    wish: Wish


@dataclass(frozen=True, slots=True)
class Trouble:
    """A fault is armed, or happens, at `at_ms`. `where`: the member in order of what each owns, 0
    the one that owns most; `size` says how much of it (milliseconds, or how many times)."""

    no: int
    at_ms: int
    fault: Fault
    where: int = 0
    size: int = 0


Act = Press | Staff | Trouble


@dataclass(frozen=True, slots=True)
class Plan:
    """All of one run."""

    kind: str
    seed: int
    members: int
    guests: int
    auctions: tuple[Auction, ...]
    acts: tuple[Act, ...]
    settings: Settings
    wakes_early: bool
    skew_ms: tuple[int, ...]
    """How far each member's system clock is off at the beginning."""
    until_ms: int
    """The last act happens before; then everything heals."""

    def only(self, numbers: Collection[int]) -> "Plan":
        """The same with these acts alone."""
        return replace(self, acts=tuple(act for act in self.acts if act.no in numbers))


@dataclass(frozen=True, slots=True)
class Size:
    """How large a kind of world is; pairs are the least and the most."""

    members: tuple[int, int]
    auctions: tuple[int, int]
    guests: tuple[int, int]
    presses: tuple[int, int]
    troubles: tuple[int, int]
    seats: tuple[int, ...]
    lasts_ms: tuple[int, int]


WORLDS = {
    "small": Size((1, 2), (1, 3), (10, 20), (12, 24), (1, 6), (1, 1, 2, 5), (3_000, 8_000)),
    "standard": Size(
        (1, 3), (20, 30), (200, 400), (150, 350), (10, 40), (1, 2, 5, 50), (15_000, 40_000)
    ),
}


def plan_of(kind: str, seed: int, faults: Collection[Fault] = tuple(Fault)) -> Plan:
    """The plan of a seed. `faults`: those that may happen; the rest of the plan stays the same."""
    return _Draft(kind, seed, frozenset(faults)).plan()


class Theme(StrEnum):
    """What a world is about: everything at once seldom goes deep."""

    ANYTHING = "anything"
    TAKEOVER = "takeover"
    """Owners that do not know yet that they are none any more, and seats that come back."""
    DOUBT = "doubt"
    """Commits of which nobody knows."""


_ABOUT = {
    Theme.TAKEOVER: (
        Fault.NODE_PAUSE,
        Fault.LINE_CUT,
        Fault.LINE_CUT,
        Fault.BEAT_SLOW,
        Fault.BEAT_SLOW,
        Fault.LOOP_STALL,
        Fault.NODE_CRASH,
        Fault.NODE_RESTART,
        Fault.COMMIT_LATE,
    ),
    Theme.DOUBT: (*COMMIT_FAULTS, Fault.NODE_CRASH, Fault.ACTOR_RAISES, Fault.STATEMENT_LOST),
    Theme.ANYTHING: (
        *COMMIT_FAULTS,
        *COMMIT_FAULTS,
        *BUS_FAULTS,
        Fault.STATEMENT_LOST,
        Fault.STORE_AWAY,
        Fault.BEAT_SLOW,
        Fault.LINE_CUT,
        Fault.ACTOR_RAISES,
        Fault.ACTOR_RAISES,
        Fault.NODE_CRASH,
        Fault.NODE_CRASH,
        Fault.NODE_RESTART,
        Fault.NODE_PAUSE,
        Fault.NODE_PAUSE,
        Fault.LOOP_STALL,
        Fault.CLOCK_STEP,
        Fault.BUS_PARTITION,
        Fault.ASK_LOST,
        Fault.ANSWER_LOST,
        Fault.MAIL_DELAYED,
    ),
}


class _Draft:
    """A plan in the making."""

    def __init__(self, kind: str, seed: int, faults: frozenset[Fault]) -> None:
        self.size = WORLDS[kind]
        self.kind = kind
        self.seed = seed
        self.faults = faults
        self.rng = Random(f"{kind} {seed}")
        self.theme = self.rng.choice((Theme.ANYTHING, Theme.ANYTHING, Theme.TAKEOVER, Theme.DOUBT))
        self.lasts_ms = self._between(self.size.lasts_ms)
        self.members = self._between(self.size.members)
        if self.theme is Theme.TAKEOVER:
            self.members = max(2, self.members)
        self.guests = self._between(self.size.guests)
        self.acts: list[Act] = []

    def plan(self) -> Plan:
        rng = self.rng
        settings = self._settings()
        sales = tuple(self._sale(1 + no) for no in range(self._between(self.size.auctions)))
        self._presses(sales)
        self._staff(sales)
        self._troubles()
        skews = tuple(rng.choice((0, 0, 40, -40, 300, -300)) for _ in range(self.members))
        early = rng.random() < 0.3 and Fault.TIMER_EARLY in self.faults
        acts = [act for act in self.acts if not self._switched_off(act)]
        return Plan(
            kind=self.kind,
            seed=self.seed,
            members=self.members,
            guests=self.guests,
            auctions=sales,
            acts=tuple(sorted(acts, key=lambda act: (act.at_ms, act.no))),
            settings=settings,
            wakes_early=early,
            skew_ms=skews,
            until_ms=BEGIN_MS + self.lasts_ms,
        )

    def _switched_off(self, act: Act) -> bool:
        return isinstance(act, Trouble) and act.fault not in self.faults

    def _between(self, bounds: tuple[int, int]) -> int:
        return self.rng.randint(*bounds)

    def _moment(self) -> int:
        return BEGIN_MS + self.rng.randrange(self.lasts_ms)

    def _no(self) -> int:
        return len(self.acts)

    def _settings(self) -> Settings:
        """Limits are drawn small often, so that they are met."""
        draw = self.rng.choice
        crowded = self.rng.random() < 0.15 and Fault.MAILBOX_FULL in self.faults
        return Settings(
            shards=4,
            yield_after_ms=draw((0.0, 0.01, 1.0)),
            mailbox_depth_max=3 if crowded else 20_000,
            turn_messages_max=draw((1, 3, 1_024)),
            turn_rounds_max=draw((1, 3)),
            commit_flights=draw((1, 2)),
            commit_batch_max=draw((1, 2, 256)),
            passivate_after_ms=draw((1_000, 60_000, 60_000)),
            activate_lead_ms=draw((50, 2_000)),
            crashes_max=draw((1, 5)),
            lease_ttl_ms=3_000,
        )

    # --- sales -----------------------------------------------------------------------------------

    def _sale(self, auction_id: int) -> Auction:
        rng = self.rng
        starts = BEGIN_MS + rng.choice((-5_000, -5_000, rng.randrange(self.lasts_ms // 2)))
        outlasts = rng.random() < 0.6
        ends = max(
            starts + 1_000,
            BEGIN_MS + (600_000 if outlasts else rng.randrange(self.lasts_ms // 2, self.lasts_ms)),
        )
        turbo = None
        if rng.random() < 0.5:
            begins = BEGIN_MS + rng.randrange(self.lasts_ms)
            trigger = min(max(500, ends - begins), ends - starts)
            turbo = TurboTerms(rng.choice((100, 250)), trigger, rng.choice((70, 150)))
        seats = rng.choice(self.size.seats)
        return Auction(
            id=auction_id,
            studio_id=1,
            title="Yoga",
            description="",
            currency="TRY",
            allowed_gender=AllowedGender.ANY,
            cancel_cutoff_ms=7_200_000,
            no_show_grace_ms=900_000,
            terms=Terms(
                start_price=20_000,
                floor_price=rng.choice((1_000, 15_000)),
                drop_amount=rng.choice((100, 777)),
                drop_every_ms=rng.choice((200, 500, 1_000)),
                starts_at_ms=starts,
                ends_at_ms=ends,
                class_at_ms=ends + 4 * 3_600_000,
                seats=seats,
                turbo=turbo,
            ),
            status=Status.SCHEDULED,
            revision=1,
            seats_left=seats,
        )

    # --- guests and staff ------------------------------------------------------------------------

    def _presses(self, sales: tuple[Auction, ...]) -> None:
        rng = self.rng
        for _ in range(self._between(self.size.presses)):
            auction = rng.choice(sales)
            habit = rng.choice((Habit.PATIENT, Habit.PATIENT, *Habit))
            if self.theme is Theme.TAKEOVER and rng.random() < 0.4:
                habit = Habit.CANCELS
            exact = rng.random() < 0.35
            at_ms = self._instant_of(auction) if exact else self._moment()
            self.acts.append(
                Press(
                    self._no(),
                    at_ms,
                    rng.randint(1, self.guests),
                    auction.id,
                    habit,
                    exact=exact,
                    careful=rng.random() < 0.2,
                )
            )
        if rng.random() < 0.3:
            self._crowd(rng.choice(sales))

    def _crowd(self, auction: Auction) -> None:
        """Everybody at once."""
        at_ms = self._instant_of(auction)
        for guest in range(1, min(self.guests, 12) + 1):
            self.acts.append(Press(self._no(), at_ms, guest, auction.id, Habit.PATIENT, exact=True))

    def _instant_of(self, auction: Auction) -> int:
        """A drop, the start, turbo or the end, or a millisecond beside it."""
        rng, terms = self.rng, auction.terms
        most = (BEGIN_MS + self.lasts_ms - terms.starts_at_ms) // terms.drop_every_ms
        least = max(0, (BEGIN_MS - terms.starts_at_ms) // terms.drop_every_ms + 1)
        drop = terms.starts_at_ms + rng.randint(least, max(least, most)) * terms.drop_every_ms
        marks = [drop, drop, terms.starts_at_ms, terms.ends_at_ms]
        if terms.turbo_due_at_ms is not None:
            marks.append(terms.turbo_due_at_ms)
        at_ms = rng.choice(marks) + rng.choice((-1, 0, 0, 1))
        inside = BEGIN_MS <= at_ms < BEGIN_MS + self.lasts_ms
        return at_ms if inside else self._moment()

    def _staff(self, sales: tuple[Auction, ...]) -> None:
        rng = self.rng
        wishes = [wish for wish in Wish if wish is not Wish.CANCEL_CLASS]
        for auction in sales:
            for _ in range(rng.choice((0, 1, 2))):
                wish = Wish.CANCEL_CLASS if rng.random() < 0.05 else rng.choice(wishes)
                self.acts.append(Staff(self._no(), self._moment(), auction.id, wish))

    # --- faults ----------------------------------------------------------------------------------

    def _troubles(self) -> None:
        rng = self.rng
        # Every draw is made whatever is switched off, so a switch changes nothing else.
        for _ in range(self._between(self.size.troubles)):
            trouble = rng.choice(_ABOUT[self.theme])
            where = rng.choice((0, 0, rng.randrange(self.members)))
            size = self._size_of(trouble)
            self.acts.append(Trouble(self._no(), self._moment(), trouble, where, size))

    def _size_of(self, fault: Fault) -> int:
        draw = self.rng.choice
        match fault:
            case Fault.STORE_AWAY:
                return draw((300, 1_000, 3_000, 30_000 if self.kind == "standard" else 6_000))
            case Fault.NODE_PAUSE | Fault.LINE_CUT:
                return draw((3_100, 4_000, 8_000))
            case Fault.LOOP_STALL:
                return draw((20, 300, 1_500))
            case Fault.CLOCK_STEP:
                return draw((-3_600_000, -2_000, -500, 500, 2_000, 3_600_000))
            case Fault.BUS_PARTITION:
                return draw((200, 2_000))
            case Fault.NODE_CRASH | Fault.NODE_RESTART:
                return draw((50, 500, 4_000))
            case _:
                return draw((1, 1, 3))
