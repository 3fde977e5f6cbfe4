"""How late frames came: a bounded sample of the newest, and its quantiles."""

from collections import deque
from typing import Final

SAMPLE_MAX: Final = 2_000
"""Frames remembered; the oldest go."""


class Lateness:
    """Milliseconds between an instant and the arrival of the frame that tells of it."""

    def __init__(self) -> None:
        self._sample: deque[float] = deque(maxlen=SAMPLE_MAX)

    def __len__(self) -> int:
        return len(self._sample)

    def add(self, late_ms: float) -> None:
        """One frame more. Clocks are compared to a millisecond, so a frame may seem early: 0."""
        self._sample.append(max(0.0, late_ms))

    def quantiles(self, *parts: float) -> tuple[float, ...] | None:
        """What these parts (0 to 1) of the frames did not exceed; None before the first frame."""
        if not self._sample:
            return None
        ordered = sorted(self._sample)
        last = len(ordered) - 1
        return tuple(ordered[min(last, int(part * len(ordered)))] for part in parts)
