"""The list of sales as SQL: what it shows, in which order, from where on.

The statements fold the clock in as the domain does: `status` carried on by the schedule, the price
as a pure expression of the row and an instant. Only text of this file becomes SQL; whatever a
client sent is a parameter.

Each filter is left out where it says nothing, so that the planner sees the plain question and can
walk an index: the end of the sale, by default.
"""

import string
from typing import Any, Final

from engine.domain import folding
from engine.domain.auction import Status
from engine.ports.auctions import Filters, Order, Position, Sort

_MS: Final = "interval '1 millisecond'"

_OPEN: Final = "a.status in ('SCHEDULED', 'ACTIVE', 'SOLD') and a.ends_at > {now}"
"""What can be looked forward to, bought or was just missed."""

_FOLDED_STATUS: Final = {
    Status.SCHEDULED: "a.status = 'SCHEDULED' and a.starts_at > {now}",
    Status.ACTIVE: "a.ends_at > {now} and (a.status = 'ACTIVE'"
    " or a.status = 'SCHEDULED' and a.starts_at <= {now})",
    Status.EXPIRED: "a.status = 'EXPIRED'"
    " or a.status in ('SCHEDULED', 'ACTIVE') and a.ends_at <= {now}",
    Status.SOLD: "a.status = 'SOLD'",
    Status.CANCELLED: "a.status = 'CANCELLED'",
}

_KEYS: Final = {
    Sort.START: ("a.starts_at", "timestamptz"),
    Sort.END: ("a.ends_at", "timestamptz"),
    Sort.CLASS: ("a.class_at", "timestamptz"),
}


class _Arguments:
    """A statement's parameters, numbered as they are used: PostgreSQL wants no others."""

    def __init__(self, now_ms: int) -> None:
        self.values: list[Any] = []
        self._now_ms = now_ms
        self._now: str | None = None

    def add(self, value: Any, kind: str) -> str:
        """Its placeholder."""
        self.values.append(value)
        return f"${len(self.values)}::{kind}"

    def now(self) -> str:
        """The placeholder of the asking instant."""
        if self._now is None:
            self._now = self.add(self._now_ms, "timestamptz")
        return self._now

    def dated(self, condition: str) -> str:
        """A condition with the asking instant in it, where it names one."""
        return condition.replace("{now}", self.now()) if "{now}" in condition else condition


def price_at(instant: str) -> str:
    """SQL for the price of row `a` at an instant (SQL of a timestamptz), in minor units.

    The domain's `Auction.price_at`, frozen price and last millisecond included. Counts are
    capped where the floor is reached anyway, so that no product can overflow.
    """
    at = f"least({instant}, a.ends_at - {_MS}, a.frozen_at)"
    turbo_from = (
        "coalesce(a.turbo_started_at,"
        f" greatest(a.starts_at, a.ends_at - a.turbo_trigger_ms * {_MS}))"
    )
    normal = _fallen(at, "a.starts_at", "a.drop_every_ms", "a.drop_amount")
    turbo = _fallen(at, turbo_from, "a.turbo_every_ms", "a.turbo_amount")
    return (
        f"greatest(a.floor_price, a.start_price - {normal}"
        f" - case when a.turbo_amount is null then 0 else {turbo} end)"
    )


def _fallen(at: str, since: str, every_ms: str, amount: str) -> str:
    elapsed_ms = f"extract(epoch from {at} - {since}) * 1000"
    enough = f"(a.start_price - a.floor_price) / {amount} + 1"
    count = f"greatest(0, least(div({elapsed_ms}, {every_ms}), {enough}))::bigint"
    return f"{count} * {amount}"


def pattern_of(word: str) -> str:
    """A regular expression that finds a folded word in a text as it was written.

    Equal to looking for it in the folded text, and many times cheaper: nothing is copied, and
    PostgreSQL compiles it once.
    """
    return "".join(f"{_one_of(letter)}[{folding.MARKS}]*" for letter in word)


def _one_of(letter: str) -> str:
    if letter in folding.VARIANTS:
        return f"[{folding.VARIANTS[letter]}]"
    # What is no letter of ours stands for itself, also where expressions give it a meaning.
    return f"\\{letter}" if letter in string.punctuation else letter


def tail(
    filters: Filters, order: Order, after: Position | None, now_ms: int, limit: int
) -> tuple[str, list[Any]]:
    """Everything behind `from auction a join studio s`, and its arguments."""
    arguments = _Arguments(now_ms)
    wanted = [_statuses(filters, arguments), *_others(filters, arguments)]
    if order.sort is Sort.PRICE:
        as_of_ms = now_ms if after is None else after.as_of_ms
        key, kind = price_at(arguments.add(as_of_ms, "timestamptz")), "bigint"
    else:
        key, kind = _KEYS[order.sort]
    direction, beyond = ("desc", "<") if order.descending else ("asc", ">")
    if after is not None:
        place = f"({arguments.add(after.key, kind)}, {arguments.add(after.id, 'bigint')})"
        wanted.append(f"({key}, a.id) {beyond} {place}")
    where = " and ".join(f"({condition})" for condition in wanted)
    rows = arguments.add(limit, "bigint")
    sql = f"where {where} order by {key} {direction}, a.id {direction} limit {rows}"
    return sql, arguments.values


def _statuses(filters: Filters, arguments: _Arguments) -> str:
    if not filters.statuses:
        return arguments.dated(_OPEN)
    chosen = [
        arguments.dated(condition)
        for status, condition in _FOLDED_STATUS.items()
        if status in filters.statuses
    ]
    if Status.DRAFT in filters.statuses:
        theirs = "true"
        if filters.drafts_of is not None:
            studios = arguments.add(sorted(filters.drafts_of), "bigint[]")
            theirs = f"a.studio_id = any({studios})"
        chosen.append(f"a.status = 'DRAFT' and {theirs}")
    return " or ".join(f"({condition})" for condition in chosen)


def _others(filters: Filters, arguments: _Arguments) -> list[str]:
    wanted = []
    if filters.studio_id is not None:
        wanted.append(f"a.studio_id = {arguments.add(filters.studio_id, 'bigint')}")
    if filters.allowed_gender is not None:
        wanted.append(f"a.allowed_gender = {arguments.add(filters.allowed_gender.value, 'text')}")
    if filters.class_from_ms is not None:
        wanted.append(f"a.class_at >= {arguments.add(filters.class_from_ms, 'timestamptz')}")
    if filters.class_to_ms is not None:
        wanted.append(f"a.class_at <= {arguments.add(filters.class_to_ms, 'timestamptz')}")
    if filters.words:
        patterns = arguments.add([pattern_of(word) for word in filters.words], "text[]")
        wanted.append(f"a.title || ' ' || s.name ~ all({patterns})")
    if filters.price_max is not None:
        wanted.append(
            f"{price_at(arguments.now())} <= {arguments.add(filters.price_max, 'bigint')}"
        )
    return wanted
