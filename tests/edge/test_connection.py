"""A socket is small, and knows when nothing more may be written to it."""

import sys

import pytest

from edge.connection import Backlog
from tests.edge.live_clients import wired
from tests.edge.live_shop import START_MS


def test_a_socket_is_nothing_but_slots() -> None:
    socket, _ = wired()
    assert not hasattr(socket, "__dict__")
    assert sys.getsizeof(socket) < 300
    with pytest.raises(AttributeError):
        socket.anything = 1  # type: ignore[attr-defined]  # that is the point


def test_a_new_socket_has_said_and_heard_nothing() -> None:
    socket, _ = wired()
    assert (socket.born_ms, socket.heard_ms, socket.sent_ms) == (START_MS,) * 3
    assert (socket.principal, socket.user_id, socket.spoken) == (None, 0, False)
    assert (socket.auctions, socket.backlog, socket.bookings) == ((), None, 0)


def test_it_is_writable_until_it_was_told_to_close_or_is_gone() -> None:
    (fresh, _), (told, _), (gone, wire) = wired(), wired(), wired()
    told.leave_by_ms = START_MS
    wire.abort()
    assert [socket.writable for socket in (fresh, told, gone)] == [True, False, False]


def test_a_backlog_begins_as_one_that_moves() -> None:
    backlog = Backlog(START_MS, 17)
    assert (backlog.since_ms, backlog.moved_ms, backlog.waiting_bytes) == (START_MS, START_MS, 17)
    assert backlog.missed == {}
