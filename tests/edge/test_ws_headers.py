"""Frames that RFC 6455 forbids and aiohttp's reader takes; however the bytes arrive."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from aiohttp import WSMsgType
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_websocket import WebSocketError
from hypothesis import given
from hypothesis import strategies as st

from edge.ws_headers import CheckedReader
from tests.hostile.wire import BINARY, CLOSE, CONTINUED, PING, TEXT, frame

Heard = list[tuple[WSMsgType, bytes]]
CONVERSATION = (
    frame(b"hello"),
    frame(b"", PING),
    frame(b"be", fin=False),
    frame(b"x" * 125, PING),
    frame(b"gi", CONTINUED, fin=False),
    frame(b"n", CONTINUED),
    frame(b"", fin=False),
    frame(b"", CONTINUED),
    frame(b"y" * 126),
    frame(b"z" * 65_535, BINARY),
    frame(b"w" * 65_536),
    frame(b"\x03\xe8", CLOSE),
)
HEARD: Heard = [
    (WSMsgType.TEXT, b"hello"),
    (WSMsgType.PING, b""),
    (WSMsgType.PING, b"x" * 125),
    (WSMsgType.TEXT, b"begin"),
    (WSMsgType.TEXT, b""),
    (WSMsgType.TEXT, b"y" * 126),
    (WSMsgType.BINARY, b"z" * 65_535),
    (WSMsgType.TEXT, b"w" * 65_536),
]


def read(pieces: Sequence[bytes]) -> tuple[Heard, WebSocketError | None]:
    """What aiohttp's reader makes of it behind the check, and why it stopped."""
    loop = asyncio.new_event_loop()
    try:
        queue = WebSocketDataQueue(BaseProtocol(loop), 2**22, loop=loop)
        reader = WebSocketReader(queue, 70_000, compress=False, decode_text=False)
        checked = CheckedReader(reader)
        for piece in pieces:
            if checked.feed_data(piece)[0]:
                break
        heard = [(each.type, bytes(each.data)) for each in _waiting(queue)]
        error = queue.exception()
        assert error is None or isinstance(error, WebSocketError)
        return heard, error
    finally:
        loop.close()


def _waiting(queue: WebSocketDataQueue) -> Iterator[Any]:
    while queue._buffer:
        message, _ = queue._buffer.popleft()
        if message.type is not WSMsgType.CLOSE:
            yield message


@given(st.data())
def test_what_may_pass_passes_however_it_is_cut(data: st.DataObject) -> None:
    whole = b"".join(CONVERSATION)
    edges = [0]
    for each in CONVERSATION:
        edges += [edges[-1] + at for at in range(1, min(len(each), 16))] + [edges[-1] + len(each)]
    cuts = sorted(data.draw(st.sets(st.sampled_from(edges))))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert read(pieces) == (HEARD, None)


@pytest.mark.parametrize(
    "broken",
    [
        (frame(b"x", masked=False),),
        (frame(b"", PING, masked=False),),
        (frame(b"x", fin=False), frame(b"x", CONTINUED, masked=False)),
        (frame(b"x" * 125, length_form=16),),
        (frame(b"x" * 65_535, length_form=64),),
        (frame(b"", fin=False), frame(b"x")),
        (frame(b"x", fin=False), frame(b"x", BINARY, fin=False)),
        (frame(b"x", CONTINUED),),
        (frame(b"x", TEXT), frame(b"x", CONTINUED)),
    ],
)
@pytest.mark.parametrize("step", [1, 3, 100_000])
def test_what_may_not_fails_the_connection_behind_what_came_before(
    broken: Sequence[bytes], step: int
) -> None:
    raw = b"".join((frame(b"before"), *broken, frame(b"behind")))
    heard, error = read([raw[at : at + step] for at in range(0, len(raw), step)])
    assert error is not None
    assert error.code == 1002
    assert heard[0] == (WSMsgType.TEXT, b"before")
    assert (WSMsgType.TEXT, b"behind") not in heard


def test_the_readers_own_limits_are_the_readers() -> None:
    _, error = read([frame(b"", length_form=64, says=2**63)])
    assert error is not None
    assert error.code == 1009
