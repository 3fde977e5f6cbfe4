"""Committed facts travel onward: frames at once, mail when it can, each at least once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson

from engine.bus.local import LocalBus
from engine.outbox import Outbox
from engine.ports.commit import Unavailable
from engine.ports.mail import MailDelayed
from engine.ports.outbox import OutboxRow
from engine.settings import Settings
from engine.store.memory.database import MemoryDatabase, NoticeRow
from engine.store.memory.outbox import MemoryOutboxStore
from tests.engine.hand_clock import HandClock
from tests.engine.world import Watcher, eventually, quick

SETTINGS = Settings(outbox_poll_ms=10)


class Post:
    """A mailer whose server may be down."""

    def __init__(self) -> None:
        self.carried: list[int] = []
        self.tries: list[int] = []
        self.down = False
        self.unreadable = False

    async def carry(self, row: OutboxRow) -> None:
        self.tries.append(row.id)
        if self.unreadable:
            raise KeyError("a row that cannot be rendered")
        if self.down:
            raise MailDelayed("down")
        self.carried.append(row.id)


class Works:
    """An outbox on a database in memory."""

    def __init__(self, settings: Settings) -> None:
        self.clock = HandClock()
        self.db = MemoryDatabase(self.clock)
        self.store = MemoryOutboxStore(self.db)
        self.watcher, self.post, bus = Watcher(), Post(), LocalBus()
        bus.attach(self.watcher)
        self.outbox = Outbox(self.store, bus, self.post, settings)

    def row(self, number: int, topic: str = "booking_confirmed", due_in_ms: int = 0) -> OutboxRow:
        """Committed just now."""
        row = OutboxRow(number, topic, 7, 1, {"booking_code": "HOT-ABCD"})
        now_ms = self.clock.now_ms()
        self.db.outbox[number] = NoticeRow(row, now_ms, now_ms + due_in_ms)
        return row

    def done(self, number: int) -> bool:
        return self.db.outbox[number].done_at_ms is not None


@asynccontextmanager
async def works(settings: Settings = SETTINGS) -> AsyncIterator[Works]:
    made = Works(settings)
    task = asyncio.ensure_future(made.outbox.run())
    yield made
    task.cancel()


async def test_a_guest_is_told_at_once_and_the_mail_follows() -> None:
    async with works() as at:
        at.outbox.hand_over([at.row(11, due_in_ms=5_000)])
        ((user, frame),) = at.watcher.personal
        told = orjson.loads(frame.payload)
        assert (user, told["type"], told["event_id"]) == (7, "booking_confirmed", 11)
        await eventually(lambda: at.done(11))
        assert at.post.carried == [11]


async def test_what_a_crash_left_is_found_by_the_poll() -> None:
    async with works() as at:
        at.row(12)
        at.row(13, topic="mail.verify_email")
        await eventually(lambda: at.done(12) and at.done(13))
        assert [orjson.loads(f.payload)["event_id"] for _, f in at.watcher.personal] == [12]
        assert sorted(at.post.carried) == [12, 13]


async def test_a_mail_server_that_is_down_delays_mail_and_nothing_else() -> None:
    async with works() as at:
        at.post.down = True
        at.outbox.hand_over([at.row(14, due_in_ms=5_000)])
        assert len(at.watcher.personal) == 1
        await eventually(lambda: at.post.tries == [14])
        assert not at.done(14)
        at.post.down = False
        at.clock.pass_ms(60_000)
        at.outbox.wake()
        await eventually(lambda: at.done(14))
        assert at.post.carried == [14]


async def test_a_mail_is_given_up_after_its_last_try() -> None:
    async with works(quick(SETTINGS, outbox_attempts_max=2)) as at:
        at.post.down = True
        at.row(15)
        for _ in range(3):
            await asyncio.sleep(0.05)
            at.clock.pass_ms(7 * 3_600_000)
            at.outbox.wake()
        await eventually(lambda: at.done(15))
        assert 2 <= len(at.post.tries) <= 3


async def test_a_row_that_cannot_be_rendered_blocks_nobody() -> None:
    async with works() as at:
        at.post.unreadable = True
        at.row(16)
        await eventually(lambda: at.done(16))
        at.post.unreadable = False
        at.row(17)
        await eventually(lambda: at.done(17))


async def test_past_its_bound_the_queue_leaves_the_mail_to_the_poll() -> None:
    async with works(quick(SETTINGS, outbox_inflight_max=1)) as at:
        at.outbox.hand_over([at.row(18, due_in_ms=50), at.row(19, due_in_ms=50)])
        assert len(at.watcher.personal) == 2
        await eventually(lambda: at.done(18))
        at.clock.pass_ms(50)
        await eventually(lambda: at.done(19))


async def test_a_database_that_is_away_means_once_more_never_not_at_all() -> None:
    async with works() as at:
        real = at.store.done

        async def away(_: object) -> None:
            raise Unavailable("away")

        at.store.done = away  # type: ignore[method-assign,assignment]
        at.outbox.hand_over([at.row(20, due_in_ms=50)])
        await eventually(lambda: at.post.carried == [20])
        at.store.done = real  # type: ignore[method-assign]
        at.clock.pass_ms(50)
        await eventually(lambda: at.done(20))
        assert at.post.carried == [20, 20]


async def test_while_a_row_is_in_hand_the_poll_leaves_it_alone() -> None:
    async with works() as at:
        gate = asyncio.Event()
        carry = at.post.carry

        async def slow(row: OutboxRow) -> None:
            await gate.wait()
            await carry(row)

        at.post.carry = slow  # type: ignore[method-assign]
        at.outbox.hand_over([at.row(21), at.row(22)])
        await asyncio.sleep(0.05)
        gate.set()
        await eventually(lambda: at.done(21) and at.done(22))
        assert sorted(at.post.carried) == [21, 22]
        assert replace(at.db.outbox[21].row, attempts=0).id == 21


async def test_what_memory_has_no_room_for_is_told_at_once_and_mailed_by_the_poll() -> None:
    at = Works(quick(SETTINGS, outbox_inflight_max=2))
    rows = [at.row(number, due_in_ms=5_000) for number in (1, 2, 3, 4)]
    at.outbox.hand_over(rows)
    assert len(at.watcher.personal) == 4
    task = asyncio.ensure_future(at.outbox.run())
    await eventually(lambda: at.done(1) and at.done(2))
    assert at.post.tries == [1, 2]
    at.clock.pass_ms(5_000)
    await eventually(lambda: at.done(3) and at.done(4))
    task.cancel()
