"""The people of a run."""

import json

import pytest

from loadtests.scenarios.roster import Roster, Unseeded

SEEDED = json.dumps(
    {
        "studio_id": 3,
        "studio_admin": {"id": 1, "email": "admin@load.example", "access_token": "t1"},
        "users": [{"id": n, "access_token": f"t{n}"} for n in range(10, 15)],
    }
).encode()


def test_everybody_comes_once_and_may_come_again() -> None:
    roster = Roster(SEEDED)
    here = [roster.arrive() for _ in range(5)]
    assert [person.id for person in here] == [10, 11, 12, 13, 14]
    with pytest.raises(Unseeded, match="seed more"):
        roster.arrive()
    roster.leave(here[2])
    assert roster.arrive() is here[2]


def test_too_few_guests_are_told_before_anybody_comes() -> None:
    Roster(SEEDED).must_have(5)
    with pytest.raises(Unseeded, match="6 guests, and `hothour seed` has made 5"):
        Roster(SEEDED).must_have(6)


def test_workers_share_the_guests_and_nobody_is_in_two_places() -> None:
    shares = [Roster(SEEDED, share, 2) for share in range(2)]
    assert [shares[0].arrive().id for _ in range(3)] == [10, 12, 14]
    assert [shares[1].arrive().id for _ in range(2)] == [11, 13]


def test_the_studio_is_known_with_its_admin() -> None:
    roster = Roster(SEEDED)
    assert (roster.studio_id, roster.admin.id, roster.admin.token) == (3, 1, "t1")


@pytest.mark.parametrize("text", [b"", b"[]", b'{"users": []}'])
def test_another_file_is_refused(text: bytes) -> None:
    with pytest.raises(Unseeded, match="hothour seed"):
        Roster(text)
