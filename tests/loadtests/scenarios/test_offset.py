"""The server's clock, from pings."""

from loadtests.scenarios.offset import Exchange, Offset

AHEAD_MS = 5_000.0


def exchange(there_ms: float, back_ms: float, thinking_ms: float = 0.0) -> Exchange:
    received_ms = 100.0 + there_ms + AHEAD_MS
    answered_ms = received_ms + thinking_ms
    return Exchange(100.0, received_ms, answered_ms, answered_ms - AHEAD_MS + back_ms)


def test_equal_ways_give_the_offset_exactly() -> None:
    assert exchange(3, 3, thinking_ms=50).offset_ms == AHEAD_MS
    assert exchange(3, 3, thinking_ms=50).took_ms == 6


def test_the_quickest_exchange_counts() -> None:
    offset = Offset()
    for each in (exchange(40, 2), exchange(1, 1), exchange(2, 90)):
        offset.learn(each)
    assert offset.server_ms(10.0) == AHEAD_MS + 10.0
