"""What the studio puts on sale during a run: waves of three sales each, always the same way. Pure.

The first sale of a wave is the one to rush for: its price falls for the first time at the same
instant for everybody who waits, and it has few seats.
"""

from dataclasses import dataclass
from typing import Any, Final

from loadtests.scenarios.schedule import instant

WAVE_EVERY_S: Final = 10.0
NOTICE_MS: Final = 2_000
"""From a sale's publication to its start."""
_CLASS_AFTER_END_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class _Kind:
    title: str
    guests_a_seat: int
    """One seat for so many of all the guests, and at least one."""
    after_ms: int
    lasts_ms: int
    drop_s: int
    turbo: bool


_KINDS: Final = (
    _Kind("Vinyasa", 40, after_ms=0, lasts_ms=24_000, drop_s=3, turbo=False),
    _Kind("Reformer", 20, after_ms=1_000, lasts_ms=24_000, drop_s=2, turbo=True),
    _Kind("Boks", 10, after_ms=2_500, lasts_ms=30_000, drop_s=4, turbo=False),
)


def wave(number: int, guests: int, now_ms: int) -> list[dict[str, Any]]:
    """Bodies for POST /auctions/, of sales whose starts lie ahead."""
    return [_sale(kind, f"{kind.title} {number}", guests, now_ms) for kind in _KINDS]


def _sale(kind: _Kind, title: str, guests: int, now_ms: int) -> dict[str, Any]:
    starts_ms = now_ms + NOTICE_MS + kind.after_ms
    ends_ms = starts_ms + kind.lasts_ms
    body: dict[str, Any] = {
        "title": title,
        "allowed_gender": "ANY",
        "start_price": "400.00",
        "floor_price": "50.00",
        "drop_amount": "25.00",
        "drop_interval_secs": kind.drop_s,
        "start_time": instant(starts_ms),
        "end_time": instant(ends_ms),
        "scheduled_at": instant(ends_ms + _CLASS_AFTER_END_MS),
        "seats": min(500, max(1, guests // kind.guests_a_seat)),
    }
    if kind.turbo:
        body |= {
            "turbo_enabled": True,
            "turbo_drop_amount": "10.00",
            "turbo_trigger_secs": kind.lasts_ms // 2_000,
            "turbo_interval_secs": 1,
        }
    return body
