"""Money as whole minor units (kuruş, cents): reads and writes decimal text.

Owns the one form in which an amount is written and the largest amount there is. Must never see a
float, round, or guess: an amount that cannot be read exactly is refused with its reason.

The sign is part of the form, so that a negative amount can be refused by the rule that forbids it
(`engine.domain.rules`) instead of as unreadable text.
"""

import re
from decimal import Decimal
from typing import Final, Literal, assert_never

Reason = Literal["format", "precision", "max"]

PLACES: Final = 2
MINOR_PER_MAJOR: Final = 10**PLACES
MAX_MINOR: Final = 9_999_999_999
"""The largest amount, 99,999,999.99, in minor units. It bounds the magnitude, either sign."""

_WHOLE_DIGITS_MAX: Final = len(str(MAX_MINOR)) - PLACES
# JSON's own number, without an exponent: no plus, no spaces, no leading zeros, ASCII digits only.
_WRITTEN: Final = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?")


class MoneyError(ValueError):
    """An amount that is not one of ours.

    `reasons` names everything wrong with it, `reason` is the first: "format" (not a number as we
    write them; alone), "precision" (more than two places as written) and "max" (beyond
    `MAX_MINOR`). `sign` is the sign of the written number (0 for "format" too), so that the rule
    about positive prices can still be judged.
    """

    def __init__(self, *reasons: Reason, sign: int = 0) -> None:
        super().__init__(f"not an amount of money: {', '.join(reasons)}")
        self.reasons = reasons
        self.reason = reasons[0]
        self.sign = sign


def parse_minor(value: str | int | Decimal) -> int:
    """Return the minor units of an amount in major units: "149.90", 150 or Decimal("149.9").

    A JSON number is handed over as int or Decimal, never as float. Places count as written: "1.5"
    and "1.50" are fine, "1.500" is too precise, as text and as Decimal alike. Raises `MoneyError`.
    """
    match value:
        case bool():
            raise MoneyError("format")
        case str():
            return _from_text(value)
        case int():
            return _from_int(value)
        case Decimal():
            return _from_decimal(value)
        case _:  # a float is a mistake of the caller, not of the client
            assert_never(value)


def format_minor(minor: int) -> str:
    """Write minor units with two places: 14990 is "149.90", -5 is "-0.05"."""
    sign = "-" if minor < 0 else ""
    major, rest = divmod(abs(minor), MINOR_PER_MAJOR)
    return f"{sign}{major}.{rest:0{PLACES}}"


def _from_text(text: str) -> int:
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise MoneyError("format")
    minus, whole, fraction = written.group(1), written.group(2), written.group(3) or ""
    sign = -1 if minus else 1
    # Lengths are compared before any number is built: the text may be a megabyte of digits.
    reasons: list[Reason] = []
    if len(fraction) > PLACES:
        reasons.append("precision")
    if len(whole) > _WHOLE_DIGITS_MAX:
        reasons.append("max")
    if reasons:
        is_zero = whole == "0" and not fraction.strip("0")
        raise MoneyError(*reasons, sign=0 if is_zero else sign)
    return sign * int(whole + fraction.ljust(PLACES, "0"))


def _from_int(major: int) -> int:
    if abs(major) > MAX_MINOR // MINOR_PER_MAJOR:
        raise MoneyError("max", sign=1 if major > 0 else -1)
    return major * MINOR_PER_MAJOR


def _from_decimal(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):  # NaN and the infinities
        raise MoneyError("format")
    # The exponent is looked at before the number is written out: 1E+999999 is six bytes of JSON.
    reasons: list[Reason] = []
    if exponent < -PLACES:
        reasons.append("precision")
    if number and number.adjusted() >= _WHOLE_DIGITS_MAX:
        reasons.append("max")
    if reasons:
        raise MoneyError(*reasons, sign=(number > 0) - (number < 0))
    return int(number * MINOR_PER_MAJOR)
