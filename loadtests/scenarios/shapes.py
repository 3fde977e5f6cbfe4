"""How many guests there are when. Pure: a shape is a function of the time since the start.

`rush`: all come early, and stand before the same sale when it opens. `spike`: a few, for a third of
the time all, then a few again. `soak`: the same number for as long as you like.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

ENDLESS_S: Final = 60.0
"""What a run without an end takes for its length: a spike every minute."""
_SPIKE_S: Final = 2.0
_FEW: Final = 5


@dataclass(frozen=True, slots=True)
class Stage:
    """So many guests, who come or go so many a second."""

    guests: int
    per_s: float


Shape = Callable[[float, int, float], Stage]
"""(seconds since the start, guests at most, length of the run in seconds) -> stage."""


def rush(_: float, guests: int, run_s: float) -> Stage:
    """All within the first sixth."""
    return Stage(guests, max(1.0, guests / (run_s / 6)))


def spike(elapsed_s: float, guests: int, run_s: float) -> Stage:
    """A fifth of them, but in the middle third all, within two seconds."""
    within_s = elapsed_s % run_s
    at_once = max(1.0, guests / _SPIKE_S)
    if run_s / 3 <= within_s < run_s * 2 / 3:
        return Stage(guests, at_once)
    return Stage(max(1, guests // _FEW), at_once)


def soak(_: float, guests: int, run_s: float) -> Stage:
    """All within the first third, then on and on."""
    return Stage(guests, max(1.0, guests / (run_s / 3)))


SHAPES: Final[Mapping[str, Shape]] = {"rush": rush, "spike": spike, "soak": soak}


def stage(name: str, elapsed_s: float, guests: int, run_s: float | None) -> Stage | None:
    """What a run is at after so long; None: at its end. `run_s` None: there is none."""
    if run_s is not None and elapsed_s >= run_s:
        return None
    return SHAPES[name](elapsed_s, guests, run_s or ENDLESS_S)
