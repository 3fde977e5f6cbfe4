"""Guests and staff do what their habits say, and do not rest before there is a definite answer."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

import pytest

from engine import errors
from engine.domain.auction import Auction, Status
from engine.domain.ledger import Reservation, ReservationStatus
from engine.domain.messages import (
    AuctionIs,
    Book,
    Booked,
    CancelAuction,
    CancelSeat,
    CheckIn,
    Edit,
    GiveBack,
    Look,
    Message,
    ReservationChanged,
    TriggerTurbo,
    Undo,
)
from engine.simulation.crowd import Crowd
from engine.simulation.loop import BEGIN_MS, on
from engine.simulation.member import Answer, Gone
from engine.simulation.network import Network
from engine.simulation.plan import Habit, Press, Staff, Wish
from engine.store.memory.database import ReservationRow
from tests.simulation.stage import GUEST, Stage, sale, staged

NOW = Press(3, BEGIN_MS, GUEST, 1, Habit.PATIENT)


@dataclass
class Asked:
    """A question and when it was asked, in ms after the beginning."""

    after_ms: int
    auction_id: int
    message: Message
    at_once: bool


class Script(Network):
    """Answers what it was told to, in order; the last for ever."""

    def __init__(self, stage: Stage, answers: Iterable[Answer | Callable[[], Answer]]) -> None:
        super().__init__(stage.loop, Random(1), stage.armed, [], stage.database)
        self.asked: list[Asked] = []
        self._answers: Iterator[Answer | Callable[[], Answer]] = iter(answers)
        self._began_ns = stage.loop.now_ns

    async def ask(self, auction_id: int, message: Message, *, at_once: bool = False) -> Answer:
        after_ms = (self.loop.now_ns - self._began_ns) // 1_000_000
        self.asked.append(Asked(after_ms, auction_id, message, at_once))
        answer = next(self._answers, errors.Sold(sold_at_ms=0, accepted_at_ms=0))
        return answer() if callable(answer) else answer


@dataclass
class Scene:
    stage: Stage
    script: Script
    crowd: Crowd

    def press(self, act: Press, for_ms: int = 30_000) -> list[Asked]:
        self.stage.run(self.crowd.press(act), for_ms=for_ms)
        return self.script.asked


def scene(*answers: Answer | Callable[[], Answer], sales: tuple[Auction, ...] = ()) -> Scene:
    stage = staged(*sales)
    stage.database.auctions[1].auction = replace(
        stage.database.auctions[1].auction, status=Status.SOLD, seats_left=0
    )
    stage.judge = type(stage.judge)(stage.loop, stage.database)
    script = Script(stage, answers)
    crowd = Crowd(stage.loop, Random(2), script, stage.judge, stage.database)
    return Scene(stage, script, crowd)


def held(stage: Stage, user_id: int = GUEST, key: str = "k3") -> Booked:
    """The answer to somebody who really has a seat."""
    row = Reservation(1, 1, user_id, 1, 19_500, None, "HOT-2222", key, 2, BEGIN_MS)
    stage.database.insert(ReservationRow(row))
    return Booked(row, "TRY", BEGIN_MS)


def books(asked: list[Asked]) -> list[tuple[int, str | None]]:
    return [(a.auction_id, a.message.key) for a in asked if isinstance(a.message, Book)]


# --- guests --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unclear", [Gone(), errors.Busy(), errors.NoOwner(), errors.UnknownOutcome(), errors.Draining()]
)
def test_a_patient_guest_asks_with_one_key_until_the_answer_is_definite(unclear: Answer) -> None:
    asked = scene(unclear, unclear, unclear).press(NOW)
    assert books(asked) == [(1, "k3")] * 4
    assert all(earlier.after_ms < later.after_ms for earlier, later in pairwise(asked))


def test_an_exact_press_is_exact_once() -> None:
    asked = scene(Gone(), Gone()).press(replace(NOW, exact=True))
    assert [each.at_once for each in asked] == [True, False, False]


def test_a_guest_who_presses_twice_does_so_at_once_and_with_one_key() -> None:
    asked = scene().press(replace(NOW, habit=Habit.DOUBLE))
    assert books(asked) == [(1, "k3"), (1, "k3")]
    assert {each.after_ms for each in asked} == {0}


def test_a_guest_may_press_again_with_another_key() -> None:
    assert sorted(books(scene().press(replace(NOW, habit=Habit.OTHER_KEY)))) == [
        (1, "k3"),
        (1, "k3b"),
    ]


def test_a_guest_may_use_one_key_for_two_auctions() -> None:
    staging = scene(sales=(sale(1), sale(2)))
    row = staging.stage.database.auctions[2]
    row.auction = replace(row.auction, status=Status.SOLD, seats_left=0)
    staging.crowd.judge = type(staging.stage.judge)(staging.stage.loop, staging.stage.database)
    asked = staging.press(replace(NOW, habit=Habit.REUSES_KEY))
    assert sorted(books(asked)) == [(1, "k3"), (2, "k3")]


def test_a_guest_who_hangs_up_asks_much_later() -> None:
    asked = scene().press(replace(NOW, habit=Habit.HANGS_UP))
    assert books(asked) == [(1, "k3"), (1, "k3")]
    assert asked[1].after_ms >= 300


def test_a_guest_who_takes_busy_for_an_answer_asks_no_more() -> None:
    assert len(scene(errors.Busy()).press(replace(NOW, habit=Habit.TAKES_BUSY))) == 1
    assert len(scene(Gone(), errors.Busy()).press(replace(NOW, habit=Habit.TAKES_BUSY))) == 2


def test_a_careful_guest_says_what_it_was_shown() -> None:
    asked = scene().press(replace(NOW, at_ms=BEGIN_MS + 2_000, careful=True))
    assert isinstance(asked[0].message, Book)
    assert asked[0].message.max_price == 19_300
    plain = scene().press(NOW)
    assert isinstance(plain[0].message, Book)
    assert plain[0].message.max_price is None


def test_a_guest_who_cancels_gives_the_seat_back_until_it_is_back() -> None:
    staging = scene()
    script = staging.script

    def freed() -> Answer:
        row = staging.stage.database.reservations[1]
        gone = replace(row.reservation, status=ReservationStatus.CANCELLED)
        row.reservation = gone
        return ReservationChanged(gone)

    script._answers = iter([lambda: held(staging.stage), Gone(), errors.Busy(), freed])
    asked = staging.press(replace(NOW, habit=Habit.CANCELS))
    given = [each.message for each in asked if isinstance(each.message, GiveBack)]
    assert given == [GiveBack(1, GUEST)] * 3
    assert staging.stage.judge.breach is None
    assert set(books(asked)) <= {(1, "k3"), (1, "k3again")}


def test_a_seat_that_is_said_to_be_back_and_is_held_is_a_breach() -> None:
    staging = scene()

    def said() -> Answer:
        row = staging.stage.database.reservations[1].reservation
        return ReservationChanged(row)

    staging.script._answers = iter([lambda: held(staging.stage), said])
    staging.stage.loop.create_task(
        staging.crowd.press(replace(NOW, habit=Habit.CANCELS)), context=on(None)
    )
    staging.stage.wait(5_000)
    breach = staging.stage.judge.breach
    assert breach is not None
    assert breach.promise == "P2"


def test_whatever_a_guest_hears_the_judge_hears() -> None:
    staging = scene(Gone(), errors.Busy())
    staging.press(NOW)
    judge = staging.stage.judge
    assert (judge.seen["presses"], judge.seen["refusals"]) == (1, 1)
    said = [line[-1] for line in judge.trace if line[1] == "guest"]
    assert said == ["Gone", "BUSY", "SOLD"]
    staging = scene()
    staging.script._answers = iter([lambda: held(staging.stage)])
    staging.press(NOW)
    assert staging.stage.judge.seen["answers"] == 1


# --- staff ---------------------------------------------------------------------------------------


def wished(wish: Wish, *, seated: bool = True, no: int = 0) -> list[Message]:
    stage = staged()
    if seated:
        held(stage)
    auction = stage.database.auctions[1].auction
    script = Script(stage, [Gone(), errors.Busy(), AuctionIs(auction)])
    crowd = Crowd(stage.loop, Random(2), script, stage.judge, stage.database)
    stage.run(crowd.staff(Staff(no, BEGIN_MS, 1, wish)))
    return [each.message for each in script.asked]


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (Wish.TURBO, TriggerTurbo(9_000)),
        (Wish.TURBO_NOW, TriggerTurbo(9_000, force=True)),
        (Wish.CANCEL_CLASS, CancelAuction(9_000, reason="rain")),
        (Wish.LOOK, Look()),
        (Wish.CANCEL_SEAT, CancelSeat(1, 9_000, reason="full")),
        (Wish.CHECK_IN, CheckIn(1, 9_000)),
        (Wish.UNDO, CheckIn(1, 9_000)),
    ],
)
def test_staff_ask_until_there_is_a_yes_or_a_no(wish: Wish, message: Message) -> None:
    assert wished(wish) == [message] * 3


def test_staff_undo_what_is_done() -> None:
    stage = staged()
    held(stage)
    row = stage.database.reservations[1]
    row.reservation = replace(row.reservation, status=ReservationStatus.COMPLETED)
    script = Script(stage, [AuctionIs(sale())])
    crowd = Crowd(stage.loop, Random(2), script, stage.judge, stage.database)
    stage.run(crowd.staff(Staff(0, BEGIN_MS, 1, Wish.UNDO)))
    assert [each.message for each in script.asked] == [Undo(1, 9_000)]


def test_staff_rename_a_class_and_nothing_else() -> None:
    [edit, *_] = wished(Wish.RENAME)
    assert isinstance(edit, Edit)
    assert (edit.title, edit.terms) == ("Yoga again", sale().terms)


@pytest.mark.parametrize("wish", [Wish.CANCEL_SEAT, Wish.CHECK_IN, Wish.UNDO])
def test_without_a_seat_there_is_nothing_to_ask(wish: Wish) -> None:
    assert wished(wish, seated=False) == []
