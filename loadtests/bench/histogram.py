"""What a Prometheus histogram says about a stretch of time. Pure."""

import re
from collections.abc import Mapping

Buckets = Mapping[float, float]
"""Upper bound -> how many samples did not exceed it, since the process began."""


def buckets(exposition: str, name: str) -> Buckets:
    """Those of a histogram without labels."""
    lines = re.findall(rf'^{name}_bucket{{le="([^"]+)"}} (\S+)$', exposition, re.MULTILINE)
    return {float(bound): float(count) for bound, count in lines}


def within(before: Buckets, after: Buckets, share: float) -> float | None:
    """The least bound that this share of the samples in between did not exceed; None: there were
    none."""
    gained = {bound: after[bound] - before.get(bound, 0.0) for bound in sorted(after)}
    total = max(gained.values(), default=0.0)
    if not total:
        return None
    return next(bound for bound, count in gained.items() if count >= share * total)
