"""What members publish is judged, may get lost on its way, and watchers come out right."""

from collections import Counter
from dataclasses import dataclass, replace
from uuid import UUID

import orjson
import pytest

from engine import frames
from engine.domain.auction import Auction, Status
from engine.domain.messages import Book, CancelAuction, CancelSeat
from engine.frames import Frame
from engine.ports.bus import Publication
from engine.ports.commit import Entry
from engine.simulation.audience import Channel, SimulatedBus, Watcher
from engine.simulation.faults import Fault
from engine.store.memory.commit import MemoryFlight
from tests.simulation.stage import GUEST, Stage, sale, staged


@dataclass
class Desk:
    """Where a watcher gets its snapshots; `is_open` is False while nobody can say."""

    stage: Stage
    is_open: bool = True
    asked: int = 0

    def snapshot(self, auction_id: int) -> Auction | None:
        self.asked += 1
        return self.stage.database.auctions[auction_id].auction if self.is_open else None

    def now_ms(self) -> int:
        return self.stage.loop.true_ns() // 1_000_000


@dataclass
class Hall:
    """One auction with three seats, its revisions so far, and somebody who watches."""

    stage: Stage
    desk: Desk
    watcher: Watcher
    bus: SimulatedBus
    channel: Channel

    def committed(self, message: object = None) -> Frame:
        """Something is committed; its frame."""
        entry = self.stage.entry(message)  # type: ignore[arg-type]
        self.stage.run(MemoryFlight(self.stage.database).commit(UUID(int=1), [entry]), for_ms=1)
        return frame_of(entry)

    def publish(self, *told: Frame) -> None:
        auction = self.stage.database.auctions[1].auction
        self.bus.publish(Publication(auction, told))

    @property
    def shown(self) -> int | None:
        seen = self.watcher.shows.get(1)
        return None if seen is None else seen.revision

    @property
    def breach(self) -> str | None:
        breach = self.stage.judge.breach
        return None if breach is None else breach.promise


def frame_of(entry: Entry) -> Frame:
    return frames.significant(entry.events[-1], entry.high_water_ms, 0)


def resync(hall: Hall) -> Frame:
    return frames.resync(hall.stage.database.auctions[1].auction, hall.desk.now_ms(), 0)


def hall_with(*, watching: bool = True) -> Hall:
    stage = staged(sale(seats=3))
    desk = Desk(stage)
    watcher = Watcher(stage.judge, stage.loop, desk)
    channel = Channel(stage.loop, stage.armed, [watcher])
    if watching:
        watcher.asks(1)
    return Hall(stage, desk, watcher, SimulatedBus(stage.judge, stage.database, channel), channel)


def press(user_id: int = GUEST) -> Book:
    return Book(user_id, key=f"k{user_id}")


# --- the watcher ---------------------------------------------------------------------------------


def test_what_follows_is_applied() -> None:
    hall = hall_with()
    assert hall.shown == 1
    hall.watcher.hears(hall.committed(press()))
    assert (hall.shown, hall.desk.asked) == (2, 1)
    shown = hall.watcher.shows[1]
    assert (shown.status, shown.price) == ("ACTIVE", "195.00")
    assert shown.schedule == frames.schedule_fields(sale().schedule)


def test_a_repeat_and_what_is_older_change_nothing() -> None:
    hall = hall_with()
    first, second = hall.committed(press(1)), hall.committed(press(2))
    for frame in (first, second, second, first, first):
        hall.watcher.hears(frame)
    assert (hall.shown, hall.desk.asked, hall.breach) == (3, 1, None)


def test_where_something_is_missing_it_asks_again_once_and_later() -> None:
    hall = hall_with()
    hall.committed(press(1))
    for frame in (hall.committed(press(2)), hall.committed(press(3))):
        hall.watcher.hears(frame)
    assert (hall.shown, hall.desk.asked) == (1, 1)
    hall.stage.wait(200)
    assert hall.shown == 1
    hall.stage.wait(100)
    assert (hall.shown, hall.desk.asked) == (4, 2)


def test_whoever_has_seen_nothing_asks() -> None:
    hall = hall_with(watching=False)
    hall.watcher.hears(hall.committed(press()))
    assert hall.shown is None
    hall.stage.wait(300)
    assert hall.shown == 2


def test_it_asks_until_somebody_can_say() -> None:
    hall = hall_with(watching=False)
    hall.desk.is_open = False
    hall.watcher.asks(1)
    hall.stage.wait(2_000)
    assert hall.desk.asked > 3
    assert hall.shown is None
    hall.desk.is_open = True
    hall.stage.wait(300)
    assert hall.shown == 1


def test_a_full_frame_needs_nothing_older() -> None:
    hall = hall_with()
    hall.committed(press(1))
    hall.committed(press(2))
    hall.watcher.hears(resync(hall))
    assert (hall.shown, hall.desk.asked) == (3, 1)


def test_a_full_frame_that_is_older_than_what_is_shown_is_left() -> None:
    hall = hall_with()
    earlier = resync(hall)
    hall.watcher.hears(hall.committed(press()))
    hall.watcher.hears(earlier)
    assert (hall.shown, hall.breach) == (2, None)


def test_a_snapshot_that_is_older_than_what_is_shown_is_left() -> None:
    hall = hall_with()
    stored = hall.stage.database.auctions[1]
    earlier = stored.auction
    hall.watcher.hears(hall.committed(press()))
    stored.auction = earlier
    hall.watcher.asks(1)
    assert (hall.shown, hall.breach) == (2, None)


def test_after_the_end_of_a_class_nothing_is_shown() -> None:
    hall = hall_with()
    hall.watcher.hears(hall.committed(CancelAuction(9_000)))
    assert hall.watcher.shows[1].status == "CANCELLED"
    assert hall.breach is None
    stored = hall.stage.database.auctions[1]
    stored.auction = replace(stored.auction, status=Status.ACTIVE, revision=9, frozen_at_ms=None)
    hall.watcher.asks(1)
    assert hall.breach == "P6"


# --- the way to the watchers ---------------------------------------------------------------------


def carried(fault: Fault | None, number: int = 3) -> list[tuple[int, int]]:
    """(revision, milliseconds after it set out) as they arrive, of frames 10 ms apart."""
    hall = hall_with()
    began_ns = hall.stage.loop.now_ns
    arrived: list[tuple[int, int]] = []

    class Ear(Watcher):
        def hears(self, frame: Frame) -> None:
            ms = (hall.stage.loop.now_ns - began_ns) // 1_000_000
            arrived.append((frame.revision, ms - 10 * frame.revision))

    hall.channel.watchers[:] = [Ear(hall.stage.judge, hall.stage.loop, hall.desk)]
    if fault is not None:
        hall.stage.armed.arm("bus", fault)
    for revision in range(number):
        hall.channel.carry(Frame("auction_booked", b"{}", 1, revision))
        hall.stage.wait(10)
    hall.stage.wait(5_000)
    assert hall.stage.armed.struck == (Counter() if fault is None else {fault: 1})
    return arrived


def test_frames_arrive_in_order_if_nothing_happens() -> None:
    assert carried(None) == [(0, 0), (1, 0), (2, 0)]


def test_a_frame_that_is_lost_never_arrives() -> None:
    assert carried(Fault.BUS_LOST) == [(1, 0), (2, 0)]


def test_a_frame_that_is_doubled_arrives_again_later() -> None:
    assert carried(Fault.BUS_DOUBLED) == [(0, 0), (1, 0), (2, 0), (0, 40)]


def test_a_frame_that_is_delayed_is_overtaken() -> None:
    assert carried(Fault.BUS_DELAYED) == [(1, 0), (2, 0), (0, 1_500)]


def test_a_frame_that_is_reordered_comes_after_the_next() -> None:
    assert carried(Fault.BUS_REORDERED) == [(1, 0), (0, 10), (2, 0)]


def test_while_the_channel_is_cut_nothing_gets_through() -> None:
    hall = hall_with()
    hall.channel.cut(100)
    lost = hall.committed(press(1))
    hall.publish(lost)
    hall.stage.wait(150)
    assert hall.shown == 1
    hall.publish(hall.committed(press(2)))
    hall.stage.wait(500)
    assert (hall.shown, hall.breach) == (3, None)
    assert hall.stage.armed.struck == {Fault.BUS_PARTITION: 1}


@pytest.mark.parametrize("fault", [f for f in Fault if f.startswith("bus_") and "part" not in f])
def test_whatever_happens_on_the_way_the_watcher_comes_out_right(fault: Fault) -> None:
    hall = hall_with()
    for user_id in range(1, 4):
        hall.stage.armed.arm("bus", fault)
        hall.publish(hall.committed(press(user_id)))
        hall.stage.wait(10)
    [first, *_] = hall.stage.database.held(1)
    hall.publish(hall.committed(CancelSeat(first.id, 9_000)))
    hall.stage.wait(3_000)
    assert (hall.shown, hall.breach) == (5, None)


# --- what members publish ------------------------------------------------------------------------


def test_publications_in_order_and_committed_break_nothing() -> None:
    hall = hall_with()
    hall.publish(resync(hall))
    hall.publish(hall.committed(press(1)), hall.committed(press(2)))
    hall.publish(resync(hall))
    hall.publish(hall.committed(press(3)))
    assert hall.breach is None
    assert hall.stage.judge.seen["frames"] == 5


def test_telling_what_is_not_committed_is_a_breach() -> None:
    hall = hall_with()
    hall.publish(resync(hall))
    hall.publish(frame_of(hall.stage.entry(press())))
    assert hall.breach == "P6"


def test_leaving_out_a_revision_is_a_breach() -> None:
    hall = hall_with()
    hall.publish(resync(hall))
    hall.committed(press(1))
    hall.publish(hall.committed(press(2)))
    assert hall.breach == "P6"


def test_telling_a_revision_twice_is_a_breach() -> None:
    hall = hall_with()
    frame = hall.committed(press())
    hall.publish(frame)
    hall.publish(frame)
    assert hall.breach == "P6"


def test_going_back_is_a_breach() -> None:
    hall = hall_with()
    earlier = resync(hall)
    hall.publish(hall.committed(press()))
    hall.publish(earlier)
    assert hall.breach == "P6"


# --- what one guest alone may know ---------------------------------------------------------------


def personal(hall: Hall, user_id: int, event_id: int) -> None:
    payload = orjson.dumps({"user_id": user_id, "event_id": event_id})
    hall.bus.tell(GUEST, Frame("booking_confirmed", payload))


def test_a_guest_is_told_what_is_committed_and_its_own() -> None:
    hall = hall_with()
    hall.committed(press())
    [notice_id] = hall.stage.database.outbox
    personal(hall, GUEST, notice_id)
    assert hall.breach is None
    assert hall.stage.judge.seen["personal"] == 1


def test_another_guests_frame_is_a_breach() -> None:
    hall = hall_with()
    hall.committed(press(GUEST + 1))
    [notice_id] = hall.stage.database.outbox
    personal(hall, GUEST + 1, notice_id)
    assert hall.breach == "P3"


def test_another_guests_notice_under_ones_own_name_is_a_breach() -> None:
    hall = hall_with()
    hall.committed(press(GUEST + 1))
    [notice_id] = hall.stage.database.outbox
    personal(hall, GUEST, notice_id)
    assert hall.breach == "P2"


def test_being_told_what_is_not_committed_is_a_breach() -> None:
    hall = hall_with()
    personal(hall, GUEST, 77)
    assert hall.breach == "P2"


def test_members_hear_how_many_watch() -> None:
    hall = hall_with()
    hall.bus.attach(None)  # type: ignore[arg-type]
    hall.bus.announce(1)
    assert hall.bus.watchers(1) == 1
