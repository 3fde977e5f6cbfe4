"""Our frames are read by a client that is not ours as what they are."""

import struct

import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from edge import ws_frames
from edge.ws_frames import CloseCode


def parsed(raw: bytes) -> Frame:
    """What the `websockets` package reads; nothing may be left over."""
    reader = StreamReader()
    reader.feed_data(raw)
    reader.feed_eof()
    steps = Frame.parse(reader.read_exact, mask=False)
    try:
        while True:
            next(steps)
    except StopIteration as done:
        frame: Frame = done.value
    assert not reader.buffer
    return frame


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_a_text_of_any_length_is_one_whole_frame(length: int) -> None:
    frame = parsed(ws_frames.text(b"x" * length))
    assert (frame.opcode, frame.fin) == (Opcode.TEXT, True)
    assert frame.data == b"x" * length
    assert (frame.rsv1, frame.rsv2, frame.rsv3) == (False, False, False)


@pytest.mark.parametrize("code", list(CloseCode))
def test_a_close_frame_is_its_code(code: CloseCode) -> None:
    frame = parsed(ws_frames.close(code))
    assert frame.opcode is Opcode.CLOSE
    assert struct.unpack("!H", frame.data) == (code,)


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1014, 3000, 4000, 4999])
def test_a_goodbye_is_answered_by_its_own_code(code: int) -> None:
    assert ws_frames.goodbye(code) == ws_frames.close(code)


def test_a_goodbye_without_a_code_is_a_normal_one() -> None:
    assert ws_frames.goodbye(0) == ws_frames.close(CloseCode.NORMAL)


@pytest.mark.parametrize("code", [1, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535])
def test_a_code_that_may_not_travel_is_not_sent_back(code: int) -> None:
    assert ws_frames.goodbye(code) == ws_frames.close(CloseCode.BROKEN)


def test_a_ping_is_empty_and_a_pong_says_what_the_ping_said() -> None:
    assert parsed(ws_frames.PING).opcode is Opcode.PING
    pong = parsed(ws_frames.pong(b"p" * 125))
    assert (pong.opcode, pong.data) == (Opcode.PONG, b"p" * 125)


def test_the_range_of_a_code_tells_the_client_what_to_do() -> None:
    stay_away = {CloseCode.BAD_PROTOCOL, CloseCode.FORBIDDEN}
    stay_away |= {CloseCode.TOO_MANY, CloseCode.NOTHING_SAID}
    back_off = {CloseCode.SLOW, CloseCode.RATE, CloseCode.INTERNAL, CloseCode.IDLE}
    assert {c for c in CloseCode if 4000 <= c < 4100} == stay_away
    assert {c for c in CloseCode if 4100 <= c < 4200} == back_off
    assert {c for c in CloseCode if 4200 <= c < 4300} == {CloseCode.DRAINING}
