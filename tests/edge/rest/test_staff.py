"""Whose things a caller may act for."""

import pytest

from edge.rest.staff import staff_of
from edge.routing import Principal
from engine.ports.studios import Staff


def principal(role: str, studio_id: int | None) -> Principal:
    return Principal(5, role, studio_id, None, True, "session", 0)


@pytest.mark.parametrize(
    ("caller", "staff"),
    [
        (None, None),
        (principal("customer", None), None),
        (principal("desk", 7), None),
        (principal("studio_admin", 7), Staff(5, 7)),
        (principal("studio_admin", None), Staff(5, None)),
        (principal("platform_admin", None), Staff(5, None, platform=True)),
    ],
)
def test_only_a_studios_admin_and_the_platforms_are_staff(
    caller: Principal | None, staff: Staff | None
) -> None:
    assert staff_of(caller) == staff
