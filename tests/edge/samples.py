"""One of each error, as the engine raises them."""

from collections.abc import Iterator

from engine import errors
from engine.errors import FieldError, HotHourError

SOLD_AT_MS = 1_772_390_400_000  # 2026-03-01T18:40:00Z


def leaves(root: type[HotHourError] = HotHourError) -> Iterator[type[HotHourError]]:
    """Every class of engine/errors.py that has a code of its own."""
    for child in root.__subclasses__():
        if child.__module__ == errors.__name__:
            if "code" in vars(child):
                yield child
            yield from leaves(child)


def _sample(error: type[HotHourError]) -> HotHourError:
    match error:
        case errors.RuleBroken:
            return errors.RuleBroken((FieldError("floor_price", "RULE_FLOOR_BELOW_START"),))
        case errors.Sold:
            return errors.Sold(sold_at_ms=SOLD_AT_MS, accepted_at_ms=SOLD_AT_MS + 12)
        case errors.AlreadyYours:
            return errors.AlreadyYours(41)
        case errors.PriceAboveMax:
            return errors.PriceAboveMax(price=14_990, currency="TRY", revision=3, step=2)
        case errors.RateLimited:
            return errors.RateLimited(retry_after_ms=1_200)
        case _:
            return error()


SAMPLES = {leaf.code: _sample(leaf) for leaf in leaves()}
CODES_OF_ERRORS = set(SAMPLES)
