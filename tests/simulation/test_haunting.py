"""An exception at each place where an actor waits, and a consumer that is else unchanged."""

import asyncio
from types import CoroutineType
from typing import Any

from engine.domain.messages import Book, Booked
from engine.errors import Internal
from engine.settings import Settings
from engine.simulation.haunting import Haunted, consumer, is_consumer
from engine.simulation.loop import on
from engine.simulation.member import Answer
from tests.simulation.stage import GUEST, SETTINGS, Stage, clustered, staged

PLACES = {
    "_decide > taken",
    "_turn > _commit > commit",
    "_reply > taken",
    "_publish > taken",
}
"""Wherever the consumer of a mailbox waits. A new one belongs here."""

OFTEN_YIELDING = Settings(shards=4, lease_ttl_ms=3_000, yield_after_ms=0.0, crashes_max=50)


def consumed(stage: Stage, strike_at: int, settings: Settings) -> tuple[str | None, list[Answer]]:
    """Press, and again with the same key, while the n-th wait of the first press is struck; the
    place where, and both answers."""
    cluster = clustered(stage, settings=settings)
    waits, struck, answers = 0, list[str](), list[Answer]()
    presses: list[Book] = []

    def strikes() -> bool:
        nonlocal waits
        waits += 1
        return waits == strike_at and len(presses) == 1

    stage.loop.work_of = lambda work: (
        consumer(work, strikes, struck.append) if is_consumer(work) else work
    )
    for _ in range(2):
        presses.append(Book(GUEST, key="k"))
        stage.judge.asks(GUEST, "k", 1)
        cluster.owner.ask(1, presses[-1], answers.append)
        stage.wait(2_000)
    assert stage.loop.errors == []
    return (struck[0] if struck else None), answers


def test_it_strikes_wherever_an_actor_waits_and_the_key_tells_the_truth_afterwards() -> None:
    struck: set[str] = set()
    for strike_at in range(1, 30):
        stage = staged(judged=True)
        place, (first, again) = consumed(stage, strike_at, OFTEN_YIELDING)
        if place is None:
            break
        struck.add(place)
        assert isinstance(first, Booked | Internal)
        assert isinstance(again, Booked)
        assert stage.statuses() == ["PENDING_ON_SITE"]
        assert stage.judge.breach is None
    else:
        raise AssertionError("the consumer never comes to its end")
    assert struck == PLACES


def test_a_guest_whose_actor_breaks_hears_that_something_broke() -> None:
    place, (first, again) = consumed(staged(), 1, OFTEN_YIELDING)
    assert place == "_decide > taken"
    assert isinstance(first, Internal)
    assert isinstance(again, Booked)


def test_a_consumer_that_nobody_strikes_does_what_it_always_does() -> None:
    place, (first, again) = consumed(staged(), 0, SETTINGS)
    assert place is None
    assert isinstance(first, Booked)
    assert isinstance(again, Booked)
    assert (first.replayed, again.replayed) == (False, True)


def test_only_the_consumer_of_a_mailbox_is_haunted() -> None:
    async def other() -> None: ...

    work = other()
    assert not is_consumer(work)
    work.close()


class Steps:
    """Some work, what is thrown at it, and where."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.struck: list[str] = []
        self.stage = staged()

    async def work(self) -> None:
        try:
            await asyncio.sleep(1)
            self.seen.append("slept")
            await asyncio.Event().wait()
        except Haunted:
            self.seen.append("haunted")
        except asyncio.CancelledError:
            self.seen.append("cancelled")
            raise
        except ValueError:
            self.seen.append("its own error")
        finally:
            self.seen.append("left")

    def run(self, strike: bool) -> "asyncio.Task[None]":
        work: CoroutineType[Any, Any, None] = self.work()  # type: ignore[assignment]
        haunted = consumer(work, lambda: strike, self.struck.append)
        task = self.stage.loop.create_task(haunted, context=on(None))
        self.stage.wait(2_000)
        return task


def test_the_error_is_raised_inside_where_it_waited() -> None:
    steps = Steps()
    assert steps.run(strike=True).done()
    assert steps.seen == ["haunted", "left"]
    assert len(steps.struck) == 1


def test_cancelling_goes_through() -> None:
    steps = Steps()
    task = steps.run(strike=False)
    task.cancel()
    steps.stage.wait(1)
    assert task.cancelled()
    assert (steps.seen, steps.struck) == (["slept", "cancelled", "left"], [])


def test_cancelling_goes_through_to_where_somebody_only_gives_way() -> None:
    stage, turns = staged(), list[int]()

    async def gives_way() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    work: CoroutineType[Any, Any, None] = gives_way()  # type: ignore[assignment]
    task = stage.loop.create_task(consumer(work, lambda: len(turns) > 50, print))
    stage.loop.call_soon(task.cancel)
    stage.wait(1)
    assert task.cancelled()
    assert len(turns) < 5


def test_closing_closes_what_is_inside() -> None:
    steps = Steps()
    task = steps.run(strike=False)
    steps.stage.loop.close()
    assert not task.done()
    assert steps.seen == ["slept", "left"]
