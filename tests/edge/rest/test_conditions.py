"""Tags, and what clients ask with them."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from edge.rest.conditions import is_known, tag_of, tag_of_list, wanted_revision
from engine.domain.auction import Status
from engine.errors import Invalid
from tests.edge.rest.examples import HOUR_MS, NOON_MS, listed


def headers(**given: str) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(
        CIMultiDict({name.replace("_", "-"): value for name, value in given.items()})
    )


def test_a_tag_is_revision_step_and_status_of_the_instant() -> None:
    auction = listed(status=Status.SCHEDULED).auction
    assert tag_of(auction, NOON_MS - 1) == '"2.0.SCHEDULED"'
    assert tag_of(auction, NOON_MS + HOUR_MS) == '"2.1.ACTIVE"'


def test_the_tag_of_a_list_moves_with_each_row() -> None:
    tags = {
        tag_of_list(rows, at_ms)
        for rows, at_ms in [
            ([], NOON_MS),
            ([listed()], NOON_MS),
            ([listed()], NOON_MS + HOUR_MS),
            ([listed(revision=3)], NOON_MS),
            ([listed(seats_left=1)], NOON_MS),
            ([listed(), listed(id=8)], NOON_MS),
            ([listed(id=8), listed()], NOON_MS),
        ]
    }
    assert len(tags) == 7


@pytest.mark.parametrize("given", ['"1.0.ACTIVE"', '"a", "1.0.ACTIVE"', 'W/"1.0.ACTIVE"', "*"])
def test_a_held_version_is_known(given: str) -> None:
    assert is_known(headers(If_None_Match=given), '"1.0.ACTIVE"')


@pytest.mark.parametrize("given", ['"1.1.ACTIVE"', "1.0.ACTIVE", "", '"1.0.ACTIVE'])
def test_any_other_is_not(given: str) -> None:
    assert not is_known(headers(If_None_Match=given), '"1.0.ACTIVE"')
    assert not is_known(headers(), '"1.0.ACTIVE"')


@pytest.mark.parametrize(
    ("given", "revision"),
    [('"7"', 7), ('"7.0.ACTIVE"', 7), (' W/"12.340.SOLD" ', 12), ("*", None), ('"0"', 0)],
)
def test_a_change_names_its_revision(given: str, revision: int | None) -> None:
    assert wanted_revision(headers(If_Match=given)) == revision
    assert wanted_revision(headers()) is None


@pytest.mark.parametrize(
    "given", ["7", '"seven"', '"7", "8"', '"-7"', '""', "", '"\u0667"', '"7.x"']
)
def test_other_tags_are_refused(given: str) -> None:
    with pytest.raises(Invalid):
        wanted_revision(headers(If_Match=given))
