"""A crowd of sockets that only count, before a server that only sends."""

import socket
import threading
import time
from collections.abc import AsyncIterator

import pytest

from loadtests.bench.beside import raw_sends
from loadtests.bench.crowd import Crowd, Step, Tongue
from loadtests.bench.figures import Broken
from loadtests.bench.product import Server
from loadtests.limits.raw_sends import upgrade

EVERY_MS = 100
PAYLOAD = '{"type":"price_update"}'
RAW = Tongue("/ws", (Step(b"\r\n\r\n"),), b'"price_update"')


@pytest.fixture(scope="module")
async def raw() -> AsyncIterator[Server]:
    """A server that tells everybody the same ten times a second, a process of its own."""
    async with raw_sends(EVERY_MS, PAYLOAD) as server:
        yield server


def test_everybody_hears_every_frame(raw: Server) -> None:
    with Crowd(raw, RAW, 20) as crowd:
        crowd.hear_frames(60, time.time() + 5)
    assert crowd.heard.bytes == crowd.heard.frames * (2 + len(PAYLOAD))


def test_words_that_are_never_heard_end_the_run(
    raw: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loadtests.bench.crowd.GREETED_WITHIN_S", 0.05)
    mute = Tongue("/ws", (*RAW.steps, Step(b"welcome")), b"price")
    with pytest.raises(Broken, match="did not let 1 sockets watch in time"), Crowd(raw, mute, 1):
        pass


def test_frames_that_do_not_come_end_the_run(raw: Server) -> None:
    deaf = Tongue("/ws", RAW.steps, b"never")
    with Crowd(raw, deaf, 2) as crowd, pytest.raises(Broken, match="2 of 2 frames did not come"):
        crowd.hear_frames(2, time.time() + 0.05)


def test_a_step_may_be_heard_together_with_the_next(raw: Server) -> None:
    eager = Tongue("/ws", (Step(b"HTTP/1.1 101 "), Step(b"\r\n\r\n", b"hello")), b'"price_update"')
    with Crowd(raw, eager, 1) as crowd:
        crowd.hear_frames(1, time.time() + 5)
    assert crowd.heard.frames == 1


def test_a_server_that_hangs_up_ends_the_run() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(f"http://127.0.0.1:{listener.getsockname()[1]}", 0, 0.0, 0.0)

        def hang_up() -> None:
            accepted, _ = listener.accept()
            with accepted:
                accepted.sendall(upgrade(accepted.recv(1_000)))

        rude = threading.Thread(target=hang_up)
        rude.start()
        with (
            pytest.raises(Broken, match="closed a socket that only watched"),
            Crowd(server, RAW, 1) as crowd,
        ):
            crowd.hear_until(time.time() + 10)
        rude.join()
