"""What the studios sell: classes, and auctions of their last seats short enough to be watched.

Pure: everything comes from a random source that is handed in. What an offer says is the body of
`POST /auctions/`, no more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from edge.demo.api import Fields
from edge.demo.people import ZONE
from edge.wire.base import parse_instant
from engine.domain.money import format_minor
from engine.frames import instant

Body = dict[str, Any]

LIRA: Final = 100
"""Minor units."""
WINDOW_S: Final = (60, 180)
DROP_EVERY_S: Final = (2, 5)
TURBO_LAST_S: Final = (20, 40)
PLANNED_WINDOW_S: Final = 60
"""The planner likes a dozen drops in a sale: in this window they come every five seconds."""
PLANNED_PART: Final = 0.25
TURBO_PART: Final = 0.8

_SEATS: Final = (1, 1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 12)
_FLOOR_PERCENT: Final = (45, 60)
_NORMAL_PART: Final = 0.6
_ROUND: Final = LIRA // 2
_EVENING: Final = (time(18), time(21, 30))
_HALF_HOUR: Final = timedelta(minutes=30)
_PLAN_FIELDS: Final = (
    "start_price",
    "floor_price",
    "start_time",
    "end_time",
    "turbo_enabled",
    "turbo_trigger_secs",
)
_PLANNED_FIELDS: Final = (
    "drop_amount",
    "drop_interval_secs",
    "turbo_drop_amount",
    "turbo_interval_secs",
)


@dataclass(frozen=True, slots=True)
class Lesson:
    """A class. `lira`: from and to which start price; `seats_max`: how many it has at most."""

    title: str
    text: str
    lira: tuple[int, int]
    seats_max: int = 12
    women_only: bool = False


LESSONS: Final[Mapping[str, Sequence[Lesson]]] = {
    "moda": (
        Lesson("Vinyasa Yoga", "Nefesle akan, orta tempolu bir akış.", (420, 560)),
        Lesson("Yin Yoga", "Uzun duruşlar, derin esneme.", (380, 500)),
        Lesson("Hamile Yogası", "Anne adaylarına özel.", (450, 560), 6, women_only=True),
        Lesson("Nefes & Meditasyon", "Günün yükünü bırakın.", (300, 420)),
    ),
    "besiktas": (
        Lesson("Pilates Reformer", "Aletli, küçük grup.", (700, 950), 5),
        Lesson("Birebir Reformer", "Eğitmenle baş başa.", (1_200, 1_600), 1),
        Lesson("Mat Pilates", "Aletsiz, tüm beden.", (380, 520)),
        Lesson("Barre", "Bale barında güç ve duruş.", (480, 620), 8, women_only=True),
    ),
    "alsancak": (
        Lesson("Salsa", "Partner gerekmez.", (320, 460)),
        Lesson("Bachata", "Temel adımlardan sosyal dansa.", (320, 460)),
        Lesson("Zumba", "Kadınlara özel, yüksek tempo.", (280, 400), women_only=True),
        Lesson("Tango", "İlk adım, ilk sarılış.", (400, 540), 8),
    ),
    "kavaklidere": (
        Lesson("Hamam & Nefes", "Sıcak mermer, yavaş nefes.", (900, 1_250), 4),
        Lesson("Kese & Köpük", "Geleneksel kese, bol köpük.", (800, 1_100), 2),
        Lesson("Kadınlar Hamamı", "Kadınlara özel akşam.", (600, 850), 10, women_only=True),
        Lesson("Ses Banyosu", "Çanaklar, gong, sessizlik.", (450, 600)),
    ),
}
"""By the key of the house."""


def offer(rng: Random, house: str, starts_ms: int, window_s_max: int = WINDOW_S[1]) -> Body:
    """One more auction of a house, from `starts_ms` on. Where the plan is to say how the price
    falls (`is_planned`), the drops are left out."""
    lesson = rng.choice(LESSONS[house])
    planned = rng.random() < PLANNED_PART
    window_s = PLANNED_WINDOW_S if planned else rng.randrange(WINDOW_S[0], window_s_max + 1, 10)
    ends_ms = starts_ms + window_s * 1_000
    start = rng.randrange(lesson.lira[0], lesson.lira[1] + 1, 10) * LIRA
    floor = start * rng.randint(*_FLOOR_PERCENT) // 100 // (10 * LIRA) * 10 * LIRA
    turbo_s = rng.randint(*TURBO_LAST_S) if rng.random() < TURBO_PART else None
    drops = {} if planned else _drops(rng, start - floor, window_s, turbo_s)
    turbo = {} if turbo_s is None else {"turbo_trigger_secs": turbo_s}
    return {
        "title": lesson.title,
        "description": lesson.text,
        "allowed_gender": "FEMALE" if lesson.women_only else "ANY",
        "start_price": format_minor(start),
        "floor_price": format_minor(floor),
        "start_time": instant(starts_ms),
        "end_time": instant(ends_ms),
        "scheduled_at": instant(class_at_ms(rng, ends_ms)),
        "seats": min(lesson.seats_max, rng.choice(_SEATS)),
        "turbo_enabled": turbo_s is not None,
        **turbo,
        **drops,
    }


def is_short(row: Fields) -> bool:
    """Could this auction be one of ours? People enter longer ones."""
    window_ms = parse_instant(row["end_time"]) - parse_instant(row["start_time"])
    return window_ms <= WINDOW_S[1] * 1_000


def is_planned(body: Body) -> bool:
    """Does this offer still need a plan?"""
    return "drop_amount" not in body


def plan_of(body: Body) -> Body:
    """What to ask `POST /auctions/plan` for."""
    return {name: body[name] for name in _PLAN_FIELDS if name in body}


def with_plan(body: Body, plan: Body) -> Body:
    """The offer with the drops of its plan."""
    return {**body, **{name: plan[name] for name in _PLANNED_FIELDS if plan[name] is not None}}


def class_at_ms(rng: Random, ends_ms: int) -> int:
    """When the class is: on the evening of the sale, where it is; after it, as the evening ends."""
    ends = datetime.fromtimestamp(ends_ms / 1_000, tz=UTC).astimezone(ZoneInfo(ZONE))
    first = datetime.combine(ends.date(), _EVENING[0], ends.tzinfo)
    last = datetime.combine(ends.date(), _EVENING[1], ends.tzinfo)
    slots = [first + n * _HALF_HOUR for n in range((last - first) // _HALF_HOUR + 1)]
    ahead = [slot for slot in slots if slot - ends >= _HALF_HOUR]
    at = rng.choice(ahead) if ahead else _next_half_hour(ends + _HALF_HOUR)
    return int(at.timestamp()) * 1_000


def _next_half_hour(at: datetime) -> datetime:
    whole = at.replace(minute=0, second=0, microsecond=0)
    while whole < at:
        whole += _HALF_HOUR
    return whole


def _drops(rng: Random, spread: int, window_s: int, turbo_s: int | None) -> Body:
    """Drops that come near the floor towards the end: most of the way by themselves, the rest by
    turbo."""
    every_s = rng.randint(*DROP_EVERY_S)
    count = (window_s - 1) // every_s
    part = 1.0 if turbo_s is None else _NORMAL_PART
    amount = max(_ROUND, int(spread * part) // count // _ROUND * _ROUND)
    drops: Body = {"drop_amount": format_minor(amount), "drop_interval_secs": every_s}
    if turbo_s is not None:
        turbo_every_s = rng.randint(1, every_s - 1)
        left = max(_ROUND, spread - amount * count)
        turbo_count = (turbo_s - 1) // turbo_every_s
        turbo_amount = -(-left // turbo_count // _ROUND) * _ROUND
        drops["turbo_drop_amount"] = format_minor(turbo_amount)
        drops["turbo_interval_secs"] = turbo_every_s
    return drops
