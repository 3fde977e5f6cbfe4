"""The error tree: one fixed code a leaf."""

from collections.abc import Iterator

import pytest

from engine import errors
from engine.errors import HotHourError, Refused, Unable


def leaves(kind: type[HotHourError] = HotHourError) -> Iterator[type[HotHourError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from leaves(child)
            if "code" in vars(child):
                yield child


def test_every_leaf_has_a_code_of_its_own() -> None:
    codes = [leaf.code for leaf in leaves()]
    assert len(codes) == len(set(codes)) > 30


def test_what_can_be_tried_again_is_told_by_the_branch_it_stands_on() -> None:
    for leaf in leaves():
        assert issubclass(leaf, Refused | Unable)
        assert leaf.retryable == (issubclass(leaf, Unable) or leaf is errors.RateLimited)


def test_a_leafs_first_line_is_its_sentence_unless_another_is_given() -> None:
    assert errors.Busy().detail == "Too busy now; nothing was done."
    assert str(errors.TooLate("The class has begun.")) == "The class has begun."


@pytest.mark.parametrize(
    ("error", "members"),
    [
        (errors.Busy(retry_after_ms=7), {"retry_after_ms": 7}),
        (errors.RateLimited(retry_after_ms=9), {"retry_after_ms": 9}),
        (errors.AlreadyYours(5), {"reservation_id": 5}),
        (errors.NotFound(), {}),
        (
            errors.Sold(sold_at_ms=10, accepted_at_ms=4),
            {"sold_at": 10, "late_by_ms": 0, "accepted_at": 4},
        ),
        (
            errors.PriceAboveMax(price=1, currency="TRY", revision=2, step=3),
            {"current_price": 1, "currency": "TRY", "revision": 2, "step": 3},
        ),
    ],
)
def test_members_are_the_codes_own_fields(error: HotHourError, members: dict[str, object]) -> None:
    assert error.members == members


def test_the_first_broken_rule_speaks_for_all() -> None:
    broken = (errors.FieldError("a", "RULE_A", "first"), errors.FieldError("b", "RULE_B"))
    error = errors.RuleBroken(broken)
    assert (error.detail, error.errors) == ("first", broken)
    assert errors.TransitionRefused(field="seats").errors[0].field == "seats"
    assert errors.TransitionRefused().errors == ()
    assert errors.Invalid(errors=broken).errors == broken
