"""The raw loop: what it says to whom."""

import pytest

from edge import ws_frames
from loadtests.bench.beside import raw_sends
from loadtests.bench.live_load import watchers
from loadtests.limits.raw_sends import text_frame, upgrade


@pytest.mark.parametrize("size", [0, 125, 126, 1_000])
def test_its_frames_are_those_of_the_product(size: int) -> None:
    payload = b"x" * size
    assert text_frame(payload) == ws_frames.text(payload)


def test_a_handshake_is_answered_as_rfc_6455_says() -> None:
    answer = upgrade(b"GET /ws HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer


def test_anything_else_is_no_handshake() -> None:
    with pytest.raises(ValueError, match="no Sec-WebSocket-Key"):
        upgrade(b"GET / HTTP/1.1\r\n\r\n")


async def test_it_starts_lets_in_and_stops() -> None:
    async with raw_sends(60_000, "{}") as server:
        (socket,) = await watchers(server, 1)
        socket.close()
