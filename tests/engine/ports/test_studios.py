"""Who may act for which studio."""

from engine.ports.studios import Staff


def test_a_studios_staff_act_for_it_alone() -> None:
    staff = Staff(user_id=1, studio_id=7)
    assert staff.owns(7)
    assert not staff.owns(8)


def test_the_platforms_staff_act_for_every_studio() -> None:
    assert Staff(user_id=1, studio_id=None, platform=True).owns(7)


def test_staff_without_a_studio_act_for_none() -> None:
    assert not Staff(user_id=1, studio_id=None).owns(7)
