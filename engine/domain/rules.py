"""What makes an auction valid: every rule of the product with its fixed code.

The codes are a contract with clients and their order is one too: an answer lists all broken rules
in it and is named after the first. Words for humans are the edge's. Each rule is judged by itself,
so that one mistake never hides another. Must never mend terms: it only says what is wrong.

Two codes are found where an amount is read (`engine.domain.money`), before there are terms to
judge; they are declared here for their place in the order.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from engine.domain.money import MoneyError
from engine.domain.terms import Terms

RULE_PRICE_POSITIVE: Final = "RULE_PRICE_POSITIVE"
RULE_PRICE_PRECISION: Final = "RULE_PRICE_PRECISION"
RULE_PRICE_MAX: Final = "RULE_PRICE_MAX"
RULE_FLOOR_BELOW_START: Final = "RULE_FLOOR_BELOW_START"
RULE_DROP_RANGE: Final = "RULE_DROP_RANGE"
RULE_WINDOW_ORDER: Final = "RULE_WINDOW_ORDER"
RULE_END_IN_FUTURE: Final = "RULE_END_IN_FUTURE"
RULE_INTERVAL_RANGE: Final = "RULE_INTERVAL_RANGE"
RULE_CLASS_AFTER_END: Final = "RULE_CLASS_AFTER_END"
RULE_TURBO_DROP_RANGE: Final = "RULE_TURBO_DROP_RANGE"
RULE_TURBO_INTERVAL: Final = "RULE_TURBO_INTERVAL"
RULE_TURBO_TRIGGER: Final = "RULE_TURBO_TRIGGER"

TURBO_DROP_LARGE: Final = "TURBO_DROP_LARGE"
"""A warning: turbo takes more off at once than a normal drop. Accepted as it was asked for."""

ORDER: Final[tuple[str, ...]] = (
    RULE_PRICE_POSITIVE,
    RULE_PRICE_PRECISION,
    RULE_PRICE_MAX,
    RULE_FLOOR_BELOW_START,
    RULE_DROP_RANGE,
    RULE_WINDOW_ORDER,
    RULE_END_IN_FUTURE,
    RULE_INTERVAL_RANGE,
    RULE_CLASS_AFTER_END,
    RULE_TURBO_DROP_RANGE,
    RULE_TURBO_INTERVAL,
    RULE_TURBO_TRIGGER,
)


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that does not hold, and the field of the request that the client should look at."""

    code: str
    field: str


def broken(terms: Terms, now_ms: int, misread: Iterable[Broken] = ()) -> tuple[Broken, ...]:
    """Return all broken rules in the order of the codes, together with those of `misread`.

    `misread` are amounts that could not be read exactly (see `misread_amount`). In the terms the
    sign of such an amount (`MoneyError.sign`) stands in for it: whether it is positive is still
    judged, but rules that compare it with another amount are left out, as nobody knows.
    """
    unread = tuple(misread)
    unknown = {each.field for each in unread}
    found = [
        Broken(rule.code, rule.field)
        for rule in _RULES
        if unknown.isdisjoint(rule.compares) and not rule.holds(terms, now_ms)
    ]
    return in_order((*unread, *found))


def warnings(terms: Terms) -> tuple[str, ...]:
    """Return the codes of what is allowed but probably not meant."""
    if terms.turbo is not None and terms.turbo.amount > terms.drop_amount:
        return (TURBO_DROP_LARGE,)
    return ()


def misread_amount(field: str, error: MoneyError) -> tuple[Broken, ...]:
    """Return the rules an unreadable amount breaks; none for text that is no amount at all."""
    codes = {"precision": RULE_PRICE_PRECISION, "max": RULE_PRICE_MAX}
    return tuple(Broken(codes[reason], field) for reason in error.reasons if reason in codes)


def in_order(brokens: Iterable[Broken]) -> tuple[Broken, ...]:
    """Sort by the order of the codes, each (code, field) once; equal codes keep their order."""
    return tuple(sorted(dict.fromkeys(brokens), key=lambda each: ORDER.index(each.code)))


@dataclass(frozen=True, slots=True)
class _Rule:
    code: str
    field: str
    holds: Callable[[Terms, int], bool]
    compares: frozenset[str] = frozenset()
    """The amounts whose exact value it needs."""


_SPREAD: Final = frozenset({"start_price", "floor_price"})

_RULES: Final[tuple[_Rule, ...]] = (
    _Rule(RULE_PRICE_POSITIVE, "start_price", lambda terms, _: terms.start_price > 0),
    _Rule(RULE_PRICE_POSITIVE, "floor_price", lambda terms, _: terms.floor_price > 0),
    _Rule(RULE_PRICE_POSITIVE, "drop_amount", lambda terms, _: terms.drop_amount > 0),
    _Rule(
        RULE_PRICE_POSITIVE,
        "turbo_drop_amount",
        lambda terms, _: terms.turbo is None or terms.turbo.amount > 0,
    ),
    _Rule(
        RULE_FLOOR_BELOW_START,
        "floor_price",
        lambda terms, _: terms.floor_price < terms.start_price,
        _SPREAD,
    ),
    _Rule(
        RULE_DROP_RANGE,
        "drop_amount",
        lambda terms, _: terms.drop_amount <= terms.spread,
        _SPREAD | {"drop_amount"},
    ),
    _Rule(RULE_WINDOW_ORDER, "end_time", lambda terms, _: terms.starts_at_ms < terms.ends_at_ms),
    _Rule(RULE_END_IN_FUTURE, "end_time", lambda terms, now_ms: now_ms < terms.ends_at_ms),
    _Rule(
        RULE_INTERVAL_RANGE,
        "drop_interval_secs",
        lambda terms, _: 0 < terms.drop_every_ms <= terms.window_ms,
    ),
    _Rule(
        RULE_CLASS_AFTER_END,
        "scheduled_at",
        lambda terms, _: terms.class_at_ms >= terms.ends_at_ms,
    ),
    _Rule(
        RULE_TURBO_DROP_RANGE,
        "turbo_drop_amount",
        lambda terms, _: terms.turbo is None or 0 < terms.turbo.amount <= terms.spread,
        _SPREAD | {"turbo_drop_amount"},
    ),
    _Rule(
        RULE_TURBO_INTERVAL,
        "turbo_interval_secs",
        lambda terms, _: terms.turbo is None or 0 < terms.turbo.every_ms < terms.drop_every_ms,
    ),
    _Rule(
        RULE_TURBO_TRIGGER,
        "turbo_trigger_secs",
        lambda terms, _: terms.turbo is None or 0 < terms.turbo.trigger_ms <= terms.window_ms,
    ),
)
