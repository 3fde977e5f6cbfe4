"""Whose things a caller may act for, from the token to the engine's `Staff`."""

from edge.routing import Call, Principal
from engine.ports.studios import Staff


def staff_of(principal: Principal | None) -> Staff | None:
    """The caller as staff; None for everybody else."""
    if principal is None or not principal.is_staff:
        return None
    platform = principal.role == "platform_admin"
    return Staff(principal.user_id, None if platform else principal.studio_id, platform)


def the_staff(call: Call) -> Staff:
    """The caller of a route whose access is STAFF or PLATFORM."""
    staff = staff_of(call.user)
    assert staff is not None, "the route's access demands staff"
    return staff
