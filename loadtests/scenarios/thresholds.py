"""What is good enough, from a TOML file, and whether a run was: a sentence where it was not. Pure.

wins_min = 20                      # fewer 201 than that, and nothing was tried

[every]                            # holds for each kind of request
failure_share_max = 0.0
p99_ms = 2000

[requests."POST /reservations/book"]
answers = ["201", "SOLD"]          # statuses below 400, codes above; any other is a failure
p95_ms = 250                       # any quantile: p50_ms, p999_ms
count_min = 100
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_QUANTILE: Final = re.compile(r"p(\d+)_ms")
_OK: Final = frozenset({"200", "201", "204", "304", "ok"})
"""The answers that need not be allowed."""


class Unreadable(Exception):
    """The file is none of this form; one sentence."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one kind of request."""

    answers: frozenset[str] = _OK
    quantiles_ms: Mapping[str, float] | None = None
    """By their digits: "95" -> at most so many milliseconds."""
    count_min: int = 0
    failure_share_max: float = 0.0


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The file. Kinds of request go by method and name: `"GET /auctions"`, `"LIVE book"`."""

    wins_min: int
    every: Limits
    requests: Mapping[str, Limits]

    def of(self, name: str) -> Limits:
        """Those of one kind."""
        return self.requests.get(name, self.every)

    def allow(self, name: str, answer: str) -> bool:
        """Whether that answer is no failure."""
        return answer in self.of(name).answers


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen of one kind."""

    count: int
    failures: int
    quantiles_ms: Mapping[str, float]
    """Those that have a limit."""


def read(text: str) -> Thresholds:
    """The file's text. Raises Unreadable."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unreadable(f"thresholds: {error}") from error
    if unknown := found.keys() - {"wins_min", "every", "requests"}:
        raise Unreadable(f"thresholds: {', '.join(sorted(unknown))} is not known")
    every = found.get("every", {})
    return Thresholds(
        found.get("wins_min", 0),
        _limits("every", every),
        {name: _limits(name, every | limits) for name, limits in found.get("requests", {}).items()},
    )


def _limits(where: str, fields: Mapping[str, Any]) -> Limits:
    quantiles = {
        match[1]: float(value)
        for name, value in fields.items()
        if (match := _QUANTILE.fullmatch(name))
    }
    named = {name: value for name, value in fields.items() if not _QUANTILE.fullmatch(name)}
    if unknown := named.keys() - {"answers", "count_min", "failure_share_max"}:
        raise Unreadable(f"thresholds of {where}: {', '.join(sorted(unknown))} is not known")
    answers = frozenset(named.pop("answers", ())) or _OK
    return Limits(answers, quantiles, **named)


def failed(thresholds: Thresholds, measured: Mapping[str, Measured], wins: int) -> Iterator[str]:
    """Every threshold that was not held."""
    if wins < thresholds.wins_min:
        yield f"{wins} seats were won, at least {thresholds.wins_min} expected"
    for name in sorted(thresholds.requests.keys() | measured.keys()):
        seen = measured.get(name, Measured(0, 0, {}))
        yield from (f"{name}: {what}" for what in _failed(thresholds.of(name), seen))


def _failed(limits: Limits, seen: Measured) -> Iterator[str]:
    if seen.count < limits.count_min:
        yield f"{seen.count:,} of them, at least {limits.count_min:,} expected"
    if seen.count and (share := seen.failures / seen.count) > limits.failure_share_max:
        yield (
            f"{seen.failures:,} of {seen.count:,} failed ({share:.2%}), "
            f"at most {limits.failure_share_max:.2%} allowed"
        )
    for digits, most_ms in (limits.quantiles_ms or {}).items():
        if (took_ms := seen.quantiles_ms.get(digits, 0.0)) > most_ms:
            yield f"p{digits} is {took_ms:,.0f} ms, at most {most_ms:,.0f} ms allowed"


def share(digits: str) -> float:
    """ "95" -> 0.95, "999" -> 0.999."""
    return float(f"0.{digits}")
