"""What a handler may ask of a call."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from edge.routing import Call, Principal


def somebody(role: str) -> Principal:
    return Principal(7, role, None, None, True, "session", 0)


def call(principal: Principal | None) -> Call:
    headers = CIMultiDictProxy(CIMultiDict[str]())
    return Call(principal, {}, None, None, headers, "tr", "request-1", None, "127.0.0.1")


@pytest.mark.parametrize(
    ("role", "staff"),
    [("customer", False), ("desk", False), ("studio_admin", True), ("platform_admin", True)],
)
def test_staff_are_the_two_who_run_a_studio(role: str, staff: bool) -> None:
    assert somebody(role).is_staff is staff


def test_the_user_of_a_call_is_who_signed_in() -> None:
    principal = somebody("customer")
    assert call(principal).user is principal


def test_nobody_is_never_taken_for_a_user() -> None:
    with pytest.raises(AssertionError, match="demands a token"):
        _ = call(None).user
