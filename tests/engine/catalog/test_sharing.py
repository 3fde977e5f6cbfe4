"""What many ask for at once is read once, and never shown when it is known to have changed."""

import asyncio
from dataclasses import dataclass, field

import pytest

from engine.catalog.sharing import FOR_EVER_MS, Copy, Shared
from engine.errors import Busy
from engine.settings import Settings
from tests.engine.hand_clock import HandClock


@dataclass
class Shelf:
    """Something that changes, how often it was read, and copies of it."""

    settings: Settings = field(default_factory=lambda: Settings(reads_burst=3, reads_shared_max=2))
    clock: HandClock = field(default_factory=HandClock)
    state: int = 0
    reads: int = 0
    until_ms: int = FOR_EVER_MS
    slowly: asyncio.Event | None = None
    failing: bool = False

    def __post_init__(self) -> None:
        self.shared: Shared[int] = Shared(lambda: self.state, self.clock, self.settings)

    async def read(self) -> Copy[int]:
        self.reads += 1
        seen = self.state
        if self.slowly is not None:
            await self.slowly.wait()
        if self.failing:
            raise Busy()
        return Copy(seen, self.until_ms)

    async def ask(self, question: str = "?") -> int:
        return await self.shared.get(question, self.read)


async def test_however_many_ask_it_is_read_once() -> None:
    shelf = Shelf()
    assert await asyncio.gather(*(shelf.ask() for _ in range(100))) == [0] * 100
    assert await shelf.ask() == 0
    assert shelf.reads == 1


async def test_it_is_read_again_when_it_is_old() -> None:
    shelf = Shelf()
    await shelf.ask()
    shelf.clock.pass_ms(999)
    await shelf.ask()
    assert shelf.reads == 1
    shelf.clock.pass_ms(1)
    await shelf.ask()
    assert shelf.reads == 2


async def test_who_changes_it_and_looks_sees_the_change() -> None:
    shelf = Shelf()
    for change in range(3):
        shelf.state = change
        assert await shelf.ask() == change


async def test_it_is_read_again_when_the_clock_has_changed_it() -> None:
    shelf = Shelf(until_ms=0)
    shelf.until_ms = shelf.clock.now_ms() + 5
    await shelf.ask()
    shelf.clock.pass_ms(4)
    await shelf.ask()
    assert shelf.reads == 1
    shelf.clock.pass_ms(1)
    await shelf.ask()
    assert shelf.reads == 2


async def test_under_endless_changes_it_is_read_once_a_second_and_never_older() -> None:
    shelf = Shelf()
    for _ in range(100):  # ten seconds
        for _ in range(20):
            shelf.state += 1
            assert shelf.state - await shelf.ask() <= 20 * 10
        shelf.clock.pass_ms(100)
    assert shelf.reads <= 3 + 10


async def test_a_read_that_began_before_a_change_is_not_for_who_asks_after_it() -> None:
    shelf = Shelf(slowly=asyncio.Event())
    early = asyncio.ensure_future(shelf.ask())
    await asyncio.sleep(0)
    same = asyncio.ensure_future(shelf.ask())
    await asyncio.sleep(0)
    shelf.state = 1
    late = [asyncio.ensure_future(shelf.ask()) for _ in range(10)]
    await asyncio.sleep(0)
    assert shelf.slowly is not None
    shelf.slowly.set()
    assert [await early, await same] == [0, 0]
    assert await asyncio.gather(*late) == [1] * 10
    assert shelf.reads == 2


async def test_who_hangs_up_does_not_take_it_from_the_others() -> None:
    shelf = Shelf(slowly=asyncio.Event())
    gone, stays = (asyncio.ensure_future(shelf.ask()) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    assert shelf.slowly is not None
    shelf.slowly.set()
    assert await stays == 0
    assert shelf.reads == 1


async def test_a_failure_is_told_to_all_who_wait_and_kept_from_those_who_come_later() -> None:
    shelf = Shelf(failing=True)
    told = await asyncio.gather(*(shelf.ask() for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in told] == [Busy] * 5
    shelf.failing = False
    assert await shelf.ask() == 0
    shelf.failing, shelf.state = True, 1
    with pytest.raises(Busy):
        await shelf.ask()


async def test_only_so_many_are_kept_and_those_unasked_for_longest_go() -> None:
    shelf = Shelf()
    for question in ("a", "b", "a", "c"):
        await shelf.ask(question)
    assert shelf.reads == 3
    await shelf.ask("a")
    assert shelf.reads == 3
    await shelf.ask("b")
    assert shelf.reads == 4
