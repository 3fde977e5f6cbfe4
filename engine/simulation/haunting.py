"""An exception out of nowhere, at one of the places where an actor waits.

A step of the consumer is as good a place to break as any: what breaks there in a real program is a
mistake nobody has thought of. The place is named by the innermost coroutine that waits.
"""

from collections.abc import Callable, Coroutine, Generator
from types import CoroutineType, coroutine
from typing import Any

CONSUMER = "AuctionActor._work"


class Haunted(Exception):
    """Raised on purpose."""


def is_consumer(work: Coroutine[Any, Any, Any]) -> bool:
    """Is this the consumer of an actor's mailbox?"""
    return getattr(work, "__qualname__", "") == CONSUMER


@coroutine
def haunted(
    work: "CoroutineType[Any, Any, None]",
    strikes: Callable[[], bool],
    struck: Callable[[str], None],
) -> Generator[Any, Any, None]:
    """The same work, but before it goes on somebody may strike; `struck` hears where it was."""
    raised: BaseException | None = None
    while True:
        try:
            awaited = work.send(None) if raised is None else work.throw(raised)
        except StopIteration:
            return
        raised = None
        try:
            yield awaited
        except GeneratorExit:
            work.close()
            raise
        except BaseException as error:
            raised = error
        else:
            if strikes():
                where = place(work)
                struck(where)
                raised = Haunted(where)


async def consumer(
    work: "CoroutineType[Any, Any, None]",
    strikes: Callable[[], bool],
    struck: Callable[[str], None],
) -> None:
    """`haunted`, as a task can run it."""
    await haunted(work, strikes, struck)


def place(work: "CoroutineType[Any, Any, None]") -> str:
    """Where it waits: the two innermost of our own coroutines, the outer one first."""
    names: list[str] = []
    waiting: Any = work
    while isinstance(waiting, CoroutineType):
        names.append(waiting.__qualname__.rpartition(".")[2])
        waiting = waiting.cr_await
    return " > ".join(name for name in names[-3:] if name != "sleep")
