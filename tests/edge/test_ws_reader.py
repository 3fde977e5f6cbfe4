"""Messages out of bytes, however they arrive; frames that RFC 6455 forbids."""

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.ws_reader import FrameReader, WebSocketError, WSMsgType
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
    """What is read of bytes that come in these pieces, and why it stopped."""
    reader, heard = FrameReader(70_000), list[tuple[WSMsgType, bytes]]()
    try:
        for piece in pieces:
            reader.feed(piece)
            while (message := reader.read()) is not None:
                if message.type is not WSMsgType.CLOSE:
                    heard.append((message.type, bytes(message.data)))
    except WebSocketError as error:
        return heard, error
    return heard, None


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


def test_what_nobody_has_asked_for_stays_bytes() -> None:
    reader = FrameReader(100)
    reader.feed(frame(b"first") + frame(b"second") + frame(b"third")[:3])
    assert reader.waiting == len(frame(b"first") + frame(b"second")) + 3
    first = reader.read()
    assert first is not None
    assert reader.waiting == len(frame(b"second")) + 3
    assert reader.read() is not None
    assert reader.read() is None


def test_a_flood_of_small_frames_is_read_in_linear_time() -> None:
    reader, flood = FrameReader(100), frame(b"") * 40_000
    reader.feed(flood)
    began = time.process_time()
    while reader.read() is not None:
        pass
    # Copying what is left at every frame would take 5 GB of copies.
    assert time.process_time() - began < 1
