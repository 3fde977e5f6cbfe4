"""From what staff ask for to a draft: amounts read exactly, defaults filled in, rules judged.

Pure. What was not said takes its default when a sale is entered and stays as it was when it is
edited; what was said is never rewritten. All rules that do not hold are reported at once, those
found while an amount is read among them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, TypeVar

from engine.domain import rules
from engine.domain.auction import AllowedGender, Auction
from engine.domain.money import MoneyError, parse_minor
from engine.domain.rules import Broken
from engine.domain.terms import Terms, TurboTerms
from engine.errors import FieldError, Invalid, RuleBroken
from engine.ports.auctions import Draft

_HOUR_MS: Final = 3_600_000
_SECOND_MS: Final = 1_000
DROP_EVERY_MS: Final = _HOUR_MS
TURBO_TRIGGER_MS: Final = 2 * _HOUR_MS
"""Unless the window is shorter."""
TURBO_EVERY_MS: Final = 600_000
"""Unless the interval is not longer than that: then a second less than it."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The fields of a request; None: not said. Amounts in major units, durations in ms."""

    title: str | None = None
    description: str | None = None
    allowed_gender: AllowedGender | None = None
    start_price: Decimal | None = None
    floor_price: Decimal | None = None
    drop_amount: Decimal | None = None
    drop_every_ms: int | None = None
    starts_at_ms: int | None = None
    ends_at_ms: int | None = None
    class_at_ms: int | None = None
    seats: int | None = None
    turbo_enabled: bool | None = None
    turbo_drop_amount: Decimal | None = None
    turbo_trigger_ms: int | None = None
    turbo_every_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A draft that nobody has judged yet. Where an amount is misread its sign stands in."""

    draft: Draft
    misread: tuple[Broken, ...] = ()

    def must_hold(self, now_ms: int) -> Draft:
        """The draft, if no rule is broken. Raises RuleBroken."""
        broken = rules.broken(self.draft.terms, now_ms, self.misread)
        if broken:
            raise RuleBroken(tuple(FieldError(each.field, each.code) for each in broken))
        return self.draft


def entered(asked: Asked) -> Proposal:
    """A new sale. Raises Invalid for what a sale cannot be without."""
    amounts = Amounts()
    starts_at_ms = _needed("start_time", asked.starts_at_ms)
    ends_at_ms = _needed("end_time", asked.ends_at_ms)
    terms = Terms(
        start_price=amounts.read("start_price", _needed("start_price", asked.start_price)),
        floor_price=amounts.read("floor_price", _needed("floor_price", asked.floor_price)),
        drop_amount=amounts.read("drop_amount", _needed("drop_amount", asked.drop_amount)),
        drop_every_ms=_said(asked.drop_every_ms, DROP_EVERY_MS),
        starts_at_ms=starts_at_ms,
        ends_at_ms=ends_at_ms,
        class_at_ms=_said(asked.class_at_ms, ends_at_ms),
        seats=_said(asked.seats, 1),
        turbo=None,
    )
    draft = Draft(
        title=_needed("title", asked.title),
        description=_said(asked.description, ""),
        allowed_gender=_said(asked.allowed_gender, AllowedGender.ANY),
        terms=replace(terms, turbo=_turbo(asked, terms, amounts)),
    )
    return Proposal(draft, amounts.misread)


def edited(asked: Asked, auction: Auction) -> Proposal:
    """A sale with what was said changed. Raises Invalid where turbo is not whole."""
    amounts, was = Amounts(), auction.terms
    terms = Terms(
        start_price=amounts.read("start_price", asked.start_price, was.start_price),
        floor_price=amounts.read("floor_price", asked.floor_price, was.floor_price),
        drop_amount=amounts.read("drop_amount", asked.drop_amount, was.drop_amount),
        drop_every_ms=_said(asked.drop_every_ms, was.drop_every_ms),
        starts_at_ms=_said(asked.starts_at_ms, was.starts_at_ms),
        ends_at_ms=_said(asked.ends_at_ms, was.ends_at_ms),
        class_at_ms=_said(asked.class_at_ms, was.class_at_ms),
        seats=_said(asked.seats, was.seats),
        turbo=was.turbo,
    )
    draft = Draft(
        title=_said(asked.title, auction.title),
        description=_said(asked.description, auction.description),
        allowed_gender=_said(asked.allowed_gender, auction.allowed_gender),
        terms=replace(terms, turbo=_turbo(asked, terms, amounts)),
    )
    return Proposal(draft, amounts.misread)


def copied(auction: Auction) -> Draft:
    """The same again, as a draft of its own: hours and all, for staff to move."""
    return Draft(
        title=auction.title,
        description=auction.description,
        allowed_gender=auction.allowed_gender,
        terms=auction.terms,
    )


class Amounts:
    """Reads amounts, and remembers the rules that their spelling breaks."""

    def __init__(self) -> None:
        self.misread: tuple[Broken, ...] = ()

    def read(self, field: str, amount: Decimal | None, otherwise: int = 0) -> int:
        """Minor units; of an amount that cannot be read exactly its sign."""
        if amount is None:
            return otherwise
        try:
            return parse_minor(amount)
        except MoneyError as error:
            broken = rules.misread_amount(field, error)
            if not broken:
                raise Invalid(errors=(FieldError(field, "FORMAT"),)) from error
            self.misread += broken
            return error.sign


def _turbo(asked: Asked, terms: Terms, amounts: Amounts) -> TurboTerms | None:
    """Turbo as asked for; `terms` are the sale's, with the turbo it had."""
    was = terms.turbo
    said: Mapping[str, object] = {
        "turbo_drop_amount": asked.turbo_drop_amount,
        "turbo_trigger_secs": asked.turbo_trigger_ms,
        "turbo_interval_secs": asked.turbo_every_ms,
    }
    if not _said(asked.turbo_enabled, was is not None):
        needless = [field for field, value in said.items() if value is not None]
        if needless:
            # Dropping them in silence would lose what somebody entered.
            raise Invalid(
                "Turbo is not enabled.", tuple(FieldError(field, "UNKNOWN") for field in needless)
            )
        return None
    if was is None:
        _needed("turbo_drop_amount", asked.turbo_drop_amount)
        was = TurboTerms(
            amount=0,
            trigger_ms=min(TURBO_TRIGGER_MS, terms.window_ms // _SECOND_MS * _SECOND_MS),
            every_ms=min(TURBO_EVERY_MS, terms.drop_every_ms - _SECOND_MS),
        )
    return TurboTerms(
        amount=amounts.read("turbo_drop_amount", asked.turbo_drop_amount, was.amount),
        trigger_ms=_said(asked.turbo_trigger_ms, was.trigger_ms),
        every_ms=_said(asked.turbo_every_ms, was.every_ms),
    )


def _said(value: T | None, otherwise: T) -> T:
    return otherwise if value is None else value


def _needed(field: str, value: T | None) -> T:
    if value is None:
        raise Invalid(errors=(FieldError(field, "REQUIRED"),))
    return value
