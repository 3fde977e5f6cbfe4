"""What a delivery costs, apart from what a server does anyway."""

import os

import pytest

from loadtests.bench.beside import raw_sends
from loadtests.bench.crowd import Crowd, Step, Tongue
from loadtests.bench.deliveries import Told, deliveries, next_due_s, rest, together
from loadtests.bench.figures import Broken
from loadtests.bench.machine import Spell, Use

EVERY_MS = 100
RAW = Tongue("/ws", (Step(b"\r\n\r\n"),), b"price")


def told(busy_s: float, quiet_s: float, frames: int = 1_000) -> Told:
    server = Spell("server", 2.0, Use(busy_s, 0.0))
    return Told(frames, 0, (1.0,), server, server, Spell("server", 8.0, Use(quiet_s, 0.0)))


def test_what_the_server_does_anyway_is_taken_off() -> None:
    assert told(0.5, 0.0).cpu_us == pytest.approx(500)
    assert told(0.5, 0.4).cpu_us == pytest.approx(400)


def test_what_is_not_known_is_not_made_up() -> None:
    unknown = Spell("server", 1.0, None)
    assert Told(1, 0, (1.0,), unknown, unknown, unknown).cpu_us is None
    assert told(0.5, 0.4, frames=0).cpu_us is None


def test_deliveries_are_due_at_whole_multiples() -> None:
    assert next_due_s(10.0, 250) == 10.25
    assert next_due_s(10.249, 250) == 10.25
    assert next_due_s(10.1, 4_000) == 12.0


def test_spells_add_up() -> None:
    spells = [Spell("server", 1.0, Use(0.5, 0.1)), Spell("server", 2.0, Use(1.0, 0.2))]
    both = together(spells)
    assert (both.who, both.wall_s) == ("server", 3.0)
    assert both.used is not None
    assert (both.used.cpu_s, both.used.waited_s) == pytest.approx((1.5, 0.3))
    assert together([*spells, Spell("server", 1.0, None)]).used is None


async def test_everybody_hears_each_delivery_once() -> None:
    async with raw_sends(EVERY_MS, '{"type":"price"}') as server:
        with Crowd(server, RAW, 20) as crowd:
            heard = deliveries(crowd, 3, EVERY_MS)
        rest(server.pid)
    assert heard.frames == 60
    assert heard.bytes == 60 * 18
    assert len(heard.last_ms) == 3
    assert all(0 < ms < EVERY_MS for ms in heard.last_ms)


def test_a_process_that_works_is_not_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    busy_s = iter(range(1_000))
    monkeypatch.setattr("loadtests.bench.deliveries.cpu_s", lambda _: float(next(busy_s)))
    with pytest.raises(Broken, match="did not come to rest within 0 s"):
        rest(os.getpid(), within_s=0.0)
